import type { OciResources } from '../../types/oci-runtime.ts'
import { writeControl } from '../files.ts'

/** @see Documentation/admin-guide/cgroup-v1/cpusets.rst */
export function applyCpuset(directory: string, cpu: NonNullable<OciResources['cpu']>): void {
  if (cpu.cpus !== undefined) writeControl(`${directory}/cpuset.cpus`, cpu.cpus)
  if (cpu.mems !== undefined) writeControl(`${directory}/cpuset.mems`, cpu.mems)
}
