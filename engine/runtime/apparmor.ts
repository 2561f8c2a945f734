import { spawn } from 'node:child_process'
import fs from 'node:fs'
import { text } from 'node:stream/consumers'
import { InvalidParameterError } from '../errors.ts'
import type { HostConfig } from '../types/docker.ts'
import { parseSecurityOptions } from './security-options.ts'
import { withPipes } from '../with-pipes.ts'

const ENABLED = '/sys/module/apparmor/parameters/enabled'
const LOADED = '/sys/kernel/security/apparmor/profiles'
const PARSERS = ['/sbin/apparmor_parser', '/usr/sbin/apparmor_parser']

const DEFAULT = 'gantry-default'

/**
 * What a container may do when nothing else is asked for: everything that its namespaces and capabilities leave it, but
 * not what of /proc and /sys is the host's, no mounts, and no look into processes outside.
 *
 * @see apparmor.d(5)
 */
export const DEFAULT_PROFILE = `
profile ${DEFAULT} flags=(attach_disconnected,mediate_deleted) {
  network,
  capability,
  file,
  umount,
  deny mount,

  signal (receive) peer=unconfined,
  signal (send, receive) peer=${DEFAULT},
  ptrace (trace, read, tracedby, readby) peer=${DEFAULT},

  # of /proc only its own processes and what of /proc/sys is a namespace's
  deny /proc/* w,
  deny /proc/{[^1-9],[^1-9][^0-9],[^1-9s][^0-9y][^0-9s],[^1-9][^0-9][^0-9][^0-9/]*}/** w,
  deny /proc/sys/[^kn]** w,
  deny /proc/sys/kernel/{?,??,[^s][^h][^m]**} w,
  deny /proc/sysrq-trigger rwklx,
  deny /proc/kcore rwklx,

  # of /sys only the cgroups
  deny /sys/[^f]*/** wklx,
  deny /sys/f[^s]*/** wklx,
  deny /sys/fs/[^c]*/** wklx,
  deny /sys/fs/c[^g]*/** wklx,
  deny /sys/fs/cg[^r]*/** wklx,
  deny /sys/firmware/** rwklx,
  deny /sys/devices/virtual/powercap/** rwklx,
  deny /sys/kernel/security/** rwklx,
}
`

let defaultIsLoaded = false

export function isAppArmorEnabled(): boolean {
  return readText(ENABLED).startsWith('Y')
}

/**
 * Gives the kernel the default profile, where there is AppArmor and the program that compiles profiles. Without the
 * program containers run unconfined, as with Docker.
 *
 * @throws Error with what the program said
 */
export async function loadDefaultProfile(): Promise<void> {
  const parser = PARSERS.find((file) => fs.existsSync(file))
  if (!isAppArmorEnabled() || parser === undefined) return
  // replaces what an older version has loaded
  const child = withPipes(
    spawn(parser, ['--replace', '--skip-cache'], { stdio: ['pipe', 'ignore', 'pipe'] }),
  )
  child.stdin.on('error', () => {
    // it ended before it had read all: its exit code tells
  })
  child.stdin.end(DEFAULT_PROFILE)
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  const [code, said] = await Promise.all([ended, text(child.stderr)])
  if (code !== 0) throw new Error(`${parser} could not load the profile ${DEFAULT}: ${said.trim()}`)
  defaultIsLoaded = true
}

/**
 * The profile that a container's processes run under; undefined: unconfined.
 * @see HostConfig.SecurityOpt, Docker Engine API
 */
export function appArmorProfileOf({
  Privileged,
  SecurityOpt,
}: Pick<HostConfig, 'Privileged' | 'SecurityOpt'>): string | undefined {
  const { apparmor } = parseSecurityOptions(SecurityOpt)
  if (apparmor === 'unconfined') return undefined
  if (apparmor !== undefined && apparmor !== '') return apparmor
  return defaultIsLoaded && Privileged !== true ? DEFAULT : undefined
}

/** @throws INVALID_PARAMETER for a profile that this kernel does not have */
export function checkAppArmor({ SecurityOpt }: Pick<HostConfig, 'SecurityOpt'>): void {
  const { apparmor } = parseSecurityOptions(SecurityOpt)
  if (apparmor === undefined || apparmor === '' || apparmor === 'unconfined') return
  if (!isAppArmorEnabled()) {
    throw new InvalidParameterError(
      `SecurityOpt apparmor=${apparmor}: AppArmor is not enabled on this host`,
    )
  }
  if (!isLoaded(readText(LOADED), apparmor)) {
    throw new InvalidParameterError(
      `SecurityOpt apparmor=${apparmor}: no profile of that name is loaded, load it with apparmor_parser`,
    )
  }
}

/** @param profiles `name (mode)` lines, as the kernel lists them */
export function isLoaded(profiles: string, name: string): boolean {
  return profiles.split('\n').some((line) => line.replace(/ \(\w+\)$/, '') === name)
}

function readText(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch {
    // a kernel without it, or securityfs not mounted
    return ''
  }
}
