import type { ContainerCPUStats, ContainerStatsResponse } from '../../engine/types/docker.ts'
import type { StatsSample } from './protocol.ts'

/** Turns Docker's counters into what charts show; `before` is the previous sample of the same container. */
export function toStatsSample(
  stats: ContainerStatsResponse,
  before: StatsSample | undefined,
): StatsSample {
  const time = Date.parse(stats.read ?? '') || Date.now()
  const seconds = before ? (time - before.time) / 1000 : 0
  const rate = (now: number, then: number | undefined): number =>
    then === undefined || seconds <= 0 ? 0 : Math.max(0, (now - then) / seconds)

  const memory = stats.memory_stats ?? {}
  const cache = reclaimableCache(memory.stats ?? {})
  const { rx, tx } = networkBytes(stats)
  const { read, write } = blockBytes(stats)
  return {
    time,
    cpu: cpuPercent(stats.cpu_stats, stats.precpu_stats),
    cpuCount: stats.cpu_stats?.online_cpus ?? stats.cpu_stats?.cpu_usage?.percpu_usage?.length ?? 1,
    throttledPeriods: stats.cpu_stats?.throttling_data?.throttled_periods ?? 0,
    memory: Math.max(0, (memory.usage ?? 0) - cache),
    memoryCache: cache,
    memoryLimit: memory.limit ?? 0,
    networkRxRate: rate(rx, before?.networkRx),
    networkTxRate: rate(tx, before?.networkTx),
    networkRx: rx,
    networkTx: tx,
    blockReadRate: rate(read, before?.blockRead),
    blockWriteRate: rate(write, before?.blockWrite),
    blockRead: read,
    blockWrite: write,
    pids: stats.pids_stats?.current ?? 0,
    // No limit is said as 0, nothing, or the largest number of the kernel.
    pidsLimit: validLimit(stats.pids_stats?.limit),
  }
}

/**
 * Per cent of one core: the container's share of the system's time, times the cores.
 *
 * @see GET /containers/{id}/stats, Docker Engine API, "To calculate the values shown by the stats command"
 */
function cpuPercent(
  now: ContainerCPUStats | undefined,
  before: ContainerCPUStats | undefined,
): number {
  const used = (now?.cpu_usage?.total_usage ?? 0) - (before?.cpu_usage?.total_usage ?? 0)
  const system = (now?.system_cpu_usage ?? 0) - (before?.system_cpu_usage ?? 0)
  // The very first sample has no predecessor: its difference would be the average since boot.
  if (used <= 0 || system <= 0 || !before?.system_cpu_usage) return 0
  return (used / system) * (now?.online_cpus ?? now?.cpu_usage?.percpu_usage?.length ?? 1) * 100
}

/** cgroup v1 says total_inactive_file, v2 inactive_file. */
function reclaimableCache(stats: Record<string, number | null>): number {
  return stats.total_inactive_file ?? stats.inactive_file ?? 0
}

function networkBytes(stats: ContainerStatsResponse): { rx: number; tx: number } {
  let rx = 0
  let tx = 0
  for (const network of Object.values(stats.networks ?? {})) {
    rx += network?.rx_bytes ?? 0
    tx += network?.tx_bytes ?? 0
  }
  return { rx, tx }
}

function blockBytes(stats: ContainerStatsResponse): { read: number; write: number } {
  let read = 0
  let write = 0
  for (const entry of stats.blkio_stats?.io_service_bytes_recursive ?? []) {
    const op = entry?.op?.toLowerCase()
    if (op === 'read') read += entry?.value ?? 0
    else if (op === 'write') write += entry?.value ?? 0
  }
  return { read, write }
}

function validLimit(limit: number | null | undefined): number | null {
  return limit === undefined || limit === null || limit <= 0 || limit > 2 ** 31 ? null : limit
}
