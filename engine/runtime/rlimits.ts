import fs from 'node:fs'
import { InvalidParameterError } from '../errors.ts'
import type { HostConfig, Resources } from '../types/docker.ts'
import { boundingSet } from './capabilities.ts'

export interface Rlimit {
  /** As `RLIMIT_NOFILE`. */
  type: string
  /** -1 is unlimited. */
  soft: number
  hard: number
}

/** Docker's names to the row of /proc/[pid]/limits that shows the limit. @see getrlimit(2), proc(5) */
const ROWS: Record<string, string> = {
  core: 'Max core file size',
  cpu: 'Max cpu time',
  data: 'Max data size',
  fsize: 'Max file size',
  locks: 'Max file locks',
  memlock: 'Max locked memory',
  msgqueue: 'Max msgqueue size',
  nice: 'Max nice priority',
  nofile: 'Max open files',
  nproc: 'Max processes',
  rss: 'Max resident set',
  rtprio: 'Max realtime priority',
  rttime: 'Max realtime timeout',
  sigpending: 'Max pending signals',
  stack: 'Max stack size',
}

/**
 * The limits asked for by `--ulimit`, lowered to what this host lets the engine give.
 *
 * @returns the limits and a warning for each that had to be lowered
 * @throws INVALID_PARAMETER when one is unknown or its soft limit is above the hard one
 */
export function rlimitsOf(
  hostConfig: Pick<HostConfig, 'Ulimits'>,
  host: HostRlimits = hostRlimits(),
): { rlimits: Rlimit[]; warnings: string[] } {
  const warnings: string[] = []
  const rlimits = (hostConfig.Ulimits ?? []).map((ulimit) => {
    const asked = parseUlimit(ulimit)
    const given = withinHost(asked, host)
    if (given.hard !== asked.hard) {
      warnings.push(
        `The ulimit ${asked.type.slice('RLIMIT_'.length).toLowerCase()}=${String(asked.soft)}:${String(asked.hard)} is above what this host allows; lowered to ${String(given.soft)}:${String(given.hard)}.`,
      )
    }
    return given
  })
  return { rlimits, warnings }
}

/** A limit, lowered to what this host lets the engine give. */
export function withinHost(
  { hard, soft, type }: Rlimit,
  host: HostRlimits = hostRlimits(),
): Rlimit {
  const ceiling = host.mayRaise ? -1 : (host.hard[type] ?? -1)
  const lower = (value: number): number =>
    ceiling !== -1 && (value === -1 || value > ceiling) ? ceiling : value
  return { type, soft: lower(soft), hard: lower(hard) }
}

/** What the engine itself is limited to, by `RLIMIT_…`; -1 is unlimited. */
export interface HostRlimits {
  /** CAP_SYS_RESOURCE is held. */
  mayRaise: boolean
  hard: Record<string, number>
}

let known: HostRlimits | undefined

export function hostRlimits(): HostRlimits {
  known ??= {
    mayRaise: boundingSet().includes('CAP_SYS_RESOURCE'),
    hard: parseHardLimits(fs.readFileSync('/proc/self/limits', 'utf8')),
  }
  return known
}

/** @param limits the text of /proc/[pid]/limits */
export function parseHardLimits(limits: string): Record<string, number> {
  const hard: Record<string, number> = {}
  for (const [name, row] of Object.entries(ROWS)) {
    const value = new RegExp(`^${row}\\s+\\S+\\s+(\\S+)`, 'm').exec(limits)?.[1]
    if (value !== undefined) hard[typeOf(name)] = value === 'unlimited' ? -1 : Number(value)
  }
  return hard
}

function parseUlimit(ulimit: NonNullable<Resources['Ulimits']>[number]): Rlimit {
  const name = (ulimit.Name ?? '').toLowerCase()
  if (!(name in ROWS)) throw new InvalidParameterError(`invalid ulimit type: ${ulimit.Name ?? ''}`)
  const { Soft: soft = 0, Hard: hard = 0 } = ulimit
  if (!Number.isInteger(soft) || !Number.isInteger(hard) || soft < -1 || hard < -1) {
    throw new InvalidParameterError(`invalid ulimit ${name}: ${String(soft)}:${String(hard)}`)
  }
  if (hard !== -1 && (soft === -1 || soft > hard)) {
    throw new InvalidParameterError(
      `ulimit soft limit must be less than or equal to hard limit: ${String(soft)} > ${String(hard)}`,
    )
  }
  return { type: typeOf(name), soft, hard }
}

function typeOf(name: string): string {
  return `RLIMIT_${name.toUpperCase()}`
}
