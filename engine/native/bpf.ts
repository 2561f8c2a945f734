import fs from 'node:fs'
import { check, native } from './addon.ts'

interface BpfCalls {
  attachDeviceProgram(cgroupFd: number, insns: Buffer): number
}

/**
 * Lets an eBPF program decide over the devices that processes of a v2 cgroup may open or make.
 *
 * @param insns `struct bpf_insn[]` of type BPF_PROG_TYPE_CGROUP_DEVICE
 * @throws SystemError, EINVAL when the kernel's verifier refuses the program
 * @see bpf(2)
 */
export function attachDeviceProgram(cgroupDirectory: string, insns: Buffer): void {
  const fd = fs.openSync(cgroupDirectory, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY)
  try {
    check('bpf', native<BpfCalls>().attachDeviceProgram(fd, insns), cgroupDirectory)
  } finally {
    fs.closeSync(fd)
  }
}
