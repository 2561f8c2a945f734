import type { Resources } from '../types/docker.ts'
import type { HostSupport } from './host-support.ts'

/** A limit that some kernels cannot set: Docker warns and goes on without. */
interface Optional {
  needs: keyof HostSupport
  isAsked: (resources: Resources) => boolean
  warning: string
  /** What is left in its place. */
  instead: Partial<Resources>
}

const isListed = (devices: unknown[] | null | undefined): boolean => (devices ?? []).length > 0

const OPTIONAL: Optional[] = [
  {
    needs: 'memoryLimit',
    isAsked: ({ Memory = 0 }) => Memory > 0,
    warning:
      'Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation discarded.',
    instead: { Memory: 0, MemorySwap: -1 },
  },
  {
    needs: 'swapLimit',
    isAsked: ({ Memory = 0, MemorySwap }) => Memory > 0 && MemorySwap !== -1,
    warning:
      'Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.',
    instead: { MemorySwap: -1 },
  },
  {
    needs: 'swappiness',
    isAsked: ({ MemorySwappiness }) =>
      typeof MemorySwappiness === 'number' && MemorySwappiness !== -1,
    warning:
      'Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.',
    instead: { MemorySwappiness: undefined },
  },
  {
    needs: 'memoryLimit',
    isAsked: ({ MemoryReservation = 0 }) => MemoryReservation > 0,
    warning:
      'Your kernel does not support memory soft limit capabilities or the cgroup is not mounted. Limitation discarded.',
    instead: { MemoryReservation: 0 },
  },
  {
    needs: 'oomKillDisable',
    isAsked: ({ OomKillDisable }) => OomKillDisable === true,
    warning: 'Your kernel does not support OomKillDisable. OomKillDisable discarded.',
    instead: { OomKillDisable: undefined },
  },
  {
    needs: 'pids',
    isAsked: ({ PidsLimit }) => (PidsLimit ?? 0) > 0,
    warning:
      'Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. PIDs limit discarded.',
    instead: { PidsLimit: undefined },
  },
  {
    needs: 'cpuShares',
    isAsked: ({ CpuShares = 0 }) => CpuShares > 0,
    warning:
      'Your kernel does not support CPU shares or the cgroup is not mounted. Shares discarded.',
    instead: { CpuShares: 0 },
  },
  {
    needs: 'cpuQuota',
    isAsked: ({ CpuPeriod = 0, CpuQuota = 0 }) => CpuPeriod !== 0 || CpuQuota !== 0,
    warning: 'Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.',
    instead: { CpuPeriod: 0, CpuQuota: 0 },
  },
  {
    needs: 'cpuset',
    isAsked: ({ CpusetCpus, CpusetMems }) => Boolean(CpusetCpus) || Boolean(CpusetMems),
    warning: 'Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.',
    instead: { CpusetCpus: '', CpusetMems: '' },
  },
  {
    needs: 'blkioWeight',
    isAsked: ({ BlkioWeight = 0 }) => BlkioWeight > 0,
    warning:
      'Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.',
    instead: { BlkioWeight: 0 },
  },
  {
    needs: 'blkioWeightDevice',
    isAsked: ({ BlkioWeightDevice }) => isListed(BlkioWeightDevice),
    warning:
      'Your kernel does not support Block I/O weight_device or the cgroup is not mounted. Weight-device discarded.',
    instead: { BlkioWeightDevice: [] },
  },
  {
    needs: 'blkioThrottle',
    isAsked: ({ BlkioDeviceReadBps }) => isListed(BlkioDeviceReadBps),
    warning:
      'Your kernel does not support BPS Block I/O read limit or the cgroup is not mounted. Block I/O BPS read limit discarded.',
    instead: { BlkioDeviceReadBps: [] },
  },
  {
    needs: 'blkioThrottle',
    isAsked: ({ BlkioDeviceWriteBps }) => isListed(BlkioDeviceWriteBps),
    warning:
      'Your kernel does not support BPS Block I/O write limit or the cgroup is not mounted. Block I/O BPS write limit discarded.',
    instead: { BlkioDeviceWriteBps: [] },
  },
  {
    needs: 'blkioThrottle',
    isAsked: ({ BlkioDeviceReadIOps }) => isListed(BlkioDeviceReadIOps),
    warning:
      'Your kernel does not support IOPS Block read limit or the cgroup is not mounted. Block I/O IOPS read limit discarded.',
    instead: { BlkioDeviceReadIOps: [] },
  },
  {
    needs: 'blkioThrottle',
    isAsked: ({ BlkioDeviceWriteIOps }) => isListed(BlkioDeviceWriteIOps),
    warning:
      'Your kernel does not support IOPS Block write limit or the cgroup is not mounted. Block I/O IOPS write limit discarded.',
    instead: { BlkioDeviceWriteIOps: [] },
  },
]

/** What of the limits asked for this host can set, and Docker's words about the others. */
export function withoutLacking<T extends Resources>(
  asked: T,
  support: HostSupport,
): { resources: T; warnings: string[] } {
  const warnings: string[] = []
  let resources = asked
  for (const { instead, isAsked, needs, warning } of OPTIONAL) {
    if (support[needs] || !isAsked(resources)) continue
    warnings.push(warning)
    resources = { ...resources, ...instead }
  }
  return { resources, warnings }
}

/**
 * A container's settings as they are kept: what the host cannot set is left out, and Docker's defaults are written out.
 *
 * @see validateHostConfig, which has warned
 */
export function settleResources<T extends Resources>(asked: T, support: HostSupport): T {
  const { resources } = withoutLacking(asked, support)
  const { Memory = 0, MemorySwap = 0, MemorySwappiness, PidsLimit } = resources
  return {
    ...resources,
    // as much swap as memory; MemorySwap counts both together
    ...(Memory > 0 && MemorySwap === 0 ? { MemorySwap: Memory * 2 } : {}),
    ...(MemorySwappiness === -1 ? { MemorySwappiness: undefined } : {}),
    ...(typeof PidsLimit === 'number' && PidsLimit <= 0 ? { PidsLimit: undefined } : {}),
  }
}
