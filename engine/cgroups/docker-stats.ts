import type { ContainerNetworkStats, ContainerStatsResponse } from '../types/docker.ts'
import { hostMemoryBytes } from './host.ts'
import type { CgroupStats, IoCount } from './stats.ts'

export interface DockerStatsInput {
  id: string
  /** With its leading slash. */
  name: string
  /** The sample before, null for a first one. */
  previous: CgroupStats | null
  current: CgroupStats
  networks: Record<string, ContainerNetworkStats>
}

const NEVER = '0001-01-01T00:00:00Z'

/**
 * Docker's stats of a container; the CLI computes CPU % from `cpu_stats` and `precpu_stats`, memory from `usage` less
 * the inactive file cache.
 * @see GET /containers/{id}/stats
 */
export function toDockerStats(input: DockerStatsInput): ContainerStatsResponse {
  const { current, id, name, networks, previous } = input
  return {
    id,
    name,
    os_type: 'linux',
    read: current.at.toISOString(),
    preread: previous ? previous.at.toISOString() : NEVER,
    num_procs: 0,
    pids_stats: pidsStats(current.pids),
    cpu_stats: cpuStats(current),
    precpu_stats: previous ? cpuStats(previous) : NO_CPU_STATS,
    memory_stats: memoryStats(current),
    blkio_stats: blkioStats(current),
    storage_stats: {},
    ...(Object.keys(networks).length > 0 ? { networks } : {}),
  }
}

/** What Docker says of a container that does not run: zeros. */
export function emptyStats({ id, name }: { id: string; name: string }): ContainerStatsResponse {
  return {
    id,
    name,
    os_type: 'linux',
    read: NEVER,
    preread: NEVER,
    num_procs: 0,
    pids_stats: {},
    cpu_stats: NO_CPU_STATS,
    precpu_stats: NO_CPU_STATS,
    memory_stats: {},
    blkio_stats: { io_service_bytes_recursive: [], io_serviced_recursive: null, ...NO_CFQ_STATS },
    storage_stats: {},
  }
}

const NO_CPU_STATS: NonNullable<ContainerStatsResponse['cpu_stats']> = {
  cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
  throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
}

function cpuStats({ cpu, host }: CgroupStats): ContainerStatsResponse['cpu_stats'] {
  return {
    cpu_usage: {
      total_usage: cpu.totalNanos,
      ...(cpu.perCpuNanos ? { percpu_usage: cpu.perCpuNanos } : {}),
      usage_in_kernelmode: cpu.systemNanos,
      usage_in_usermode: cpu.userNanos,
    },
    system_cpu_usage: host.cpuNanos,
    online_cpus: host.onlineCpus,
    throttling_data: {
      periods: cpu.periods,
      throttled_periods: cpu.throttledPeriods,
      throttled_time: cpu.throttledNanos,
    },
  }
}

function memoryStats({ memory }: CgroupStats): ContainerStatsResponse['memory_stats'] {
  return {
    usage: memory.usageBytes,
    ...(memory.maxUsageBytes === undefined ? {} : { max_usage: memory.maxUsageBytes }),
    stats: memory.stat,
    ...(memory.failures > 0 ? { failcnt: memory.failures } : {}),
    // Docker's limit of an unlimited container is the host's memory
    limit: Math.min(memory.limitBytes, hostMemoryBytes()),
  }
}

/** No limit is left out, as Docker's clients read a limit of 0: its 2^64 - 1 does not survive a double. */
function pidsStats({ current, limit }: CgroupStats['pids']): ContainerStatsResponse['pids_stats'] {
  return limit === Infinity ? { current } : { current, limit }
}

/** The reference has the operations with v1 alone, null with v2. */
function blkioStats({ io, version }: CgroupStats): ContainerStatsResponse['blkio_stats'] {
  return {
    io_service_bytes_recursive: io.bytes.map(entry),
    io_serviced_recursive: version === 1 ? io.operations.map(entry) : null,
    ...NO_CFQ_STATS,
  }
}

/** Counted by an I/O scheduler that went with Linux 5.0. */
const NO_CFQ_STATS = {
  io_queue_recursive: null,
  io_service_time_recursive: null,
  io_wait_time_recursive: null,
  io_merged_recursive: null,
  io_time_recursive: null,
  sectors_recursive: null,
}

function entry({ major, minor, operation, value }: IoCount) {
  return { major, minor, op: operation, value }
}
