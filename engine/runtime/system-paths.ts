import type { HostConfig } from '../types/docker.ts'
import { parseSecurityOptions } from './security-options.ts'

/** Hidden: what tells of the host or reaches its hardware. The same as Docker's. */
const MASKED_PATHS = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
]

const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

/** Paths of /proc and /sys that are hidden from a container, and those it may only read. */
export function systemPathsOf(
  hostConfig: Pick<HostConfig, 'MaskedPaths' | 'ReadonlyPaths' | 'Privileged' | 'SecurityOpt'>,
): { maskedPaths: string[]; readonlyPaths: string[] } {
  const open =
    hostConfig.Privileged === true ||
    parseSecurityOptions(hostConfig.SecurityOpt).systemPathsUnconfined
  // an empty list asks for none, as systempaths=unconfined does in the CLI; only an absent one takes the default
  return {
    maskedPaths: hostConfig.MaskedPaths ?? (open ? [] : MASKED_PATHS),
    readonlyPaths: hostConfig.ReadonlyPaths ?? (open ? [] : READONLY_PATHS),
  }
}
