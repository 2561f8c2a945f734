import { isDeepStrictEqual } from 'node:util'
import type { ContainerUpdate } from '../contract/containers.ts'
import { ConflictError, EngineError, InvalidParameterError } from '../errors.ts'
import { isUnset } from '../runtime/field-rules.ts'
import { hostSupport } from '../runtime/host-support.ts'
import { withoutLacking } from '../runtime/lacking-limits.ts'
import { changedLimits } from '../runtime/resources.ts'
import { validateResources } from '../runtime/validate.ts'
import type { ContainerUpdateResponse, HostConfig, Resources } from '../types/docker.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { emitContainerEvent } from './context.ts'
import { checkRestartPolicy } from './restart-policy.ts'

/** Zero and empty mean "as before" for these. */
const CHANGEABLE = [
  'BlkioWeight', 'CpuShares', 'CpuPeriod', 'CpuQuota', 'CpuRealtimePeriod', 'CpuRealtimeRuntime', 'CpusetCpus',
  'CpusetMems', 'Memory', 'MemoryReservation', 'MemorySwap', 'NanoCpus',
] as const // prettier-ignore

/** Null means "as before" for these: zero takes a limit away, an empty list every device. */
const CHANGEABLE_TO_NOTHING = [
  'PidsLimit', 'BlkioWeightDevice', 'BlkioDeviceReadBps', 'BlkioDeviceWriteBps', 'BlkioDeviceReadIOps',
  'BlkioDeviceWriteIOps',
] as const // prettier-ignore

/**
 * Changes limits and restart policy; the limits of a running container at once. What is not named stays as it is. When
 * one limit is refused by the kernel, none is changed.
 *
 * @throws INVALID_PARAMETER for limits that are out of range, or that cannot be changed
 * @throws CONFLICT for those that do not go with what the container has, in Docker's words
 * @see POST /containers/{id}/update
 */
export async function updateContainer(
  context: ContainersContext,
  container: Container,
  update: ContainerUpdate,
): Promise<ContainerUpdateResponse> {
  const { RestartPolicy, ...asked } = update
  refuseUnchangeable(container.document.hostConfig, asked)
  const Warnings = validateResources(changeable(asked), hostSupport(), { update: true })
  checkRestartPolicy(RestartPolicy, false)
  const { resources } = withoutLacking(changeable(asked), hostSupport())
  await container.lock.run(async () => {
    try {
      const wanted = { ...resources, ...(RestartPolicy ? { RestartPolicy } : {}) }
      await change(context, container, wanted)
    } catch (error) {
      throw cannotUpdate(container, error)
    }
  })
  emitContainerEvent(context, container, 'update')
  return { Warnings }
}

/** The caller holds the lock. */
async function change(
  context: ContainersContext,
  container: Container,
  update: ContainerUpdate,
): Promise<void> {
  if (container.removed || container.status === 'removing' || container.status === 'dead')
    throw new ConflictError('container is marked for removal and cannot be "update"')
  const before = container.document.hostConfig
  checkConflicts(before, update)
  const after = merge(before, update)
  const { cgroup } = container
  if (!cgroup) {
    await container.setDocument({ hostConfig: after })
    return
  }
  // an engine that is killed between kernel and disk leaves it to the next one to carry the change out
  await container.setState({ updatingTo: after })
  try {
    const takeBack = cgroup.update(changedLimits(before, after))
    try {
      await container.setDocument({ hostConfig: after })
    } catch (error) {
      takeBack()
      throw error
    }
  } finally {
    await container.recordState({ updatingTo: null }, context.warn)
  }
}

function changeable(update: Resources): Resources {
  const fields: readonly string[] = [...CHANGEABLE, ...CHANGEABLE_TO_NOTHING]
  return Object.fromEntries(Object.entries(update).filter(([field]) => fields.includes(field)))
}

/** What a container has for its life; named again as it is, it passes. */
function refuseUnchangeable(before: HostConfig, update: Resources): void {
  const fields: readonly string[] = [...CHANGEABLE, ...CHANGEABLE_TO_NOTHING]
  for (const [field, value] of Object.entries(update)) {
    if (fields.includes(field) || isUnset(value)) continue
    if (isDeepStrictEqual(value, before[field as keyof Resources])) continue
    if (field === 'MemorySwappiness' && value === -1) continue
    throw new InvalidParameterError(
      `${field} of a container cannot be updated: create a new container with it`,
    )
  }
}

function checkConflicts(before: HostConfig, update: ContainerUpdate): void {
  const { CpuPeriod = 0, CpuQuota = 0, Memory = 0, MemorySwap = 0, NanoCpus = 0 } = update
  const conflict = (what: string): never => {
    throw new ConflictError(what)
  }
  const has = (field: 'CpuPeriod' | 'CpuQuota' | 'NanoCpus'): boolean => (before[field] ?? 0) > 0
  if (NanoCpus > 0 && has('CpuPeriod')) {
    conflict('Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set')
  }
  if (NanoCpus > 0 && has('CpuQuota'))
    conflict('Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set')
  if (CpuPeriod > 0 && has('NanoCpus'))
    conflict('Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set')
  if (CpuQuota > 0 && has('NanoCpus'))
    conflict('Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set')
  // also where there is no swap limit yet: nobody has said then how much swap the new limit comes with
  if (Memory > 0 && MemorySwap === 0 && Memory > (before.MemorySwap ?? 0)) {
    conflict(
      'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time',
    )
  }
  const both = MemorySwap || (before.MemorySwap ?? 0)
  if (both > 0 && both < (Memory || (before.Memory ?? 0))) {
    throw new InvalidParameterError(
      'Minimum memoryswap limit should be larger than memory limit, see usage',
    )
  }
  const policy: string = update.RestartPolicy?.Name ?? ''
  if (before.AutoRemove === true && policy !== '' && policy !== 'no') {
    conflict('Restart policy cannot be updated because AutoRemove is enabled for the container')
  }
}

function merge(before: HostConfig, { RestartPolicy, ...update }: ContainerUpdate): HostConfig {
  const given = Object.fromEntries([
    ...CHANGEABLE.filter((field) => !isUnset(update[field])).map((field) => [field, update[field]]),
    ...CHANGEABLE_TO_NOTHING.filter((field) => update[field] != null).map((field) => [
      field,
      update[field],
    ]),
  ]) as Resources
  return {
    ...before,
    ...given,
    ...(typeof given.PidsLimit === 'number' && given.PidsLimit <= 0 ? { PidsLimit: 0 } : {}),
    ...(RestartPolicy?.Name === undefined || (RestartPolicy.Name as string) === ''
      ? {}
      : { RestartPolicy }),
  }
}

/** As Docker says it, with the kind that it is. */
function cannotUpdate(container: Container, error: unknown): unknown {
  if (!(error instanceof EngineError)) return error
  return new EngineError(error.code, `Cannot update container ${container.id}: ${error.message}`, {
    cause: error,
  })
}
