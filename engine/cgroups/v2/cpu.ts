import type { OciResources } from '../../types/oci-runtime.ts'
import type { CgroupStats } from '../stats.ts'
import type { CounterFiles } from '../counter-files.ts'
import { parseFlatKeyed, writeControl } from '../files.ts'

const DEFAULT_PERIOD_MICROS = 100_000

/** @see "CPU", Documentation/admin-guide/cgroup-v2.rst */
export function applyCpu(directory: string, cpu: NonNullable<OciResources['cpu']>): void {
  if (cpu.shares !== undefined)
    writeControl(`${directory}/cpu.weight`, String(weightOfShares(cpu.shares)))
  if (cpu.quota !== undefined || cpu.period !== undefined) {
    const quota = cpu.quota !== undefined && cpu.quota > 0 ? String(cpu.quota) : 'max'
    writeControl(`${directory}/cpu.max`, `${quota} ${String(cpu.period ?? DEFAULT_PERIOD_MICROS)}`)
  }
  if (cpu.cpus !== undefined) writeControl(`${directory}/cpuset.cpus`, cpu.cpus)
  if (cpu.mems !== undefined) writeControl(`${directory}/cpuset.mems`, cpu.mems)
}

/** v1's shares run from 2 to 262144, v2's weights from 1 to 10000. @see crun(1), "CPU controller" */
export function weightOfShares(shares: number): number {
  const clamped = Math.min(Math.max(shares, 2), 262_144)
  return 1 + Math.floor(((clamped - 2) * 9999) / 262_142)
}

export function readCpu(counters: CounterFiles, directory: string): CgroupStats['cpu'] {
  const stat = parseFlatKeyed(counters.read(`${directory}/cpu.stat`))
  const nanos = (key: string): number => (stat[key] ?? 0) * 1000
  return {
    totalNanos: nanos('usage_usec'),
    userNanos: nanos('user_usec'),
    systemNanos: nanos('system_usec'),
    periods: stat['nr_periods'] ?? 0,
    throttledPeriods: stat['nr_throttled'] ?? 0,
    throttledNanos: nanos('throttled_usec'),
  }
}
