import fs from 'node:fs/promises'
import path from 'node:path'
import type { Cgroups } from '../cgroups/cgroup.ts'
import { findHierarchies } from '../cgroups/hierarchies.ts'
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

/** Which limits this kernel can set, seen from the files it shows. */
export async function kernelLimits(cgroups: Cgroups): Promise<KernelLimits> {
  const { unified, v1 } = findHierarchies()
  const has = (controller: string): boolean => cgroups.controllers.has(controller)
  if (cgroups.version === 2) {
    const swap = unified !== undefined && (await someChildHas(unified, 'memory.swap.max'))
    return {
      MemoryLimit: has('memory'),
      SwapLimit: has('memory') && swap,
      CpuCfsPeriod: has('cpu'),
      CpuCfsQuota: has('cpu'),
      CPUShares: has('cpu'),
      CPUSet: has('cpuset'),
      PidsLimit: has('pids'),
      // v2 has no such switch.
      OomKillDisable: false,
    }
  }
  const shows = async (controller: string, file: string): Promise<boolean> => {
    const root = v1.find(({ controllers }) => controllers.includes(controller))?.root
    return root !== undefined && (await exists(path.join(root, file)))
  }
  const [swap, period, quota, shares, oom] = await Promise.all([
    shows('memory', 'memory.memsw.limit_in_bytes'),
    shows('cpu', 'cpu.cfs_period_us'),
    shows('cpu', 'cpu.cfs_quota_us'),
    shows('cpu', 'cpu.shares'),
    shows('memory', 'memory.oom_control'),
  ])
  return {
    MemoryLimit: has('memory'),
    SwapLimit: swap,
    CpuCfsPeriod: period,
    CpuCfsQuota: quota,
    CPUShares: shares,
    CPUSet: has('cpuset'),
    PidsLimit: has('pids'),
    OomKillDisable: oom,
  }
}

/** Docker's words for what is missing. */
export function limitWarnings(limits: KernelLimits, ipv4Forwarding: boolean): string[] {
  const warnings: [boolean, string][] = [
    [limits.MemoryLimit, 'WARNING: No memory limit support'],
    [limits.SwapLimit, 'WARNING: No swap limit support'],
    [limits.CpuCfsPeriod, 'WARNING: No cpu cfs period support'],
    [limits.CpuCfsQuota, 'WARNING: No cpu cfs quota support'],
    [limits.CPUShares, 'WARNING: No cpu shares support'],
    [limits.CPUSet, 'WARNING: No cpuset support'],
    [limits.PidsLimit, 'WARNING: No pids limit support'],
    [ipv4Forwarding, 'WARNING: IPv4 forwarding is disabled'],
  ]
  return warnings.filter(([works]) => !works).map(([, words]) => words)
}

/** The root of v2 shows no limits; its children do, where the controller is switched on. */
async function someChildHas(root: string, file: string): Promise<boolean> {
  const entries = await fs.readdir(root, { withFileTypes: true })
  for (const entry of entries) {
    if (entry.isDirectory() && (await exists(path.join(root, entry.name, file)))) return true
  }
  return false
}

async function exists(file: string): Promise<boolean> {
  return fs.access(file).then(
    () => true,
    () => false,
  )
}
