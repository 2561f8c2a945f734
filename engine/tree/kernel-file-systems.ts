import fs from 'node:fs'

/**
 * What only shows the kernel's own state, by statfs(2)'s f_type: files there have no size, change or do something when
 * they are read or written, and are nothing that belongs to the container.
 */
const KERNEL = new Set([
  0x00009fa0, // proc
  0x62656572, // sysfs
  0x0027e0eb, // cgroup
  0x63677270, // cgroup2
  0x00001cd1, // devpts
  0x19800202, // mqueue
  0x64626720, // debugfs
  0x74726163, // tracefs
  0x73636673, // securityfs
  0xcafe4a11, // bpf
  0x6165676c, // pstore
  0x62656570, // configfs
  0xf97cff8c, // selinuxfs
  0x42494e4d, // binfmt_misc
  0x6e736673, // nsfs
  0xde5e81e4, // efivarfs
  0x65735543, // fusectl
])

/** @param fd of any kind, O_PATH too */
export function isKernelFileSystem(fd: number): boolean {
  return KERNEL.has(fs.statfsSync(`/proc/self/fd/${fd}`).type >>> 0)
}
