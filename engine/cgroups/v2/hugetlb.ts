import type { OciResources } from '../../types/oci-runtime.ts'
import { writeControl } from '../files.ts'

/** @see "HugeTLB", Documentation/admin-guide/cgroup-v2.rst */
export function applyHugetlb(
  directory: string,
  limits: NonNullable<OciResources['hugepageLimits']>,
): void {
  for (const { limit, pageSize } of limits)
    writeControl(`${directory}/hugetlb.${pageSize}.max`, String(limit))
}
