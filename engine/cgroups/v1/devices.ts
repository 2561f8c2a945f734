import type { OciDeviceRule } from '../../types/oci-runtime.ts'
import { devicePolicy, type DeviceException } from '../device-rules.ts'
import { writeControl, writeControls } from '../files.ts'

/** One rule per write; a new cgroup starts with its parent's, which allow everything. */
export function applyDevices(directory: string, rules: OciDeviceRule[]): void {
  const { allowByDefault, exceptions } = devicePolicy(rules)
  writeControl(`${directory}/devices.${allowByDefault ? 'allow' : 'deny'}`, 'a')
  if (exceptions.length === 0) return
  writeControls(`${directory}/devices.${allowByDefault ? 'deny' : 'allow'}`, exceptions.map(lineOf))
}

function lineOf({ access, major, minor, type }: DeviceException): string {
  return `${type} ${String(major ?? '*')}:${String(minor ?? '*')} ${access}`
}
