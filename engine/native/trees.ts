import { check, errnoName, native } from './addon.ts'
import { shown, type PathBytes } from './fs.ts'

interface TreeCalls {
  removeTreeAt(dirfd: number, name: PathBytes): number
  removeTree(path: string): Promise<number>
  treeSize(path: string): Promise<number>
  syncFs(path: string): Promise<number>
  setTopDirectory(path: string): number
}

const calls = (): TreeCalls => native<TreeCalls>()

/** Removes a file or a whole tree; follows no link, spares mounts (EBUSY); fine when it is not there. Blocks. */
export function removeTreeAt(dirfd: number, name: PathBytes): void {
  check('remove', calls().removeTreeAt(dirfd, name), shown(name))
}

/** removeTreeAt on a thread of its own. */
export async function removeTree(path: string): Promise<void> {
  check('remove', await calls().removeTree(path), path)
}

/** Bytes of regular files and links below a directory, hard links counted once; 0 when it is not there. */
export async function treeSize(path: string): Promise<number> {
  return check('measure', await calls().treeSize(path), path)
}

/** Writes everything that a path's file system still holds in memory. @see syncfs(2) */
export async function syncFs(path: string): Promise<void> {
  check('syncfs', await calls().syncFs(path), path)
}

/**
 * Tells the file system to put what is made in each subdirectory somewhere else than what is in the others. For
 * directories whose subdirectories are trees of their own.
 *
 * @returns false where the file system knows no such thing: all but ext4 and its like
 * @see chattr(1), "T"; ioctl_iflags(2)
 */
export function setTopDirectory(path: string): boolean {
  const result = calls().setTopDirectory(path)
  const isUnknown = ['EINVAL', 'ENOTTY', 'EOPNOTSUPP', 'EPERM'].includes(errnoName(-result))
  if (isUnknown) return false
  check('ioctl', result, path)
  return true
}
