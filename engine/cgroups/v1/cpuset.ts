import type { OciResources } from '../../types/oci-runtime.ts'
import type { Controls } from '../controls.ts'
import { readControl, writeControl } from '../files.ts'

/** @see Documentation/admin-guide/cgroup-v1/cpusets.rst */
export function applyCpuset(controls: Controls, cpu: NonNullable<OciResources['cpu']>): void {
  if (cpu.cpus !== undefined) controls.write('cpuset.cpus', cpu.cpus)
  if (cpu.mems !== undefined) controls.write('cpuset.mems', cpu.mems)
}

/** A v1 cpuset is born empty and takes no process before it has CPUs and memory nodes: those of the one above. */
export function inheritCpuset(above: string, directory: string): void {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    if (readControl(`${directory}/${file}`)?.trim() !== '') continue
    writeControl(`${directory}/${file}`, (readControl(`${above}/${file}`) ?? '').trim())
  }
}
