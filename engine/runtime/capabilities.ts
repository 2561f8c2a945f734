import fs from 'node:fs'
import { InvalidParameterError } from '../errors.ts'
import type { HostConfig } from '../types/docker.ts'

/** Every capability by its bit. @see capabilities(7), linux/capability.h */
export const CAPABILITIES = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
] as const

/** What a container has when nothing is asked for: Docker's fourteen. */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FSETID',
  'CAP_FOWNER',
  'CAP_MKNOD',
  'CAP_NET_RAW',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETFCAP',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_KILL',
  'CAP_AUDIT_WRITE',
]

const ALL = 'ALL'

let held: readonly string[] | undefined

/** The capabilities that this process may pass on: its bounding set, as far as it is permitted. */
export function boundingSet(): readonly string[] {
  held ??= parseBoundingSet(fs.readFileSync('/proc/self/status', 'utf8'))
  return held
}

/** @param status the text of /proc/[pid]/status */
export function parseBoundingSet(status: string): readonly string[] {
  const bits = maskOf(status, 'CapBnd') & maskOf(status, 'CapPrm')
  return CAPABILITIES.filter((_, bit) => (bits >> BigInt(bit)) & 1n)
}

function maskOf(status: string, field: string): bigint {
  const hex = new RegExp(`^${field}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1]
  return BigInt(`0x${hex ?? '0'}`)
}

/**
 * The capabilities of a container, never more than the engine holds itself.
 *
 * @throws INVALID_PARAMETER when CapAdd or CapDrop names what no kernel knows
 * @see HostConfig.CapAdd, CapDrop and Privileged, Docker Engine API
 */
export function capabilitiesOf(
  hostConfig: Pick<HostConfig, 'CapAdd' | 'CapDrop' | 'Privileged'>,
  bounding: readonly string[] = boundingSet(),
): string[] {
  return wantedOf(hostConfig).filter((name) => bounding.includes(name))
}

/** Those asked for by name that this host withholds. */
export function withheldCapabilities(
  hostConfig: Pick<HostConfig, 'CapAdd' | 'Privileged'>,
  bounding: readonly string[] = boundingSet(),
): string[] {
  if (hostConfig.Privileged === true) return []
  return normalise('CapAdd', hostConfig.CapAdd).filter(
    (name) => name !== ALL && !bounding.includes(name),
  )
}

function wantedOf({
  CapAdd,
  CapDrop,
  Privileged,
}: Pick<HostConfig, 'CapAdd' | 'CapDrop' | 'Privileged'>): string[] {
  const add = normalise('CapAdd', CapAdd)
  const drop = normalise('CapDrop', CapDrop)
  if (Privileged === true) return [...CAPABILITIES]
  // dropping all leaves exactly what is added by name
  if (drop.includes(ALL)) return add.includes(ALL) ? [...CAPABILITIES] : add
  if (add.includes(ALL)) return CAPABILITIES.filter((name) => !drop.includes(name))
  return [...new Set([...DEFAULT_CAPABILITIES.filter((name) => !drop.includes(name)), ...add])]
}

function normalise(field: string, names: string[] | null | undefined): string[] {
  const known: readonly string[] = CAPABILITIES
  return (names ?? []).map((given) => {
    const upper = given.trim().toUpperCase()
    if (upper === ALL) return ALL
    const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`
    if (!known.includes(name))
      throw new InvalidParameterError(`invalid ${field}: unknown capability: "${name}"`)
    return name
  })
}
