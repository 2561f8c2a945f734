import os from 'node:os'
import { ConflictError, InvalidParameterError, NotImplementedError } from '../errors.ts'
import type { Instance } from '../instance.ts'
import type { IdMap, UserNamespaceRequest } from '../native/netns.ts'
import { containerIds } from '../runtime/id-map.ts'
import { OWN_RUNTIME } from '../runtime/oci-runtimes.ts'
import { isKernelAtLeast } from '../runtime/kernel-version.ts'
import { parseSecurityOptions } from '../runtime/security-options.ts'
import type { HostConfig } from '../types/docker.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { mountRequestsOf } from './mount-requests.ts'
import { isRunning } from './state.ts'

/** Id-mapped mounts as layers of overlayfs. */
const LEAST_KERNEL = [5, 19] as const

/** Whether a container is to have a user namespace of its own: as it says itself, else as the engine is set. */
export function isUserNamespaced(
  { userns }: Pick<Instance, 'userns'>,
  { UsernsMode }: Pick<HostConfig, 'UsernsMode'>,
): boolean {
  return UsernsMode === 'private' || (userns === 'private' && UsernsMode !== 'host')
}

/**
 * What cannot be had in a user namespace.
 *
 * @throws INVALID_PARAMETER in Docker's words where it refuses the same
 * @throws NOT_IMPLEMENTED when this kernel is too old
 */
export function checkUserns(context: ContainersContext, hostConfig: HostConfig): void {
  if (!isUserNamespaced(context.instance, hostConfig)) return
  if (!isKernelAtLeast(...LEAST_KERNEL)) {
    throw new NotImplementedError(
      `user namespaces need Linux ${LEAST_KERNEL.join('.')} or newer, this is ${os.release()}: use UsernsMode "host"`,
    )
  }
  const refuse = (what: string): never => {
    throw new InvalidParameterError(what)
  }
  const { IpcMode, NetworkMode, PidMode, Privileged, Runtime, UTSMode } = hostConfig
  if ((Runtime ?? OWN_RUNTIME) !== OWN_RUNTIME) {
    refuse(
      `the runtime "${Runtime ?? ''}" cannot be had in a user namespace, for which Gantry mounts everything id-mapped: use UsernsMode "host", or the runtime "${OWN_RUNTIME}"`,
    )
  }
  if (Privileged === true) {
    refuse(
      'privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode',
    )
  }
  if (NetworkMode === 'host')
    refuse("cannot share the host's network namespace when user namespaces are enabled")
  if (PidMode === 'host')
    refuse('cannot share the host PID namespace when user namespaces are enabled')
  if (IpcMode === 'host')
    refuse("cannot share the host's IPC namespace when user namespaces are enabled")
  if (UTSMode === 'host')
    refuse("cannot share the host's UTS namespace when user namespaces are enabled")
  if (parseSecurityOptions(hostConfig.SecurityOpt).writableCgroups)
    refuse('SecurityOpt writable-cgroups is incompatible with user namespaces')
  for (const request of mountRequestsOf({}, hostConfig)) {
    if (request.kind !== 'bind' || !request.propagation.endsWith('shared')) continue
    refuse(
      `invalid mount config for "${request.destination}": what is mounted in a user namespace cannot be shared with the host, use propagation "slave" or "private"`,
    )
  }
}

/**
 * The user namespace to start a container in. Whoever joins a namespace of another container joins its user namespace
 * too: only there has its root any power over what it joins.
 *
 * @throws CONFLICT when those it joins are not running, in none, or not in the same
 */
export function userNamespaceFor(
  context: ContainersContext,
  container: Container,
): UserNamespaceRequest | undefined {
  const { hostConfig } = container.document
  if (!isUserNamespaced(context.instance, hostConfig)) return undefined
  const { IpcMode, NetworkMode, PidMode } = hostConfig
  const joined = [NetworkMode, IpcMode, PidMode].flatMap((mode) => {
    const name = /^container:(.+)$/.exec(mode ?? '')?.[1]
    return name === undefined ? [] : [context.table.get(name)]
  })
  const [first] = joined
  if (first === undefined) return { ids: containerIds() }
  for (const other of joined) {
    // those that do not run are told of, in Docker's words for each mode, where they are joined
    if (isRunning(other.status) && other.state.sandbox?.userns === undefined) {
      throw new ConflictError(
        `cannot join a namespace of container ${other.name}, which runs in the host's user namespace: use UsernsMode "host"`,
      )
    }
    if (other.state.sandbox?.userns?.path !== first.state.sandbox?.userns?.path) {
      throw new ConflictError(
        `cannot join namespaces of both ${first.name} and ${other.name}, which have different user namespaces`,
      )
    }
  }
  const owner = first.state.sandbox?.userns
  return owner === undefined ? { ids: containerIds() } : { ids: owner.ids, join: owner.path }
}

/**
 * The ids that stand on the host for those of a running container; undefined when they are the same. Its layers and
 * volumes have its own ids on disk whatever it runs in: this is for what is seen of its processes, and through
 * /proc/PID/root.
 */
export function idMapOf(container: Container): IdMap | undefined {
  return container.state.sandbox?.userns?.ids
}
