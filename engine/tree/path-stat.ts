import fs from 'node:fs'
import path from 'node:path'
import type { PathStat } from '../contract/containers.ts'
import { nameOf, textOf } from '../tar/header.ts'
import { lookUp } from './look-up.ts'
import type { Level, Place } from './look-up.ts'

const { S_IFMT, S_IFDIR, S_IFLNK, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK } = fs.constants

/**
 * A path as Docker takes it: absolute, `..` and doubled slashes gone by its text. A slash or `/.` at the end stays, because
 * it asks for what a link points to.
 *
 * @returns bytes as latin1
 */
export function archivePath(asked: string): string {
  const clean = path.posix.join('/', asked).replace(/(.)\/+$/, '$1')
  const isDot = /(^|\/)\.\/*$/.test(asked)
  const ending = isDot ? '/.' : asked.endsWith('/') ? '/' : ''
  return nameOf(clean === '/' ? `/${isDot ? '.' : ''}` : `${clean}${ending}`)
}

/** Go's filepath.Base of such a path: its last component, `/` of the root. */
export function baseOf(file: string): string {
  return file.replace(/\/+$/, '').split('/').pop() || '/'
}

/**
 * Status of what a path leads to, a link in the last place not followed.
 *
 * @see GET /containers/{id}/archive, X-Docker-Container-Path-Stat
 */
export function pathStatOf(root: Level, file: string, place: Place): PathStat {
  const { mode, mtimeNanos, mtimeSeconds, size } = place.stat
  const isLink = (mode & S_IFMT) === S_IFLNK
  return {
    name: textOf(baseOf(file)),
    size,
    mode: goMode(mode),
    mtime: goTime(mtimeSeconds, mtimeNanos),
    linkTarget: isLink ? textOf(targetOf(root, file)) : '',
  }
}

/** Where a link leads in the end, as far as there is something. */
function targetOf(root: Level, file: string): string {
  const place = lookUp([root], file, true)
  try {
    return place.path
  } finally {
    place.close()
  }
}

/** Permissions and type in the bits of Go's os.FileMode. @see https://pkg.go.dev/io/fs#FileMode */
export function goMode(mode: number): number {
  let go = mode & 0o777
  const set = (bit: number): void => {
    go += 2 ** bit
  }
  switch (mode & S_IFMT) {
    case S_IFDIR:
      set(31)
      break
    case S_IFLNK:
      set(27)
      break
    case S_IFBLK:
      set(26)
      break
    case S_IFCHR:
      set(26)
      set(21)
      break
    case S_IFIFO:
      set(25)
      break
    case S_IFSOCK:
      set(24)
      break
  }
  if (mode & 0o4000) set(23)
  if (mode & 0o2000) set(22)
  if (mode & 0o1000) set(20)
  return go
}

/** RFC 3339 with as many digits after the second as are needed. */
function goTime(seconds: number, nanos: number): string {
  const fraction = nanos === 0 ? '' : `.${String(nanos).padStart(9, '0').replace(/0+$/, '')}`
  return `${new Date(seconds * 1000).toISOString().slice(0, -5)}${fraction}Z`
}
