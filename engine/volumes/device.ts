import { lookup } from 'node:dns/promises'
import { EngineError, errorMessage, InvalidParameterError, SystemError } from '../errors.ts'
import { readMounts } from '../mountinfo.ts'
import {
  MNT_DETACH,
  mount,
  MS_BIND,
  MS_DIRSYNC,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_RDONLY,
  MS_REC,
  MS_RELATIME,
  MS_REMOUNT,
  MS_STRICTATIME,
  MS_SYNCHRONOUS,
  umount,
  UMOUNT_NOFOLLOW,
} from '../native/mount.ts'

/** Words of mount(8) that are flags of mount(2); the others go to the file system as they are. */
const FLAGS = new Map<string, { set?: number; clear?: number }>(
  Object.entries({
    defaults: {},
    bind: { set: MS_BIND },
    rbind: { set: MS_BIND | MS_REC },
    ro: { set: MS_RDONLY },
    rw: { clear: MS_RDONLY },
    nosuid: { set: MS_NOSUID },
    suid: { clear: MS_NOSUID },
    nodev: { set: MS_NODEV },
    dev: { clear: MS_NODEV },
    noexec: { set: MS_NOEXEC },
    exec: { clear: MS_NOEXEC },
    sync: { set: MS_SYNCHRONOUS },
    async: { clear: MS_SYNCHRONOUS },
    dirsync: { set: MS_DIRSYNC },
    noatime: { set: MS_NOATIME },
    atime: { clear: MS_NOATIME },
    nodiratime: { set: MS_NODIRATIME },
    diratime: { clear: MS_NODIRATIME },
    relatime: { set: MS_RELATIME },
    norelatime: { clear: MS_RELATIME },
    strictatime: { set: MS_STRICTATIME },
    nostrictatime: { clear: MS_STRICTATIME },
  }),
)

/** Of a bind mount, what only a second mount call sets. */
const BIND_SECOND =
  MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME

const NETWORK_TYPES = ['nfs', 'nfs4', 'cifs']
const EINVAL = 22
const ENOENT = 2
const ENOTDIR = 20

/**
 * Checks the local driver's options: `type`, `device` and `o`, as mount(8) has them.
 *
 * @throws INVALID_PARAMETER in Docker's words
 */
export function checkOptions(name: string, options: Record<string, string>): void {
  const given = Object.keys(options)
  if (given.length === 0) return
  for (const option of given) {
    if (option === 'size')
      throw new InvalidParameterError(`create ${name}: option "size": quotas of volumes`)
    if (!['type', 'device', 'o'].includes(option)) {
      throw new InvalidParameterError(`create ${name}: invalid option: ${JSON.stringify(option)}`)
    }
  }
  for (const option of ['device', 'type']) {
    if ((options[option] ?? '') === '') {
      throw new InvalidParameterError(`create ${name}: missing required option: "${option}"`)
    }
  }
}

/**
 * Mounts what the options name at the volume's directory, unless something is mounted there already. Of a bind mount the
 * flags are set by a second call, so one that is there may lack them: an engine was killed in between.
 *
 * @throws SYSTEM in Docker's words
 */
export async function mountDevice(
  name: string,
  target: string,
  options: Record<string, string>,
): Promise<void> {
  const isThere = readMounts().some(({ point }) => point === target)
  const { device = '', type = '', o = '' } = options
  try {
    const { flags, data } = parseMountOptions(
      NETWORK_TYPES.includes(type) && !isThere ? await withAddress(o) : o,
    )
    if ((flags & MS_BIND) === 0) {
      if (!isThere) mount(device, target, type, flags, data)
      return
    }
    if (!isThere) mount(device, target, null, flags & (MS_BIND | MS_REC))
    if ((flags & BIND_SECOND) === 0) return
    try {
      mount(null, target, null, MS_REMOUNT | MS_BIND | (flags & BIND_SECOND))
    } catch (error) {
      umount(target, MNT_DETACH | UMOUNT_NOFOLLOW)
      throw error
    }
  } catch (error) {
    throw new EngineError(
      'SYSTEM',
      `failed to mount local volume ${name}: mount ${device}:${target}, type ${type}, options "${o}": ${errorMessage(error)}`,
      { cause: error },
    )
  }
}

/** Takes every mount off a directory, so that removing it cannot reach into another file system. */
export function unmountAll(target: string): void {
  for (;;) {
    try {
      umount(target, MNT_DETACH | UMOUNT_NOFOLLOW)
    } catch (error) {
      // EINVAL: nothing is mounted there (any more).
      if (error instanceof SystemError && [EINVAL, ENOENT, ENOTDIR].includes(error.errno)) return
      throw error
    }
  }
}

function parseMountOptions(text: string): { flags: number; data: string | null } {
  let flags = 0
  const data: string[] = []
  for (const option of text.split(',').filter((word) => word !== '')) {
    const flag = FLAGS.get(option)
    if (flag === undefined) data.push(option)
    else flags = (flags | (flag.set ?? 0)) & ~(flag.clear ?? 0)
  }
  return { flags, data: data.length === 0 ? null : data.join(',') }
}

/** The kernel's network file systems take `addr` as a number only; mount.nfs(8) would look it up. */
async function withAddress(text: string): Promise<string> {
  const words = await Promise.all(
    text.split(',').map(async (word) => {
      const host = /^addr=(.+)$/.exec(word)?.[1]
      return host === undefined ? word : `addr=${(await lookup(host)).address}`
    }),
  )
  return words.join(',')
}
