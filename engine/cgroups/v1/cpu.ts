import { InvalidParameterError } from '../../errors.ts'
import type { OciResources } from '../../types/oci-runtime.ts'
import type { CgroupStats } from '../stats.ts'
import type { CounterFiles } from '../counter-files.ts'
import type { Controls } from '../controls.ts'

/** @see Documentation/scheduler/sched-bwc.rst */
export function applyCpu(controls: Controls, cpu: NonNullable<OciResources['cpu']>): void {
  if (cpu.shares !== undefined) writeShares(controls, cpu.shares)
  const writePeriod = (): void => {
    if (cpu.period !== undefined) controls.write('cpu.cfs_period_us', String(cpu.period))
  }
  const writeQuota = (): void => {
    if (cpu.quota !== undefined) controls.write('cpu.cfs_quota_us', String(cpu.quota))
  }
  try {
    writePeriod()
    writeQuota()
  } catch (error) {
    // their ratio may never be above the parent's, also between the two writes
    if (!(error instanceof InvalidParameterError) || cpu.quota === undefined) throw error
    writeQuota()
    writePeriod()
  }
}

/** The kernel silently takes the nearest it allows: said in runc's words. */
function writeShares(controls: Controls, shares: number): void {
  controls.write('cpu.shares', String(shares))
  const taken = Number(controls.read('cpu.shares'))
  if (taken === shares) return
  const bound = shares > taken ? 'maximum' : 'minimum'
  throw new InvalidParameterError(`the ${bound} allowed cpu-shares is ${String(taken)}`)
}

/** `cpuacct.usage_all` has all in one file: a header, then `cpu user system` in nanoseconds. */
export function readCpu(counters: CounterFiles, hasUsage: boolean): CgroupStats['cpu'] {
  const throttling = counters.tryFlatKeyed('cpu.stat')
  return {
    ...(hasUsage ? readUsage(counters) : NO_USAGE),
    periods: throttling?.['nr_periods'] ?? 0,
    throttledPeriods: throttling?.['nr_throttled'] ?? 0,
    throttledNanos: throttling?.['throttled_time'] ?? 0,
  }
}

type Usage = Pick<CgroupStats['cpu'], 'totalNanos' | 'userNanos' | 'systemNanos' | 'perCpuNanos'>

const NO_USAGE: Usage = { totalNanos: 0, userNanos: 0, systemNanos: 0 }
const TICK_NANOS = 1e7

function readUsage(counters: CounterFiles): Usage {
  const all = counters.tryRead('cpuacct.usage_all')
  if (all === undefined) return readOldUsage(counters)
  const usage = { totalNanos: 0, userNanos: 0, systemNanos: 0, perCpuNanos: [] as number[] }
  let start = all.indexOf('\n') + 1
  while (start > 0 && start < all.length) {
    let end = all.indexOf('\n', start)
    if (end === -1) end = all.length
    const first = all.indexOf(' ', start)
    const second = all.indexOf(' ', first + 1)
    const user = +all.slice(first + 1, second)
    const system = +all.slice(second + 1, end)
    usage.userNanos += user
    usage.systemNanos += system
    usage.perCpuNanos.push(user + system)
    start = end + 1
  }
  usage.totalNanos = usage.userNanos + usage.systemNanos
  return usage
}

/** Before Linux 4.7. */
function readOldUsage(counters: CounterFiles): Usage {
  const stat = counters.flatKeyed('cpuacct.stat')
  const perCpu = counters.read('cpuacct.usage_percpu').trim().split(/\s+/)
  return {
    totalNanos: counters.number('cpuacct.usage') ?? 0,
    userNanos: (stat['user'] ?? 0) * TICK_NANOS,
    systemNanos: (stat['system'] ?? 0) * TICK_NANOS,
    perCpuNanos: perCpu.map(Number),
  }
}
