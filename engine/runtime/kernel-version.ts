import os from 'node:os'

/** Whether the kernel that runs is of this version or a newer one. @see uname(2) */
export function isKernelAtLeast(major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = os.release().split('.').map(Number)
  return ownMajor === major ? ownMinor >= minor : ownMajor > major
}
