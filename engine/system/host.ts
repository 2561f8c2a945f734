import fs from 'node:fs/promises'
import { isAppArmorEnabled } from '../runtime/apparmor.ts'

export interface HostFacts {
  operatingSystem: string
  osVersion: string
  ipv4Forwarding: boolean
  openFiles: number
  securityOptions: string[]
}

/** What the host says about itself. */
export async function hostFacts(): Promise<HostFacts> {
  const [release, forwarding, files, seccomp, cgroupNamespace] = await Promise.all([
    readOr('/etc/os-release', await readOr('/usr/lib/os-release', '')),
    readOr('/proc/sys/net/ipv4/ip_forward', '0'),
    fs.readdir('/proc/self/fd'),
    exists('/proc/sys/kernel/seccomp/actions_avail'),
    exists('/proc/self/ns/cgroup'),
  ])
  return {
    operatingSystem: releaseField(release, 'PRETTY_NAME') ?? 'Linux',
    osVersion: releaseField(release, 'VERSION_ID') ?? '',
    ipv4Forwarding: forwarding.trim() === '1',
    openFiles: files.length,
    securityOptions: [
      ...(isAppArmorEnabled() ? ['name=apparmor'] : []),
      ...(seccomp ? ['name=seccomp,profile=builtin'] : []),
      ...(cgroupNamespace ? ['name=cgroupns'] : []),
    ],
  }
}

/** Magic numbers of file systems that can carry overlay layers, in the words of Docker's info. @see statfs(2) */
const FILE_SYSTEMS: Record<number, string> = {
  0xef53: 'extfs',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x2fc12fc1: 'zfs',
  0x01021994: 'tmpfs',
  0xf2f52010: 'f2fs',
  0x794c7630: 'overlayfs',
  0xca451a4e: 'bcachefs',
}

export async function backingFileSystem(directory: string): Promise<string> {
  const { type } = await fs.statfs(directory)
  return FILE_SYSTEMS[type] ?? `0x${type.toString(16)}`
}

/** @see os-release(5): shell assignments, values maybe in quotes */
export function releaseField(text: string, name: string): string | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${name}=`))
  return line
    ?.slice(name.length + 1)
    .trim()
    .replace(/^(["'])(.*)\1$/, '$2')
    .replace(/\\(.)/g, '$1')
}

async function readOr(file: string, otherwise: string): Promise<string> {
  return fs.readFile(file, 'utf8').catch(() => otherwise)
}

async function exists(file: string): Promise<boolean> {
  return fs.access(file).then(
    () => true,
    () => false,
  )
}
