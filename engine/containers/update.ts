import type { ContainerUpdate } from '../contract.ts'
import { ConflictError } from '../errors.ts'
import { resourcesOf } from '../runtime/resources.ts'
import { validateResources } from '../runtime/validate.ts'
import type { ContainerUpdateResponse, HostConfig } from '../types/docker.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { emitContainerEvent } from './context.ts'
import { checkRestartPolicy } from './restart-policy.ts'

/**
 * Changes limits and restart policy; the limits of a running container at once. What is not named stays as it is.
 *
 * @throws INVALID_PARAMETER for limits that are out of range
 * @see POST /containers/{id}/update
 */
export async function updateContainer(
  context: ContainersContext,
  container: Container,
  update: ContainerUpdate,
): Promise<ContainerUpdateResponse> {
  const Warnings: string[] = []
  await container.lock.run(async () => {
    if (container.removed || container.status === 'dead') {
      throw new ConflictError('Container is marked for removal and cannot be "update".')
    }
    const before = container.document.hostConfig
    const hostConfig = merge(before, update)
    Warnings.push(...validateResources(hostConfig))
    checkRestartPolicy(hostConfig.RestartPolicy, hostConfig.AutoRemove ?? false)
    container.cgroup?.update(resourcesOf(hostConfig))
    try {
      await container.setDocument({ hostConfig })
    } catch (error) {
      container.cgroup?.update(resourcesOf(before))
      throw error
    }
  })
  emitContainerEvent(context, container, 'update')
  return { Warnings }
}

/** Zero, empty and null mean "as before" in Docker's update. */
function merge(before: HostConfig, update: ContainerUpdate): HostConfig {
  const isGiven = (value: unknown): boolean =>
    value !== undefined &&
    value !== null &&
    value !== 0 &&
    value !== '' &&
    !(Array.isArray(value) && value.length === 0)
  const { RestartPolicy, ...limits } = update
  const given = Object.fromEntries(Object.entries(limits).filter(([, value]) => isGiven(value)))
  // a quota by period and one by CPUs exclude each other: the newer one wins
  const replaced =
    'NanoCpus' in given ? { CpuQuota: 0, CpuPeriod: 0 } : 'CpuQuota' in given ? { NanoCpus: 0 } : {}
  return {
    ...before,
    ...replaced,
    ...given,
    ...(RestartPolicy?.Name === undefined || (RestartPolicy.Name as string) === ''
      ? {}
      : { RestartPolicy }),
  }
}
