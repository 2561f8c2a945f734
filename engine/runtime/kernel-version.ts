import os from 'node:os'

/** Of the kernel that runs. @see uname(2) */
export function kernelVersion(): [major: number, minor: number] {
  const [major = 0, minor = 0] = os.release().split('.').map(Number)
  return [major, minor]
}

/** Whether a kernel, the one that runs when not given, is of this version or a newer one. */
export function isKernelAtLeast(
  major: number,
  minor: number,
  [ownMajor, ownMinor] = kernelVersion(),
): boolean {
  return ownMajor === major ? ownMinor >= minor : ownMajor > major
}
