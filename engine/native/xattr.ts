import { check, native } from './addon.ts'
import { bytesOrThrow, errnoOf, shown, type PathBytes } from './fs.ts'

interface XattrCalls {
  setxattrAt(dirfd: number, name: PathBytes, key: PathBytes, value: Buffer): number
  getxattrAt(dirfd: number, name: PathBytes, key: PathBytes): Buffer | number
  listxattrAt(dirfd: number, name: PathBytes): Buffer | number
}

const calls = (): XattrCalls => native<XattrCalls>()

/** Sets an extended attribute of a directory's entry (no path), or of the descriptor's own file when it is empty; follows no link. */
export function setxattrAt(dirfd: number, name: PathBytes, key: PathBytes, value: Buffer): void {
  check('setxattr', calls().setxattrAt(dirfd, name, key, value), `${shown(name)} ${shown(key)}`)
}

/** @returns undefined when there is no such attribute */
export function getxattrAt(dirfd: number, name: PathBytes, key: PathBytes): Buffer | undefined {
  const value = calls().getxattrAt(dirfd, name, key)
  if (typeof value === 'number' && ['ENODATA', 'EOPNOTSUPP'].includes(errnoOf(value) ?? ''))
    return undefined
  return bytesOrThrow('getxattr', value, `${shown(name)} ${shown(key)}`)
}

/** Keys of the extended attributes, each in bytes as latin1. */
export function listxattrAt(dirfd: number, name: PathBytes): string[] {
  const keys = bytesOrThrow('listxattr', calls().listxattrAt(dirfd, name), shown(name)).toString(
    'latin1',
  )
  return keys.split('\0').filter((key) => key !== '')
}
