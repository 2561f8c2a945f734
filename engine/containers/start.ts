import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { ConflictError, errorMessage, NotImplementedError, NotModifiedError } from '../errors.ts'
import { explainHostError } from '../host-errors.ts'
import { removeTree } from '../native/trees.ts'
import { closeSharedMemory } from '../runtime/shared-memory.ts'
import { runtimeNamed } from '../runtime/oci-runtimes.ts'
import { launchContainer } from '../runtime/launch.ts'
import type { Shim } from '../runtime/shim.ts'
import { buildSpec } from '../runtime/spec.ts'
import { resourcesOf } from '../runtime/resources.ts'
import { resolveUser, type ResolvedUser } from '../runtime/user.ts'
import type { OciResources, OciSpec } from '../types/oci-runtime.ts'
import { cgroupParentOf } from './cgroup-of.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { emitContainerEvent, emitVolumeEvents } from './context.ts'
import { timestamp } from './clock.ts'
import { removeHeld } from './discard.ts'
import { watchForEnd } from './exit.ts'
import { healthAtStart, startHealthMonitor } from './health.ts'
import { shmPathOf } from './ipc.ts'
import { withLinkEnvironment } from './links.ts'
import { logTargetOf } from './log-target.ts'
import { prepareMounts } from './mounts.ts'
import { filterOf } from './running.ts'
import { deleteFromRuntime } from './run-dir.ts'
import { sandboxRequestOf } from './sandbox-request.ts'
import { isRunning } from './state.ts'
import { Undo } from './undo.ts'
import { checkUserns, userNamespaceFor } from './userns.ts'

/**
 * Starts a container that does not run.
 *
 * @throws NOT_MODIFIED when it runs already, CONFLICT when it is paused or being removed
 * @throws INVALID_PARAMETER when its command cannot be executed; its exit code is then 126 or 127
 * @see POST /containers/{id}/start
 */
export async function startContainer(
  context: ContainersContext,
  container: Container,
): Promise<void> {
  await container.lock.run(async () => {
    const { status } = container.state
    if (status === 'paused')
      throw new ConflictError('cannot start a paused container, try unpause instead')
    // one between two starts counts as running: its next start comes by itself
    if (isRunning(status) || status === 'restarting')
      throw new NotModifiedError('container is already running')
    if (container.isBeingRemoved || status === 'removing' || status === 'dead') {
      throw new ConflictError('container is marked for removal and cannot be started')
    }
    container.restartDelayMs = 0
    await launch(context, container, { restartCount: 0 })
  })
}

/** Everything from a stopped container to a running one; the caller holds the container's lock. */
export async function launch(
  context: ContainersContext,
  container: Container,
  counts: { restartCount: number },
): Promise<void> {
  const undo = new Undo(context.warn)
  const { document, id } = container
  try {
    const runtime = runtimeNamed(document.hostConfig.Runtime ?? '', context.instance.runtimes)
    mkdirSync(container.runDir, { recursive: true, mode: 0o700 })
    undo.add('runtime directory', () => removeTree(container.runDir))
    undo.add('shared memory', () => {
      closeSharedMemory(container.runDir)
    })

    undo.add('network', () => context.networks.sandboxes.stop(id))
    checkUserns(context, document.hostConfig)
    const network = context.networks.sandboxes.start({
      ...sandboxRequestOf(context, container),
      userns: userNamespaceFor(context, container),
    })
    // awaited below, and by the undo when what is done meanwhile fails
    network.catch(() => undefined)
    // once the kernel is at work on it, on another thread, this one makes the cgroup
    await setImmediate()
    const resources = resourcesOf(document.hostConfig)
    const cgroup = context.cgroups.create(id, resources, cgroupParentOf(container))
    undo.add('cgroup', () => cgroup.remove())
    if (runtime) {
      undo.add(`container of ${runtime.name}`, async () => {
        await cgroup.kill()
        await deleteFromRuntime(container.runDir)
      })
    }
    const user = await resolveUser(
      document.config.User ?? '',
      document.hostConfig.GroupAdd ?? [],
      (file) => context.images.snapshots.readFile(id, file),
    )
    const sandbox = await network
    // From here on a killed engine may leave a process behind: recovery looks for it by this mark. What it leaves before,
    // recovery sweeps with all that belongs to no running container.
    await container.setState({
      starting: true,
      sandbox,
      sandboxChanging: false,
      filesBehind: [],
    })

    const spec = await specOf(context, container, user, { cgroupsPath: cgroup.path, resources })
    const shim = await launchContainer({
      id,
      runDir: container.runDir,
      spec,
      runtime,
      ...filterOf(container, false),
      rootfs: { kind: 'overlay', ...context.images.snapshots.overlay(id) },
      cgroup: { procs: cgroup.procs },
      log: logTargetOf(container),
      exitPath: container.exitPath,
      tty: container.tty,
      openStdin: document.config.OpenStdin ?? false,
      stdinOnce: document.config.StdinOnce ?? false,
      holdFor: container.pendingAttaches.length,
    })
    undo.add('process', () => shim.signal(9))
    container.shim = shim
    container.cgroup = cgroup
    await connectPending(container, shim)
    await container.setState({
      status: 'running',
      starting: false,
      pid: shim.pid,
      exitCode: 0,
      error: '',
      oomKilled: false,
      startedAt: timestamp(),
      manuallyStopped: false,
      restartCount: counts.restartCount,
      health: healthAtStart(container),
    })
    container.endWanted = null
    watchForEnd(context, container, shim, cgroup)
    startHealthMonitor(context, container)
    emitVolumeEvents(context, container, 'mount')
    emitContainerEvent(context, container, 'start')
  } catch (error) {
    container.shim = null
    container.cgroup = null
    await undo.run()
    const explained = await explainStartError(context, container, error)
    await failStart(context, container, explained)
    throw explained
  }
}

