import fs from 'node:fs'
import path from 'node:path'
import { InvalidParameterError } from '../errors.ts'
import type { DeviceMapping, HostConfig } from '../types/docker.ts'
import type { OciDevice, OciDeviceRule } from '../types/oci-runtime.ts'

type DeviceOptions = Pick<HostConfig, 'Devices' | 'DeviceCgroupRules' | 'Privileged'>

/** What every container may use, and may make any node of. The same as Docker's. */
const DEFAULT_RULES: OciDeviceRule[] = [
  { allow: false, access: 'rwm' },
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...[
    [1, 3], // null
    [1, 5], // zero
    [1, 7], // full
    [1, 8], // random
    [1, 9], // urandom
    [5, 0], // tty
    [5, 1], // console
    [5, 2], // ptmx
  ].map(([major, minor]): OciDeviceRule => ({
    allow: true,
    type: 'c',
    major,
    minor,
    access: 'rwm',
  })),
  // pseudo-terminals
  { allow: true, type: 'c', major: 136, access: 'rwm' },
]

/** Entries of the host's /dev that are no devices of its own, or that the container has its own of. */
const NOT_SHARED = new Set([
  'pts',
  'shm',
  'mqueue',
  'fd',
  'console',
  'ptmx',
  '.udev',
  '.lxc',
  '.lxd-mounts',
])

/**
 * The device nodes a container is given beyond the standard ones, and the rules of its device cgroup.
 *
 * @throws INVALID_PARAMETER when a device does not exist on the host or a rule is malformed
 * @see HostConfig.Devices and DeviceCgroupRules, Docker Engine API
 * @see Documentation/admin-guide/cgroup-v1/devices.rst
 */
export function devicesOf(hostConfig: DeviceOptions): {
  devices: OciDevice[]
  rules: OciDeviceRule[]
} {
  if (hostConfig.Privileged === true) {
    return { devices: hostDevices(), rules: [{ allow: true, access: 'rwm' }] }
  }
  const devices: OciDevice[] = []
  const rules = [...DEFAULT_RULES]
  for (const mapping of hostConfig.Devices ?? []) {
    const access = accessOf(mapping)
    for (const device of mappedDevices(mapping)) {
      devices.push(device)
      rules.push({
        allow: true,
        type: device.type === 'b' ? 'b' : 'c',
        major: device.major,
        minor: device.minor,
        access,
      })
    }
  }
  for (const rule of hostConfig.DeviceCgroupRules ?? []) rules.push(parseDeviceRule(rule))
  return { devices, rules }
}

/** `major:minor` of a block device named by its path. @throws INVALID_PARAMETER when it is none */
export function blockDeviceNumber(file: string): { major: number; minor: number } {
  let stat: fs.Stats
  try {
    stat = fs.statSync(file)
  } catch (error) {
    throw new InvalidParameterError(
      `could not find block device ${file}: no such file or directory`,
      { cause: error },
    )
  }
  if (!stat.isBlockDevice()) throw new InvalidParameterError(`${file} is not a block device`)
  return numberOf(stat)
}

function accessOf({ CgroupPermissions, PathOnHost }: DeviceMapping): string {
  const access =
    CgroupPermissions === undefined || CgroupPermissions === '' ? 'rwm' : CgroupPermissions
  if (!/^(?!.*(.).*\1)[rwm]{1,3}$/.test(access)) {
    throw new InvalidParameterError(`invalid device mode for ${PathOnHost ?? ''}: ${access}`)
  }
  return access
}

function mappedDevices(mapping: DeviceMapping): OciDevice[] {
  const onHost = mapping.PathOnHost ?? ''
  const inContainer =
    mapping.PathInContainer === undefined || mapping.PathInContainer === ''
      ? onHost
      : mapping.PathInContainer
  if (!path.isAbsolute(inContainer)) {
    throw new InvalidParameterError(`${inContainer} is not an absolute path`)
  }
  try {
    const real = fs.realpathSync(onHost)
    const device = deviceAt(real, path.normalize(inContainer))
    if (device) return [device]
    if (!fs.statSync(real).isDirectory()) throw new Error('not a device node')
    const devices = devicesBelow(real, path.normalize(inContainer))
    if (devices.length === 0) throw new Error('no device below')
    return devices
  } catch (error) {
    const reason =
      (error as NodeJS.ErrnoException).code === 'ENOENT'
        ? 'no such file or directory'
        : 'not a device node'
    throw new InvalidParameterError(
      `error gathering device information while adding custom device "${onHost}": ${reason}`,
      { cause: error },
    )
  }
}

function hostDevices(): OciDevice[] {
  return devicesBelow('/dev', '/dev', NOT_SHARED)
}

function devicesBelow(directory: string, target: string, skip = new Set<string>()): OciDevice[] {
  return fs.readdirSync(directory, { withFileTypes: true }).flatMap((entry): OciDevice[] => {
    if (skip.has(entry.name)) return []
    const file = path.join(directory, entry.name)
    const inContainer = path.join(target, entry.name)
    if (entry.isDirectory()) return devicesBelow(file, inContainer)
    if (!entry.isCharacterDevice() && !entry.isBlockDevice()) return []
    const device = deviceAt(file, inContainer)
    return device ? [device] : []
  })
}

function deviceAt(file: string, inContainer: string): OciDevice | undefined {
  const stat = fs.statSync(file, { throwIfNoEntry: false })
  if (!stat || (!stat.isCharacterDevice() && !stat.isBlockDevice())) return undefined
  return {
    type: stat.isBlockDevice() ? 'b' : 'c',
    path: inContainer,
    ...numberOf(stat),
    fileMode: stat.mode & 0o7777,
    uid: stat.uid,
    gid: stat.gid,
  }
}

/** @see makedev(3): 12 bits of major above 8 of minor, the rest of both further up */
function numberOf({ rdev }: fs.Stats): { major: number; minor: number } {
  const bits = BigInt(rdev)
  return {
    major: Number(((bits >> 8n) & 0xfffn) | ((bits >> 32n) & 0xfffff000n)),
    minor: Number((bits & 0xffn) | ((bits >> 12n) & 0xffffff00n)),
  }
}

function parseDeviceRule(text: string): OciDeviceRule {
  const match = /^([acb]) ([0-9]+|\*):([0-9]+|\*) ([rwm]{1,3})$/.exec(text)
  if (!match) throw new InvalidParameterError(`invalid device cgroup rule format: '${text}'`)
  const [, type, major, minor, access] = match
  return {
    allow: true,
    type: type === 'b' ? 'b' : type === 'c' ? 'c' : 'a',
    ...(major === '*' ? {} : { major: Number(major) }),
    ...(minor === '*' ? {} : { minor: Number(minor) }),
    access: access ?? 'rwm',
  }
}
