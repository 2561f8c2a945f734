import type { Readable } from 'node:stream'
import type { ArchiveOptions, PathStat } from '../contract/containers.ts'
import { errorCode, NotFoundError } from '../errors.ts'
import { resolveUser } from '../runtime/user.ts'
import { archivePath } from '../tree/path-stat.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { emitContainerEvent } from './context.ts'
import { readInRoot } from './running.ts'
import { viewContainer, viewRunning, viewStopped } from './view.ts'
import type { ContainerView } from './view.ts'

/**
 * Standard mounts of device nodes: who copies a tree with them in it does not want them. /proc, /sys and what else is the
 * kernel's are never entered (tree/kernel-file-systems.ts).
 */
const HIDDEN = ['/dev']

/** @param name as the client wrote it, for the message @see HEAD /containers/{id}/archive */
export async function statContainerPath(
  context: ContainersContext,
  container: Container,
  name: string,
  path: string,
): Promise<PathStat> {
  const view = await viewContainer(context, container)
  try {
    return await context.trees.stat(view.root, archivePath(path))
  } catch (error) {
    throw asMissing(error, name, path)
  } finally {
    view.close()
  }
}

/** @see GET /containers/{id}/archive */
export async function readContainerArchive(
  context: ContainersContext,
  container: Container,
  name: string,
  path: string,
): Promise<{ stat: PathStat; tar: Readable }> {
  const view = await viewContainer(context, container)
  const asked = container.document.mounts.map(({ Destination }) => Destination)
  const hidden = HIDDEN.filter((standard) => !asked.includes(standard))
  try {
    const options = { hidden, ids: view.ids }
    const read = await context.trees.read(view.root, archivePath(path), options, view.close)
    emitContainerEvent(context, container, 'archive-path')
    return read
  } catch (error) {
    throw asMissing(error, name, path)
  }
}

/** @see PUT /containers/{id}/archive */
export async function writeContainerArchive(
  context: ContainersContext,
  container: Container,
  name: string,
  path: string,
  tar: Readable,
  options: ArchiveOptions,
): Promise<void> {
  await changeContainerFiles(context, container, async (view) => {
    try {
      const owner = options.copyUidGid ? await userOf(container, view) : undefined
      await context.trees.write(view.root, archivePath(path), tar, {
        noOverwriteDirNonDir: options.noOverwriteDirNonDir ?? false,
        owner,
        ids: view.ids,
      })
    } catch (error) {
      throw asMissing(error, name, path)
    }
  })
  emitContainerEvent(context, container, 'extract-to-dir')
}

/** Changes files of a container through a view that is closed at the end. One that does not run is not started meanwhile. */
export async function changeContainerFiles<T>(
  context: ContainersContext,
  container: Container,
  change: (view: ContainerView) => Promise<T>,
): Promise<T> {
  const within = async (view: ContainerView): Promise<T> => {
    try {
      return await change(view)
    } finally {
      view.close()
    }
  }
  const running = viewRunning(container)
  if (running) return await within(running)
  // not let go of before all is written: a start would mount the same directories, and take the view's work directory
  return await container.lock.run(async () =>
    within(viewRunning(container) ?? (await viewStopped(context, container))),
  )
}

/** Whom files are given to that come with copyUIDGID: nobody special where the container has no user of its own. */
async function userOf(
  container: Container,
  { root }: ContainerView,
): Promise<{ uid: number; gid: number } | undefined> {
  const { User } = container.document.config
  if (User === undefined || User === '') return undefined
  const { gid, uid } = await resolveUser(User, [], (file) =>
    Promise.resolve(readInRoot(root, file)),
  )
  return { uid, gid }
}

function asMissing(error: unknown, name: string, path: string): unknown {
  if (errorCode(error) !== 'NOT_FOUND') return error
  return new NotFoundError(`Could not find the file ${path} in container ${name}`, {
    cause: error,
  })
}
