import path from 'node:path'
import type { OciDevice, OciSpec } from '../../types/oci-runtime.ts'
import { MountKind, parseMount } from '../mount-options.ts'
import { Rec, type PlanWriter } from './writer.ts'

/** The nodes and links that the runtime provides. @see runtime-spec config-linux.md, "Default Devices", and runtime-linux.md */
const DEFAULT_DEVICES: OciDevice[] = [
  ['null', 1, 3] as const,
  ['zero', 1, 5] as const,
  ['full', 1, 7] as const,
  ['random', 1, 8] as const,
  ['urandom', 1, 9] as const,
  ['tty', 5, 0] as const,
].map(([name, major, minor]) => ({
  type: 'c',
  path: `/dev/${name}`,
  major,
  minor,
  fileMode: 0o666,
}))

const DEVICE_LINKS = [
  ['/proc/self/fd', '/dev/fd'],
  ['/proc/self/fd/0', '/dev/stdin'],
  ['/proc/self/fd/1', '/dev/stdout'],
  ['/proc/self/fd/2', '/dev/stderr'],
  ['/proc/kcore', '/dev/core'],
] as const

/** The nodes and links in /dev; one that is bound from elsewhere is left as it is. */
export function writeDevices(plan: PlanWriter, spec: OciSpec): void {
  const dev = spec.mounts.find(({ destination }) => destination.replace(/\/+$/, '') === '/dev')
  const bound = dev !== undefined && parseMount(dev).kind === MountKind.bind
  const devices = new Map((bound ? [] : DEFAULT_DEVICES).map((device) => [device.path, device]))
  for (const device of spec.linux.devices ?? []) devices.set(path.normalize(device.path), device)
  for (const device of devices.values()) {
    plan.record(Rec.device, (r) =>
      r
        .u32(typeBits(device) | (device.fileMode ?? 0o666))
        .u32(device.major)
        .u32(device.minor)
        .u32(device.uid ?? 0)
        .u32(device.gid ?? 0)
        .str(path.normalize(device.path)),
    )
  }
  if (bound) return
  for (const [target, link] of DEVICE_LINKS)
    plan.record(Rec.symlink, (r) => r.str(target).str(link))
  if (!devices.has('/dev/ptmx')) plan.record(Rec.symlink, (r) => r.str('pts/ptmx').str('/dev/ptmx'))
}

/** @see inode(7) */
function typeBits({ type }: OciDevice): number {
  return { c: 0o020000, u: 0o020000, b: 0o060000, p: 0o010000 }[type]
}
