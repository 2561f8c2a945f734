import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { DIRECTORY, errnoOfError, openBeneath, openInRoot } from '../native/fs.ts'
import { MNT_DETACH, umount } from '../native/mount.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { withPipes } from '../with-pipes.ts'

/** Below a container's directory: where its root is mounted on the host for a while. */
export const VIEW = 'view'

const READABLE = fs.constants.O_RDONLY | fs.constants.O_DIRECTORY

/**
 * Copies what the image has at a volume's destination into the volume, or into the part of it that is mounted, owners and
 * modes included. Nothing is done where there is something already, or no such part, or no directory in the image.
 *
 * A volume that no container has is filled whole or not at all, also by an engine that is killed meanwhile.
 *
 * @see moby: daemon/create_unix.go, populateVolume
 */
export async function fillVolume(
  context: ContainersContext,
  container: Container,
  mount: { destination: string; subpath: string },
  volume: { Name: string; Mountpoint: string },
): Promise<void> {
  if (!isEmptyAt(volume.Mountpoint, mount.subpath)) return
  await withRoot(context, container, async (root) => {
    const fill = (directory: string, subpath = ''): Promise<boolean> =>
      copyInto(root, mount.destination, directory, subpath)
    if (mount.subpath === '' && (await context.volumes.fillWhole(volume.Name, fill))) return
    // those who have it mounted are to see what comes in
    if (isEmptyAt(volume.Mountpoint, mount.subpath)) await fill(volume.Mountpoint, mount.subpath)
  })
}

/** False, too, when there is no such part. */
function isEmptyAt(volume: string, subpath: string): boolean {
  const part = openPart(volume, subpath)
  if (part === undefined) return false
  try {
    return isEmpty(part)
  } finally {
    fs.closeSync(part)
  }
}

/** @returns false when the image has no such directory */
async function copyInto(
  root: number,
  source: string,
  directory: string,
  subpath: string,
): Promise<boolean> {
  const into = openPart(directory, subpath)
  if (into === undefined) return false
  try {
    return await copyDirectory(root, source, into)
  } finally {
    fs.closeSync(into)
  }
}

function openPart(volume: string, subpath: string): number | undefined {
  const root = fs.openSync(volume, READABLE)
  if (subpath === '') return root
  try {
    return openBeneath(root, subpath, READABLE)
  } catch (error) {
    // that there is none inside the volume is for each start to tell
    if (isMissing(error) || ['ELOOP', 'EXDEV'].includes(errnoOfError(error) ?? '')) return undefined
    throw error
  } finally {
    fs.closeSync(root)
  }
}

function isEmpty(directory: number): boolean {
  const entries = fs.opendirSync(`/proc/self/fd/${String(directory)}`)
  try {
    return entries.readSync() === null
  } finally {
    entries.closeSync()
  }
}

async function withRoot(
  context: ContainersContext,
  container: Container,
  act: (root: number) => Promise<void>,
): Promise<void> {
  const view = path.join(container.dir, VIEW)
  await fs.promises.mkdir(view, { recursive: true, mode: 0o700 })
  context.images.snapshots.mount(container.id, view)
  try {
    const root = fs.openSync(view, READABLE)
    try {
      await act(root)
    } finally {
      fs.closeSync(root)
    }
  } finally {
    umount(view, MNT_DETACH)
    await fs.promises.rmdir(view)
  }
}

/** @returns false when there is no such directory */
async function copyDirectory(root: number, source: string, into: number): Promise<boolean> {
  let from: number
  try {
    from = openInRoot(root, source, DIRECTORY)
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
  try {
    // open descriptors, not paths, are what cp gets: nothing can be swapped under it
    const copy = withPipes(
      spawn('cp', ['-a', '--', '/proc/self/fd/3/.', '/proc/self/fd/4/.'], {
        stdio: ['ignore', 'ignore', 'pipe', from, into],
      }),
    )
    const said = text(copy.stderr as NonNullable<typeof copy.stderr>)
    const code = await new Promise<number | null>((resolve, reject) => {
      copy.on('error', reject)
      copy.on('close', resolve)
    })
    if (code !== 0)
      throw new Error(`could not fill the volume from the image: ${(await said).trim()}`)
    const { gid, mode, uid } = fs.fstatSync(from)
    fs.fchownSync(into, uid, gid)
    fs.fchmodSync(into, mode & 0o7777)
    return true
  } finally {
    fs.closeSync(from)
  }
}

/** It is not there, or no directory. */
function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(errnoOfError(error) ?? '')
}
