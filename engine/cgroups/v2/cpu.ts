import type { OciResources } from '../../types/oci-runtime.ts'
import type { CgroupStats } from '../stats.ts'
import type { CounterFiles } from '../counter-files.ts'
import type { Controls } from '../controls.ts'

const DEFAULT_PERIOD_MICROS = 100_000

/** @see "CPU", Documentation/admin-guide/cgroup-v2.rst */
export function applyCpu(controls: Controls, cpu: NonNullable<OciResources['cpu']>): void {
  if (cpu.shares !== undefined) controls.write('cpu.weight', String(weightOfShares(cpu.shares)))
  if (cpu.quota !== undefined || cpu.period !== undefined) {
    const quota = cpu.quota !== undefined && cpu.quota > 0 ? String(cpu.quota) : 'max'
    controls.write('cpu.max', `${quota} ${String(cpu.period ?? DEFAULT_PERIOD_MICROS)}`)
  }
  if (cpu.cpus !== undefined) controls.write('cpuset.cpus', cpu.cpus)
  if (cpu.mems !== undefined) controls.write('cpuset.mems', cpu.mems)
}

/**
 * v1's shares run from 2 to 262144 with 1024 as the default, v2's weights from 1 to 10000 with 100: the curve that runc and
 * crun lay through these three, so that a container with Docker's default share has the kernel's default.
 * @see https://github.com/opencontainers/cgroups, ConvertCPUSharesToCgroupV2Value
 */
export function weightOfShares(shares: number): number {
  if (shares <= 2) return 1
  if (shares >= 262_144) return 10_000
  const bits = Math.log2(shares)
  return Math.ceil(10 ** ((bits * bits + 125 * bits) / 612 - 7 / 34))
}

export function readCpu(counters: CounterFiles): CgroupStats['cpu'] {
  const stat = counters.flatKeyed('cpu.stat')
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
