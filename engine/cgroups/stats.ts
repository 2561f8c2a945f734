import type { HostCpu } from './host.ts'

/** One reading of a cgroup's counters. Bytes, nanoseconds, counts. */
export interface CgroupStats {
  version: 1 | 2
  at: Date
  /** The whole machine at that moment: what a share is a share of. */
  host: HostCpu
  cpu: {
    totalNanos: number
    userNanos: number
    systemNanos: number
    /** Only v1 counts by CPU. */
    perCpuNanos?: number[]
    periods: number
    throttledPeriods: number
    throttledNanos: number
  }
  memory: {
    usageBytes: number
    /** Only v1 keeps the high-water mark in one file with the rest. */
    maxUsageBytes?: number
    /** Infinity when there is no limit. */
    limitBytes: number
    /** How often the limit was hit. */
    failures: number
    /** The kernel's memory.stat. */
    stat: Record<string, number>
  }
  /** `limit` is Infinity when there is none. */
  pids: { current: number; limit: number }
  io: { bytes: IoCount[]; operations: IoCount[] }
}

export interface IoCount {
  major: number
  minor: number
  /** `read`, `write`; v1 also `sync`, `async`, `discard`, `total`. */
  operation: string
  value: number
}
