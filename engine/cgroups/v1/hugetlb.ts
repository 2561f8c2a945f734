import type { OciResources } from '../../types/oci-runtime.ts'
import { writeControl } from '../files.ts'

/** @see Documentation/admin-guide/cgroup-v1/hugetlb.rst */
export function applyHugetlb(
  directory: string,
  limits: NonNullable<OciResources['hugepageLimits']>,
): void {
  for (const { limit, pageSize } of limits) {
    writeControl(`${directory}/hugetlb.${pageSize}.limit_in_bytes`, String(limit))
  }
}
