import fs from 'node:fs'
import { UnavailableError } from '../errors.ts'
import type { IdMap } from '../native/netns.ts'

/** Whose line in /etc/subuid and /etc/subgid names the range. */
const OWNER = 'gantry'
const SIZE = 65536

/**
 * Where nothing else gives ids out: above what systemd-nspawn takes for its containers (to 1879048191) and useradd for
 * the sub-ids of users (SUB_UID_MAX, 600100000; Debian's first user has 100000 on). Whoever holds a sub-id can signal
 * and trace the processes that run as it, so the range must be nobody's.
 *
 * @see systemd's UIDS-GIDS.md, "Special systemd UID ranges"; login.defs(5)
 */
const DEFAULT_FIRST = 0x70000000

/**
 * The ids on the host that stand for 0 to 65535 in containers with a user namespace of their own: those that
 * /etc/subuid and /etc/subgid give to `gantry`, else a range that is nobody's. One range for all containers: what they
 * leave on disk has the ids they have inside.
 *
 * @throws UNAVAILABLE when the range named there is too small, or only in one of the two files
 * @see subuid(5)
 */
export function containerIds(etc = '/etc'): IdMap {
  const uid = rangeIn(`${etc}/subuid`)
  const gid = rangeIn(`${etc}/subgid`)
  if (uid === undefined && gid === undefined)
    return { uid: DEFAULT_FIRST, gid: DEFAULT_FIRST, size: SIZE }
  if (uid === undefined || gid === undefined) {
    throw new UnavailableError(
      `"${OWNER}" has a range in only one of ${etc}/subuid and ${etc}/subgid: add it to the other, or remove it`,
    )
  }
  return { uid, gid, size: SIZE }
}

function rangeIn(file: string): number | undefined {
  let text: string
  try {
    text = fs.readFileSync(file, 'utf8')
  } catch {
    // a host without sub-ids
    return undefined
  }
  const line = text.split('\n').find((one) => one.startsWith(`${OWNER}:`))
  if (line === undefined) return undefined
  const [, first = '', size = ''] = line.trim().split(':')
  if (!/^\d+$/.test(first) || !/^\d+$/.test(size) || Number(first) === 0 || Number(size) < SIZE) {
    throw new UnavailableError(
      `${file}: "${line}" is no range of at least ${String(SIZE)} ids, which user namespaces of containers need`,
    )
  }
  return Number(first)
}
