import fs from 'node:fs'
import { ConflictError, NotImplementedError } from '../errors.ts'
import { rootOfNamespace } from '../native/mount.ts'
import type { IdMap } from '../native/netns.ts'
import { holdNamespace, openView } from '../runtime/view.ts'
import type { View } from '../runtime/view.ts'
import type { OciMount } from '../types/oci-runtime.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { boundMounts, ownFileMounts } from './mounts.ts'
import { isRunning } from './state.ts'
import { idMapOf } from './userns.ts'

export type ContainerView = Pick<View, 'root' | 'close'> & { ids?: IdMap | undefined }

/**
 * A container's files with its volumes: while it runs, as it sees them itself; else as it would see them.
 *
 * The view stays when the container ends, starts or is removed meanwhile, until it is closed.
 */
export async function viewContainer(
  context: ContainersContext,
  container: Container,
): Promise<ContainerView> {
  const running = viewRunning(container)
  if (running) return running
  return await container.lock.run(
    async () => viewRunning(container) ?? (await viewStopped(context, container)),
  )
}

/** Undefined when it does not run. In a user namespace files are seen with the ids that it has on the host. */
export function viewRunning(container: Container): ContainerView | undefined {
  const view = withProcess(container, holdNamespace)
  return view && { ...view, ids: idMapOf(container) }
}

/**
 * The caller holds the container's lock: a start would mount the same directories. Files have the container's own ids, as on
 * disk, whatever it runs in.
 */
export async function viewStopped(
  context: ContainersContext,
  container: Container,
  options: { withVolumes?: boolean } = {},
): Promise<ContainerView> {
  const { config, hostConfig, id } = container.document
  if (container.removed || container.status === 'removing')
    throw new ConflictError(`container ${id} is marked for removal`)
  const withVolumes = options.withVolumes !== false
  return await openView({
    runDir: container.runDir,
    rootfs: { kind: 'overlay', ...context.images.snapshots.overlay(id) },
    mounts: withVolumes ? await mountsOfView(context, container) : [],
    readonly: hostConfig.ReadonlyRootfs ?? false,
    // dockerd makes it with the container, and people copy into it before the first start; below a volume it is the volume's
    ...(withVolumes && container.status === 'created' && config.WorkingDir
      ? { workingDir: config.WorkingDir }
      : {}),
  })
}

/** A container's root file system alone, without anything that is mounted in it. */
export async function viewRoot(
  context: ContainersContext,
  container: Container,
): Promise<ContainerView> {
  const running = viewRunningRoot(container)
  if (running) return running
  return await container.lock.run(
    async () =>
      viewRunningRoot(container) ?? (await viewStopped(context, container, { withVolumes: false })),
  )
}

function viewRunningRoot(container: Container): ContainerView | undefined {
  return withProcess(container, (process) => {
    const view = holdNamespace(process)
    try {
      const root = rootOfNamespace(view.namespace)
      return {
        root,
        ids: idMapOf(container),
        close: () => {
          fs.closeSync(root)
        },
      }
    } finally {
      view.close()
    }
  })
}

/**
 * Does something with the directory in /proc of a container's init. It is open meanwhile and known to be that of the
 * container: its number may be another process's by now, whose root would be the host's.
 */
function withProcess<T>(container: Container, act: (process: string) => T): T | undefined {
  const { pid, status } = container.state
  if (!isRunning(status) || pid === 0) return undefined
  if (container.shim?.sandboxed) {
    throw new NotImplementedError(
      `the files of container ${container.id} are inside the sandbox of its runtime ${container.document.hostConfig.Runtime ?? ''} while it runs: stop it first`,
    )
  }
  let directory: number | undefined
  try {
    directory = fs.openSync(`/proc/${String(pid)}`, fs.constants.O_RDONLY)
    const process = `/proc/self/fd/${directory}`
    if (!fs.readFileSync(`${process}/cgroup`, 'utf8').includes(container.id)) return undefined
    return act(process)
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  } finally {
    if (directory !== undefined) fs.closeSync(directory)
  }
}

/** What is bound into the container. */
async function mountsOfView(context: ContainersContext, container: Container): Promise<OciMount[]> {
  const asked = await boundMounts(context, container)
  const all: OciMount[] = [...asked, ...ownFileMounts(container, asked)]
  return all
    .map((mount) => ({ ...mount, options: (mount.options ?? []).map(unshared) }))
    .sort((a, b) => a.destination.split('/').length - b.destination.split('/').length)
}

/** Nothing that happens in a view may reach the host. */
function unshared(option: string): string {
  return /^r?(shared|slave|unbindable)$/.test(option) ? 'rprivate' : option
}
