import type { HostConfig } from '../types/docker.ts'
import type { OciMount } from '../types/oci-runtime.ts'

const DEFAULT_SHM_BYTES = 64 << 20

export interface MountsInput {
  hostConfig: Pick<HostConfig, 'Privileged' | 'IpcMode' | 'ShmSize'>
  /** Binds, volumes, tmpfs, the hosts files. */
  mounts: OciMount[]
  hostNetwork: boolean
}

/**
 * Everything that is mounted in a container, parents before children: the standard file systems, and over or among
 * them what was asked for. A mount asked for takes the place of the standard one at the same path, and one of /dev
 * also that of all below it.
 */
export function mountsOf({ hostConfig, mounts }: MountsInput): OciMount[] {
  const asked = mounts.map((mount) => ({ ...mount, destination: cleanPath(mount.destination) }))
  const taken = new Set(asked.map((mount) => mount.destination))
  const standard = standardMounts(hostConfig).filter(
    ({ destination }) =>
      !taken.has(destination) && !(taken.has('/dev') && destination.startsWith('/dev/')),
  )
  return [...standard, ...asked.sort((a, b) => depth(a.destination) - depth(b.destination))]
}

function standardMounts(hostConfig: MountsInput['hostConfig']): OciMount[] {
  const writable = hostConfig.Privileged === true ? [] : ['ro']
  const guarded = ['nosuid', 'noexec', 'nodev']
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: guarded },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...guarded, ...writable] },
    {
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options: [...guarded, 'relatime', ...writable],
    },
    ...ipcMounts(hostConfig, guarded),
  ]
}

function ipcMounts({ IpcMode, ShmSize }: MountsInput['hostConfig'], guarded: string[]): OciMount[] {
  if (IpcMode === 'host') {
    const bind = ['rbind', 'rprivate']
    return [
      { destination: '/dev/mqueue', type: 'bind', source: '/dev/mqueue', options: bind },
      { destination: '/dev/shm', type: 'bind', source: '/dev/shm', options: bind },
    ]
  }
  const mqueue: OciMount = {
    destination: '/dev/mqueue',
    type: 'mqueue',
    source: 'mqueue',
    options: guarded,
  }
  if (IpcMode === 'none') return [mqueue]
  const size = ShmSize ? ShmSize : DEFAULT_SHM_BYTES
  return [
    mqueue,
    {
      destination: '/dev/shm',
      type: 'tmpfs',
      source: 'shm',
      options: [...guarded, 'mode=1777', `size=${String(size)}`],
    },
  ]
}

function cleanPath(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') : path
}

function depth(path: string): number {
  return path.split('/').length
}
