import type { OciResources } from '../../types/oci-runtime.ts'
import type { Controls } from '../controls.ts'
import type { CgroupStats } from '../stats.ts'
import type { CounterFiles } from '../counter-files.ts'

/** The same two files in v1 and v2. @see Documentation/admin-guide/cgroup-v1/pids.rst */
export function applyPids(controls: Controls, pids: NonNullable<OciResources['pids']>): void {
  controls.write('pids.max', pids.limit > 0 ? String(pids.limit) : 'max')
}

export function readPids(counters: CounterFiles): CgroupStats['pids'] {
  return {
    current: counters.number('pids.current') ?? 0,
    limit: counters.number('pids.max') ?? Infinity,
  }
}
