import { attachDeviceProgram } from '../../native/bpf.ts'
import type { OciDeviceRule } from '../../types/oci-runtime.ts'
import { devicePolicy } from '../device-rules.ts'
import { deviceProgram } from './device-program.ts'

/** v2 asks an eBPF program at each open and mknod of a device. */
export function applyDevices(directory: string, rules: OciDeviceRule[]): void {
  const policy = devicePolicy(rules)
  // what allows everything needs no program
  if (policy.allowByDefault && policy.exceptions.length === 0) return
  attachDeviceProgram(directory, deviceProgram(policy))
}
