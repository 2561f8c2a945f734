import type { HostSupport } from '../runtime/host-support.ts'
import type { SystemInfo } from '../types/docker.ts'

export type KernelLimits = Required<
  Pick<
    SystemInfo,
    | 'MemoryLimit'
    | 'SwapLimit'
    | 'CpuCfsPeriod'
    | 'CpuCfsQuota'
    | 'CPUShares'
    | 'CPUSet'
    | 'PidsLimit'
    | 'OomKillDisable'
  >
>

/** Which limits this kernel can set, by Docker's names. */
export function kernelLimits(support: HostSupport): KernelLimits {
  return {
    MemoryLimit: support.memoryLimit,
    SwapLimit: support.swapLimit,
    CpuCfsPeriod: support.cpuQuota,
    CpuCfsQuota: support.cpuQuota,
    CPUShares: support.cpuShares,
    CPUSet: support.cpuset,
    PidsLimit: support.pids,
    OomKillDisable: support.oomKillDisable,
  }
}

/** Docker's words for what is missing; what v2 never has and what v1 has only on old kernels nobody can help. */
export function limitWarnings(
  support: HostSupport,
  host: { cgroupVersion: 1 | 2; ipv4Forwarding: boolean },
): string[] {
  const isV2 = host.cgroupVersion === 2
  const throttle = (v2: string, v1: string): string =>
    isV2 ? `WARNING: No io.max (${v2}) support` : `WARNING: No blkio throttle.${v1} support`
  const warnings: [boolean, string][] = [
    [support.memoryLimit, 'WARNING: No memory limit support'],
    [support.swapLimit, 'WARNING: No swap limit support'],
    [support.oomKillDisable || isV2, 'WARNING: No oom kill disable support'],
    [support.cpuQuota, 'WARNING: No cpu cfs quota support'],
    [support.cpuQuota, 'WARNING: No cpu cfs period support'],
    [support.cpuShares, 'WARNING: No cpu shares support'],
    [support.cpuset, 'WARNING: No cpuset support'],
    [support.pids, 'WARNING: No pids limit support'],
    [support.blkioWeight || !isV2, 'WARNING: No io.weight support'],
    [support.blkioWeightDevice || !isV2, 'WARNING: No io.weight (per device) support'],
    [support.blkioThrottle, throttle('rbps', 'read_bps_device')],
    [support.blkioThrottle, throttle('wbps', 'write_bps_device')],
    [support.blkioThrottle, throttle('riops', 'read_iops_device')],
    [support.blkioThrottle, throttle('wiops', 'write_iops_device')],
    [host.ipv4Forwarding, 'WARNING: IPv4 forwarding is disabled'],
  ]
  return warnings.filter(([works]) => !works).map(([, words]) => words)
}
