import fs from 'node:fs'
import { InvalidParameterError } from '../errors.ts'
import { shimPath } from '../native/addon.ts'
import type { HostConfig } from '../types/docker.ts'
import type { OciMount } from '../types/oci-runtime.ts'
import { parseSecurityOptions } from './security-options.ts'
import { DEFAULT_SHM_BYTES } from './shared-memory.ts'

export interface MountsInput {
  hostConfig: Pick<HostConfig, 'Init' | 'Privileged' | 'IpcMode' | 'SecurityOpt' | 'ShmSize'>
  /** Binds, volumes, tmpfs, the hosts files. */
  mounts: OciMount[]
  /** A directory of the host to have as /dev/shm: of a shareable container, its own or one that is joined. */
  shmPath?: string | undefined
}

/**
 * Everything that is mounted in a container, parents before children: the standard file systems, and over or among
 * them what was asked for. A mount asked for takes the place of the standard one at the same path, and one of /dev
 * also that of all below it.
 *
 * @throws INVALID_PARAMETER when one would hide what /proc says, which programs and the runtime itself trust
 */
export function mountsOf({ hostConfig, mounts, shmPath }: MountsInput): OciMount[] {
  const asked = mounts.map((mount) => ({ ...mount, destination: cleanPath(mount.destination) }))
  for (const mount of asked) checkProc(mount)
  const taken = new Set(asked.map((mount) => mount.destination))
  const standard = standardMounts(hostConfig, shmPath).filter(
    ({ destination }) =>
      !taken.has(destination) && !(taken.has('/dev') && destination.startsWith('/dev/')),
  )
  return [...standard, ...asked.sort((a, b) => depth(a.destination) - depth(b.destination))]
}

function standardMounts(
  hostConfig: MountsInput['hostConfig'],
  shmPath: string | undefined,
): OciMount[] {
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
      options: [
        ...guarded,
        'relatime',
        ...(parseSecurityOptions(hostConfig.SecurityOpt).writableCgroups ? [] : writable),
      ],
    },
    ...ipcMounts(hostConfig, guarded, shmPath),
    ...(hostConfig.Init === true ? [initMount()] : []),
  ]
}

/** Where Docker has it, so that who looks for it by name finds it. */
export const INIT_PATH = '/sbin/docker-init'

/** The shim's own binary, which is an init by that name; never id-mapped, so that root inside cannot be its owner. */
function initMount(): OciMount {
  return {
    destination: INIT_PATH,
    type: 'bind',
    source: shimPath(),
    options: ['bind', 'rprivate', 'ro', 'nosuid', 'nodev'],
  }
}

function ipcMounts(
  { IpcMode, ShmSize }: MountsInput['hostConfig'],
  guarded: string[],
  shmPath: string | undefined,
): OciMount[] {
  // mounted in the host's IPC namespace it shows the host's queues
  const mqueue: OciMount = {
    destination: '/dev/mqueue',
    type: 'mqueue',
    source: 'mqueue',
    options: guarded,
  }
  if (IpcMode === 'host' && fs.existsSync('/dev/shm')) {
    return [
      mqueue,
      { destination: '/dev/shm', type: 'bind', source: '/dev/shm', options: ['rbind', 'rprivate'] },
    ]
  }
  if (IpcMode === 'none') return [mqueue]
  if (shmPath !== undefined) {
    const options = ['rbind', 'rprivate', ...guarded]
    return [mqueue, { destination: '/dev/shm', type: 'bind', source: shmPath, options }]
  }
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

/** What lxcfs gives containers of its own. */
const PROC_FILES =
  /^\/proc\/(cpuinfo|diskstats|loadavg|meminfo|net\/dev|slabinfo|stat|swaps|uptime)$/
/** @see statfs(2) */
const PROC_SUPER_MAGIC = 0x9fa0

/** As runc: below /proc only some files, over it only another proc. */
function checkProc({ destination, source = '', type }: OciMount): void {
  if (destination === '/proc') {
    if (type === 'proc' || isProc(source)) return
    throw new InvalidParameterError(
      `"${source}" cannot be mounted to "/proc" because it is not of type proc`,
    )
  }
  if (!destination.startsWith('/proc/') || PROC_FILES.test(destination)) return
  throw new InvalidParameterError(
    `"${source}" cannot be mounted to "${destination}" because it is inside /proc`,
  )
}

function isProc(source: string): boolean {
  try {
    return fs.statfsSync(source).type === PROC_SUPER_MAGIC
  } catch {
    // no such path
    return false
  }
}

function cleanPath(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') : path
}

function depth(path: string): number {
  return path.split('/').length
}
