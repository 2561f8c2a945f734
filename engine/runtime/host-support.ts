import fs from 'node:fs'
import path from 'node:path'
import { findHierarchies, type Hierarchies } from '../cgroups/hierarchies.ts'

/** Which limits this kernel can set; Docker warns about the others and goes on without. */
export interface HostSupport {
  memoryLimit: boolean
  swapLimit: boolean
  swappiness: boolean
  oomKillDisable: boolean
  cpuShares: boolean
  cpuQuota: boolean
  cpuRealtime: boolean
  cpuset: boolean
  pids: boolean
  blkioWeight: boolean
  blkioWeightDevice: boolean
  blkioThrottle: boolean
}

let known: HostSupport | undefined

export function hostSupport(): HostSupport {
  known ??= probeSupport(findHierarchies())
  return known
}

export function probeSupport({ unified, v1 }: Hierarchies): HostSupport {
  const has = (controller: string, ...files: string[]): boolean => {
    const root = v1.find(({ controllers }) => controllers.includes(controller))?.root
    return root !== undefined && isInCgroup(root, 'cgroup.procs', ...files)
  }
  if (v1.some(({ controllers }) => controllers.includes('memory'))) {
    return {
      memoryLimit: has('memory', 'memory.limit_in_bytes'),
      swapLimit: has('memory', 'memory.memsw.limit_in_bytes'),
      swappiness: has('memory', 'memory.swappiness'),
      oomKillDisable: has('memory', 'memory.oom_control'),
      cpuShares: has('cpu', 'cpu.shares'),
      cpuQuota: has('cpu', 'cpu.cfs_quota_us'),
      cpuRealtime: has('cpu', 'cpu.rt_runtime_us'),
      cpuset: has('cpuset', 'cpuset.cpus'),
      pids: v1.some(({ controllers }) => controllers.includes('pids')),
      blkioWeight: has('blkio', 'blkio.weight', 'blkio.bfq.weight'),
      blkioWeightDevice: has('blkio', 'blkio.weight_device', 'blkio.bfq.weight_device'),
      blkioThrottle: has('blkio', 'blkio.throttle.read_bps_device'),
    }
  }
  const root = unified ?? '/sys/fs/cgroup'
  const available = new Set(readText(`${root}/cgroup.controllers`).trim().split(/\s+/))
  const weights = available.has('io') && isInCgroup(root, 'io.max', 'io.weight', 'io.bfq.weight')
  return {
    memoryLimit: available.has('memory'),
    // from Linux 5.8 on the kernel says it also when it is booted with swapaccount=0
    swapLimit: available.has('memory') && isInCgroup(root, 'memory.max', 'memory.swap.max'),
    swappiness: false,
    oomKillDisable: false,
    cpuShares: available.has('cpu'),
    cpuQuota: available.has('cpu'),
    // no share of it can be given in v2
    cpuRealtime: false,
    cpuset: available.has('cpuset'),
    pids: available.has('pids'),
    blkioWeight: weights,
    blkioWeightDevice: weights,
    blkioThrottle: available.has('io'),
  }
}

/**
 * Many files are not in a root cgroup: those below it that have the controller tell; with none below, they are taken to be
 * there.
 *
 * @param marker a file that every cgroup with the controller has
 */
function isInCgroup(root: string, marker: string, ...files: string[]): boolean {
  if (files.some((file) => fs.existsSync(path.join(root, file)))) return true
  const below = fs
    .readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && fs.existsSync(path.join(root, entry.name, marker)))
  return (
    below.length === 0 ||
    below.some((entry) => files.some((file) => fs.existsSync(path.join(root, entry.name, file))))
  )
}

function readText(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch {
    // no such hierarchy
    return ''
  }
}
