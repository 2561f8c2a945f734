import type { HostConfig, Resources, RestartPolicy } from '@/engine/types/docker.ts'
import { bytesOf, numberOf, sizeText } from '@/components/ui/size-text.ts'

/** Limits and restart policy as they stand in the fields; nothing in a field means no limit. */
export interface LimitsForm {
  memory: string
  /** Beside the memory; `unlimited`, or nothing where memory has no limit. */
  swap: string
  reservation: string
  /** Cores. */
  cpus: string
  shares: string
  cpuset: string
  pids: string
  restart: NonNullable<RestartPolicy['Name']>
  retries: string
}

export type LimitField = keyof LimitsForm
export type LimitErrors = Partial<Record<LimitField, string>>
export type LimitsUpdate = Resources & { RestartPolicy?: RestartPolicy }

export const UNLIMITED = 'unlimited'

const DEFAULT_SHARES = 1024
const DEFAULT_PERIOD_MICROS = 100_000

/** What the container has now. */
export function limitsFormOf(host: HostConfig): LimitsForm {
  const memory = positive(host.Memory)
  return {
    memory: sizeText(memory),
    swap: memory === null ? '' : swapText(memory, host.MemorySwap ?? 0),
    reservation: sizeText(positive(host.MemoryReservation)),
    cpus: text(coresOf(host)),
    shares: text(positive(host.CpuShares)),
    cpuset: host.CpusetCpus ?? '',
    pids: text(positive(host.PidsLimit)),
    restart: host.RestartPolicy?.Name || 'no',
    retries: text(positive(host.RestartPolicy?.MaximumRetryCount)),
  }
}

/**
 * What of a form the engine is to change, and what is wrong in which field. What is as before is not named.
 *
 * @see POST /containers/{id}/update: zeros mean "as before", so some limits are changed and never taken away
 */
export function limitsUpdateOf(
  form: LimitsForm,
  host: HostConfig,
): { update: LimitsUpdate; errors: LimitErrors } {
  const before = limitsFormOf(host)
  const errors: LimitErrors = {}
  const update: LimitsUpdate = {}
  const read = <T>(field: LimitField, work: () => T): T | undefined => {
    try {
      return work()
    } catch (error) {
      errors[field] = error instanceof Error ? error.message : String(error)
      return undefined
    }
  }
  const differs = (...fields: LimitField[]) => fields.some((field) => form[field] !== before[field])
  const stays = (field: LimitField, instead: string) => {
    if (before[field] !== '' && form[field] === '')
      errors[field] = `Once set it can be changed, not taken away: ${instead}`
  }

  stays('memory', 'give it as much as the host has')
  stays('cpus', 'give it all cores')
  stays('cpuset', 'name all CPUs, like 0-3')
  if (differs('memory', 'swap') && errors.memory === undefined)
    Object.assign(
      update,
      read('memory', () => memoryOf(form, read)),
    )
  if (differs('reservation'))
    update.MemoryReservation = read('reservation', () => bytesOf(form.reservation)) ?? -1
  if (differs('cpus') && errors.cpus === undefined)
    Object.assign(update, bandwidthOf(read('cpus', () => numberOf(form.cpus)) ?? 0, host))
  if (differs('shares'))
    update.CpuShares = read('shares', () => wholeNumber(form.shares)) ?? DEFAULT_SHARES
  if (differs('cpuset') && form.cpuset !== '') update.CpusetCpus = form.cpuset
  if (differs('pids')) update.PidsLimit = read('pids', () => wholeNumber(form.pids)) ?? 0
  if (differs('restart', 'retries')) {
    const retries =
      form.restart === 'on-failure' ? read('retries', () => wholeNumber(form.retries)) : 0
    update.RestartPolicy = { Name: form.restart, MaximumRetryCount: retries ?? 0 }
  }
  return { update, errors }
}

/** Swap is told together with memory, and always with it: else the old sum would hold for the new memory. */
function memoryOf(
  form: LimitsForm,
  read: <T>(field: LimitField, work: () => T) => T | undefined,
): Pick<Resources, 'Memory' | 'MemorySwap'> {
  const memory = bytesOf(form.memory)
  if (memory === null) {
    if (form.swap !== '') throw new Error('A limit for swap needs one for memory.')
    return {}
  }
  if (form.swap === UNLIMITED) return { Memory: memory, MemorySwap: -1 }
  const swap = read('swap', () => bytesOf(form.swap)) ?? memory
  return { Memory: memory, MemorySwap: memory + swap }
}

/** By what the container has had its share counted: Docker refuses to change from one to the other. */
function bandwidthOf(cores: number, host: HostConfig): Pick<Resources, 'NanoCpus' | 'CpuQuota'> {
  if ((host.CpuQuota ?? 0) <= 0 && (host.CpuPeriod ?? 0) <= 0)
    return { NanoCpus: Math.round(cores * 1e9) }
  return { CpuQuota: Math.round(cores * (host.CpuPeriod || DEFAULT_PERIOD_MICROS)) }
}

function coresOf({ CpuPeriod, CpuQuota = 0, NanoCpus = 0 }: HostConfig): number | null {
  if (NanoCpus > 0) return NanoCpus / 1e9
  return CpuQuota > 0 ? CpuQuota / (CpuPeriod || DEFAULT_PERIOD_MICROS) : null
}

/** @param both memory and swap; 0: Docker's default, as much swap as memory */
function swapText(memory: number, both: number): string {
  if (both === -1) return UNLIMITED
  return sizeText(both === 0 ? memory : Math.max(0, both - memory))
}

function wholeNumber(words: string): number | null {
  const value = numberOf(words)
  if (value === null) return null
  if (!Number.isInteger(value) || value < 1) throw new Error('A whole number from 1 on.')
  return value
}

function positive(value: number | null | undefined): number | null {
  return typeof value === 'number' && value > 0 ? value : null
}

function text(value: number | null): string {
  return value === null ? '' : String(value)
}