/** The cause that an operator can do something about, where there is one behind what the kernel said. */
async function explainStartError(
  context: ContainersContext,
  container: Container,
  error: unknown,
): Promise<unknown> {
  try {
    context.images.snapshots.checkLayers(container.id)
  } catch (cause) {
    return cause
  }
  return explainHostError(error, context.instance)
}

async function failStart(
  context: ContainersContext,
  container: Container,
  error: unknown,
): Promise<void> {
  for (const { stream } of container.pendingAttaches) stream.destroy()
  container.pendingAttaches = []
  const wasRestarting = container.status === 'restarting'
  // a restart that fails leaves the exit code of the run before it
  const exitCode = wasRestarting
    ? container.state.exitCode
    : ((error as { exitCode?: number }).exitCode ?? 128)
  await container.recordState(
    {
      status: container.status === 'created' ? 'created' : 'exited',
      starting: false,
      sandbox: null,
      pid: 0,
      exitCode,
      error: errorMessage(error),
    },
    context.warn,
  )
  if (wasRestarting) container.events.emit('ended', { StatusCode: exitCode })
  if (container.document.hostConfig.AutoRemove === true)
    await removeHeld(context, container, { volumes: true })
}

async function connectPending(container: Container, shim: Shim): Promise<void> {
  const pending = container.pendingAttaches
  container.pendingAttaches = []
  await Promise.all(
    pending.map(async ({ client, stream, streams }) => {
      try {
        if (client && (await shim.attachClient(streams, client, container.tty))) return
        stream.connect(await shim.attach(streams))
      } catch (error) {
        // it is among those that wait no more
        stream.destroy()
        throw error
      }
    }),
  )
}

async function specOf(
  context: ContainersContext,
  container: Container,
  user: ResolvedUser,
  limits: { cgroupsPath: string; resources: OciResources },
): Promise<OciSpec> {
  const { hostConfig, id } = container.document
  const sandbox = container.state.sandbox
  const { domainname, hostname } = hostNamesOf(context, container)
  const mounts = await prepareMounts(context, container, {
    hosts: sandbox?.hosts ?? '',
    resolvConf: sandbox?.resolvConf ?? '',
    hostname,
  })
  return buildSpec({
    id,
    config: withLinkEnvironment(context, container),
    hostConfig,
    user,
    rootfsPath: path.join(container.runDir, 'rootfs'),
    mounts,
    ...(sandbox?.netnsPath === undefined ? {} : { netnsPath: sandbox.netnsPath }),
    userns: sandbox?.userns,
    joined: joinedNamespaces(context, hostConfig.PidMode, hostConfig.IpcMode),
    shmPath: shmPathOf(context, container),
    hostname,
    ...(domainname === '' ? {} : { domainname }),
    ...limits,
  })
}

/** Whoever joins a network has the names by which that is known. */
function hostNamesOf(
  context: ContainersContext,
  container: Container,
): { hostname: string; domainname: string } {
  const donor = /^container:(.+)$/.exec(container.document.hostConfig.NetworkMode ?? '')?.[1]
  if (donor !== undefined) return hostNamesOf(context, context.table.get(donor))
  const { config, id } = container.document
  return { hostname: config.Hostname ?? id.slice(0, 12), domainname: config.Domainname ?? '' }
}

function joinedNamespaces(
  context: ContainersContext,
  pidMode: string | undefined,
  ipcMode: string | undefined,
): { pid?: string; ipc?: string } {
  const pathOf = (mode: string | undefined, namespace: string): string | undefined => {
    const other = /^container:(.+)$/.exec(mode ?? '')?.[1]
    if (other === undefined) return undefined
    const container = context.table.get(other)
    const failed = `failed to join ${namespace.toUpperCase()} namespace`
    if (!isRunning(container.status))
      throw new ConflictError(`${failed}: container ${container.id} is not running`)
    if (container.shim?.sandboxed) {
      throw new NotImplementedError(
        `${failed}: of container ${container.id} the runtime ${container.document.hostConfig.Runtime ?? ''} keeps namespaces of its own inside`,
      )
    }
    return `/proc/${String(container.state.pid)}/ns/${namespace}`
  }
  const pid = pathOf(pidMode, 'pid')
  const ipc = pathOf(ipcMode, 'ipc')
  return { ...(pid === undefined ? {} : { pid }), ...(ipc === undefined ? {} : { ipc }) }
}
