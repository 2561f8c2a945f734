import fs from 'node:fs'
import path from 'node:path'
import { InvalidParameterError } from '../errors.ts'
import type {
  OciDevice,
  OciMount,
  OciNamespaceType,
  OciProcess,
  OciSpec,
} from '../types/oci-runtime.ts'
import { CAPABILITIES } from './capabilities.ts'
import { cgroupMounts } from './cgroup-mounts.ts'
import type { FlatMount } from './mount-options.ts'
import { MountKind, MS, parseMount, propagationOf } from './mount-options.ts'
import { hostRlimits } from './rlimits.ts'
import type { LaunchOptions } from './shim.ts'
import type { ViewOptions } from './view.ts'

/** Record types, as in engine/native/shim/protocol.h, which lists the fields of each. */
export const Rec = {
  launch: 1,
  log: 2,
  cgroup: 3,
  new: 4,
  join: 5,
  userns: 6,
  rootOverlay: 7,
  rootBind: 8,
  propagation: 9,
  private: 10,
  mount: 11,
  device: 12,
  symlink: 13,
  mask: 14,
  readonly: 15,
  rootReadonly: 16,
  sysctl: 17,
  hostname: 18,
  domainname: 19,
  runtime: 20,
  runtimeStart: 21,
  runtimeHide: 22,
  exec: 64,
  args: 65,
  env: 66,
  cwd: 67,
  user: 68,
  caps: 69,
  rlimit: 70,
  noNewPrivileges: 71,
  oomScore: 72,
  seccomp: 73,
  apparmor: 74,
} as const

/** CGROUP_* of protocol.h. */
export const CgroupFlag = { v2: 1, byRuntime: 2 } as const

const Flag = { tty: 1, openStdin: 2, stdinOnce: 4 } as const
const LogFlag = { compressed: 1 } as const

/** CLONE_NEW*. @see namespaces(7) */
export const NAMESPACE: Record<OciNamespaceType, number> = {
  mount: 0x00020000,
  cgroup: 0x02000000,
  uts: 0x04000000,
  ipc: 0x08000000,
  user: 0x10000000,
  pid: 0x20000000,
  network: 0x40000000,
}

/** What mount(2) takes as options, less the NUL at its end. */
const PAGE_OPTIONS_MAX = 4095

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

/**
 * Flattens an OCI spec and how it is to be run into the launch plan that gantry-shim executes.
 *
 * @throws INVALID_PARAMETER naming what the shim cannot do
 * @see engine/native/shim/protocol.h for the format
 */
export function encodePlan(options: LaunchOptions): Buffer {
  const { spec } = options
  const plan = new PlanWriter()
  writeLaunch(plan, options)
  for (const procs of options.cgroup.procs) {
    plan.record(Rec.cgroup, (r) => r.u32(isCgroup2(procs) ? CgroupFlag.v2 : 0).str(procs))
  }
  writeNamespaces(plan, spec)
  writeRoot(plan, options)
  const mounts = spec.mounts.flatMap((mount) => flatten(mount, options))
  writePropagation(plan, spec, options, mounts)
  for (const mount of mounts) writeMount(plan, mount)
  writeDevices(plan, spec)
  for (const masked of spec.linux.maskedPaths ?? []) plan.record(Rec.mask, (r) => r.str(masked))
  for (const guarded of spec.linux.readonlyPaths ?? [])
    plan.record(Rec.readonly, (r) => r.str(guarded))
  if (spec.root.readonly) plan.record(Rec.rootReadonly)
  for (const [key, value] of Object.entries(spec.linux.sysctl ?? {})) {
    plan.record(Rec.sysctl, (r) => r.str(sysctlFile(key)).str(value))
  }
  const { domainname, hostname } = spec
  const ownUts = spec.linux.namespaces.some(
    ({ path, type }) => type === 'uts' && path === undefined,
  )
  if (!ownUts && (hostname !== undefined || domainname !== undefined)) {
    throw new InvalidParameterError('a hostname or domainname needs a UTS namespace of its own')
  }
  if (hostname !== undefined) plan.record(Rec.hostname, (r) => r.str(hostname))
  if (domainname !== undefined) plan.record(Rec.domainname, (r) => r.str(domainname))
  writeProcess(plan, spec.process, options.seccompFilter, spec.linux.seccomp?.flags)
  return plan.finish()
}

/**
 * The plan of a view: a container's root and mounts, and nothing else.
 *
 * @see engine/native/shim/view.c
 */
export function encodeViewPlan(options: ViewOptions): Buffer {
  const plan = new PlanWriter()
  plan.record(Rec.launch, (r) => r.u32(process.pid).u32(0).u32(0).u32(0).u32(0).str(''))
  plan.record(Rec.new, (r) => r.u32(NAMESPACE.mount))
  writeRoot(plan, options)
  plan.record(Rec.propagation, (r) => r.u64(MS.SLAVE | MS.REC).u64(0))
  for (const mount of options.mounts) writeMount(plan, { ...parseMount(mount), optional: true })
  if (options.readonly) plan.record(Rec.rootReadonly)
  // every plan has a process; that of a view is never executed
  plan.record(Rec.args, (r) => r.strings(['view']))
  return plan.finish()
}

/** The plan of a process that joins a running container. */
export function encodeExecPlan(options: {
  id: string
  process: OciProcess
  seccompFilter?: Buffer | undefined
}): Buffer {
  const plan = new PlanWriter()
  plan.exec(options.id, options.process.terminal ?? false, options.process.consoleSize)
  writeProcess(plan, options.process, options.seccompFilter)
  return plan.finish()
}

/** How the container is supervised: the same whoever makes it. */
export function writeLaunch(plan: PlanWriter, options: LaunchOptions): void {
  const { consoleSize } = options.spec.process
  plan.record(Rec.launch, (r) =>
    r
      .u32(process.pid)
      .u32(
        (options.tty ? Flag.tty : 0) |
          (options.openStdin ? Flag.openStdin : 0) |
          (options.stdinOnce ? Flag.stdinOnce : 0),
      )
      .u32(options.size?.rows ?? consoleSize?.height ?? 0)
      .u32(options.size?.cols ?? consoleSize?.width ?? 0)
      .u32(options.holdFor ?? 0)
      .str(options.exitPath),
  )
  if (options.log) {
    const { log } = options
    plan.record(Rec.log, (r) =>
      r
        .u64(log.maxSizeBytes)
        .u32(log.maxFiles)
        .str(log.path)
        .u32(log.compress === true ? LogFlag.compressed : 0)
        .str(log.attributes ?? '')
        .u32(log.bufferBytes ?? 0),
    )
  }
}

function writeNamespaces(plan: PlanWriter, { linux }: OciSpec): void {
  let created = 0
  for (const { path: joined, type } of linux.namespaces) {
    if (type === 'user') writeUserNamespace(plan, joined, linux)
    else if (joined === undefined) created |= NAMESPACE[type]
    else if (type === 'mount') {
      throw new InvalidParameterError(
        'linux.namespaces: joining a mount namespace is not supported',
      )
    } else plan.record(Rec.join, (r) => r.u32(NAMESPACE[type]).str(joined))
  }
  if (!(created & NAMESPACE.mount)) {
    throw new InvalidParameterError(
      'linux.namespaces: a container needs a mount namespace of its own',
    )
  }
  plan.record(Rec.new, (r) => r.u32(created >>> 0))
}

/** Made ahead, because it has to own the network; the mappings tell what it has, for the owners of pipes and devices. */
function writeUserNamespace(
  plan: PlanWriter,
  path: string | undefined,
  { gidMappings, uidMappings }: OciSpec['linux'],
): void {
  const [uids, gids] = [onlyRange(uidMappings), onlyRange(gidMappings)]
  if (path === undefined || !uids || uids.size !== gids?.size) {
    throw new InvalidParameterError(
      'linux.namespaces: a user namespace has to be given by its path, with one mapping of equal size from 0 for uids and gids',
    )
  }
  plan.record(Rec.userns, (r) => r.u32(uids.hostID).u32(gids.hostID).u32(uids.size).str(path))
}

function onlyRange(
  mappings: OciSpec['linux']['uidMappings'],
): { hostID: number; size: number } | undefined {
  const [first, ...more] = mappings ?? []
  return first?.containerID === 0 && more.length === 0 ? first : undefined
}

/**
 * - index=off: a restart may come while the kernel still takes the old mount down, and would find upper "in use".
 * - redirect_dir=off, metacopy=off, whatever the kernel was built with: a writable layer has all that it changes in itself,
 *   and can be read, and made a layer of an image, on its own.
 */
const OVERLAY_OPTIONS = ['index=off', 'redirect_dir=off', 'metacopy=off']

type RootOptions = Pick<LaunchOptions, 'rootfs'> & Partial<Pick<LaunchOptions, 'runtime' | 'spec'>>

/** Where on the host's tree, as the container's first process still sees it, the root gets mounted. */
function rootTarget({ rootfs, runtime, spec }: RootOptions): string {
  if (runtime && spec) return spec.root.path
  // an overlay has its directories by the time it covers one of them
  return rootfs.kind === 'overlay' ? rootfs.upper : rootfs.path
}

/** The container's root, mounted by the shim whoever makes the container. */
export function writeRoot(plan: PlanWriter, options: RootOptions): void {
  const { rootfs } = options
  if (rootfs.kind === 'bind') {
    plan.record(Rec.rootBind, (r) => r.str(rootfs.path))
    return
  }
  const { layersRoot, lower, upper, work } = rootfs
  const { data, listed } = overlayOptions(lower, { upperdir: upper, workdir: work })
  plan.record(Rec.rootOverlay, (r) =>
    r.str(layersRoot).str(data).strings(listed).str(rootTarget(options)),
  )
}

/** What the shim tells overlayfs: in one page, or one option a line with the lower directories listed beside them. */
function overlayOptions(
  lower: string[],
  directories: Record<string, string> = {},
): { data: string; listed: string[] } {
  const pairs = Object.entries(directories)
  const data = [
    `lowerdir=${lower.map(escapeOverlay).join(':')}`,
    ...pairs.map(([key, directory]) => `${key}=${escapeOverlay(directory)}`),
    ...OVERLAY_OPTIONS,
  ].join(',')
  if (Buffer.byteLength(data) <= PAGE_OPTIONS_MAX) return { data, listed: [] }
  const lines = [...pairs.map(([key, directory]) => `${key}=${directory}`), ...OVERLAY_OPTIONS]
  return { data: lines.join('\n'), listed: lower }
}

/** @see Documentation/filesystems/overlayfs.rst, "Multiple lower layers" */
function escapeOverlay(name: string): string {
  return name.replace(/[\\:,]/g, '\\$&')
}

/**
 * Mounts of the host reach in (slave) but nothing goes out, unless a bind asks to be shared: it then has to stay the
 * peer of its source, and only the mount below the new root is cut off.
 */
export function writePropagation(
  plan: PlanWriter,
  spec: OciSpec,
  options: LaunchOptions,
  mounts: FlatMount[],
): void {
  const shared = mounts.some((mount) => mount.propagation & MS.SHARED)
  const root = spec.linux.rootfsPropagation ? propagationOf(spec.linux.rootfsPropagation) : 0
  if (root === undefined) {
    throw new InvalidParameterError(
      `linux.rootfsPropagation: invalid value "${spec.linux.rootfsPropagation ?? ''}"`,
    )
  }
  plan.record(Rec.propagation, (r) => r.u64(shared ? 0 : MS.SLAVE | MS.REC).u64(root))
  if (shared) plan.record(Rec.private, (r) => r.str(mountPointOf(rootTarget(options))))
}

/** The mount point that holds a path: the deepest that is a prefix of it. */
function mountPointOf(file: string): string {
  const real = fs.realpathSync(file)
  const points = fs
    .readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => unescapeOctal(line.split(' ')[4] ?? ''))
  const holding = points.filter(
    (point) => point === '/' || real === point || real.startsWith(`${point}/`),
  )
  return holding.sort((a, b) => b.length - a.length)[0] ?? '/'
}

/** @see proc(5), mountinfo: space, tab, newline and backslash are written as \ooo */
export function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(parseInt(octal, 8)),
  )
}

function flatten(mount: OciMount, options: LaunchOptions): FlatMount[] {
  if (mount.type === 'cgroup' || mount.type === 'cgroup2') {
    return cgroupMounts(mount, {
      ownNamespace: options.spec.linux.namespaces.some(({ type }) => type === 'cgroup'),
      procs: options.cgroup.procs,
    })
  }
  return [parseMount(mount)]
}

export function writeMount(plan: PlanWriter, mount: FlatMount): void {
  if (mount.link !== undefined) {
    const { link, target } = mount
    plan.record(Rec.symlink, (r) => r.str(link).str(target))
    return
  }
  const { image, subpath = '' } = mount.part ?? {}
  const { data, listed } = image
    ? overlayOptions(image.lower)
    : { data: mount.data, listed: [] as string[] }
  plan.record(Rec.mount, (r) =>
    r
      .u32(mount.kind)
      .u32((mount.recursive ? 1 : 0) | (mount.idmap ? 2 : 0) | (mount.optional ? 4 : 0))
      .u64(mount.flags)
      .u64(mount.attrSet)
      .u64(mount.attrClear)
      .u64(mount.propagation)
      .str(mount.source)
      .str(mount.target)
      .str(mount.type)
      .str(data)
      .str(subpath)
      .strings(listed),
  )
}

/** A /dev that is bound from elsewhere is left as it is. */
function writeDevices(plan: PlanWriter, spec: OciSpec): void {
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

/** @throws INVALID_PARAMETER when the key would leave /proc/sys */
function sysctlFile(key: string): string {
  const parts = key.includes('/') ? key.split('/') : key.split('.')
  if (parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw new InvalidParameterError(`invalid sysctl "${key}"`)
  }
  // with dots between parts a slash stands for a dot within one, see sysctl(8)
  return `/proc/sys/${parts.join('/')}`
}

function writeProcess(
  plan: PlanWriter,
  process: OciProcess,
  filter: Buffer | undefined,
  flags: string[] = [],
): void {
  const { apparmorProfile, args, capabilities, cwd, env, oomScoreAdj, user } = process
  if (args.length === 0) throw new InvalidParameterError('No command specified')
  if (process.selinuxLabel)
    throw new InvalidParameterError('process.selinuxLabel: SELinux is not supported')
  if (!path.isAbsolute(cwd))
    throw new InvalidParameterError(
      `the working directory "${cwd}" is invalid, it needs to be an absolute path`,
    )
  plan.record(Rec.args, (r) => r.strings(args))
  plan.record(Rec.env, (r) => r.strings(env))
  plan.record(Rec.cwd, (r) => r.str(cwd))
  plan.record(Rec.user, (r) => {
    const gids = user.additionalGids ?? []
    r.u32(user.uid)
      .u32(user.gid)
      .u32(user.umask ?? 0o022)
      .u32(gids.length)
    for (const gid of gids) r.u32(gid)
  })
  if (capabilities) {
    const { ambient, bounding, effective, inheritable, permitted } = capabilities
    plan.record(Rec.caps, (r) => {
      for (const names of [bounding, effective, permitted, inheritable, ambient])
        r.u64(capabilityBits(names))
    })
  }
  for (const limit of process.rlimits ?? []) writeRlimit(plan, limit)
  if (process.noNewPrivileges) plan.record(Rec.noNewPrivileges)
  if (oomScoreAdj !== undefined) plan.record(Rec.oomScore, (r) => r.u32(oomScoreAdj >>> 0))
  if (filter?.length) plan.record(Rec.seccomp, (r) => r.u32(seccompFlags(flags)).bytes(filter))
  if (apparmorProfile) plan.record(Rec.apparmor, (r) => r.str(apparmorProfile))
}

/** SECCOMP_FILTER_FLAG_*. @see seccomp(2) */
const SECCOMP_FLAGS: Record<string, number> = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
}

function seccompFlags(names: string[]): number {
  return names.reduce((flags, name) => {
    const flag = SECCOMP_FLAGS[name]
    if (flag === undefined) throw new InvalidParameterError(`unknown seccomp flag "${name}"`)
    return flags | flag
  }, 0)
}

/** @throws INVALID_PARAMETER for a name no kernel knows */
function capabilityBits(names: string[]): bigint {
  const known: readonly string[] = CAPABILITIES
  return names.reduce((bits, name) => {
    const bit = known.indexOf(name)
    if (bit < 0) throw new InvalidParameterError(`unknown capability "${name}"`)
    return bits | (1n << BigInt(bit))
  }, 0n)
}

/** @see getrlimit(2) for the numbers, which are the same on x86-64 and arm64 */
const RLIMITS = [
  'CPU',
  'FSIZE',
  'DATA',
  'STACK',
  'CORE',
  'RSS',
  'NPROC',
  'NOFILE',
  'MEMLOCK',
  'AS',
  'LOCKS',
  'SIGPENDING',
  'MSGQUEUE',
  'NICE',
  'RTPRIO',
  'RTTIME',
]

function writeRlimit(
  plan: PlanWriter,
  { hard, soft, type }: { type: string; soft: number; hard: number },
): void {
  const resource = RLIMITS.indexOf(type.replace(/^RLIMIT_/, ''))
  if (resource < 0) throw new InvalidParameterError(`unknown rlimit "${type}"`)
  const host = hostRlimits()
  const ceiling = host.mayRaise ? -1 : (host.hard[type] ?? -1)
  const clamp = (value: number): bigint => {
    const lowered = ceiling !== -1 && (value === -1 || value > ceiling) ? ceiling : value
    return lowered === -1 ? 0xffffffffffffffffn : BigInt(lowered)
  }
  plan.record(Rec.rlimit, (r) => r.u32(resource).u64(clamp(soft)).u64(clamp(hard)))
}

/** A hierarchy's type is told by a file that only v2 has in every cgroup but the root. */
export function isCgroup2(procs: string): boolean {
  // as the cgroup above it, which many have in common
  const parent = path.dirname(path.dirname(procs))
  const known = hierarchies.get(parent)
  if (known !== undefined) return known
  const isV2 = fs.existsSync(path.join(path.dirname(procs), 'cgroup.controllers'))
  if (!isV2 && !fs.existsSync(procs)) return false
  if (hierarchies.size >= MOST_PARENTS) hierarchies.clear()
  hierarchies.set(parent, isV2)
  return isV2
}

const MOST_PARENTS = 256
const hierarchies = new Map<string, boolean>()

const MAGIC = 0x4e4c5047
const VERSION = 1
const HEADER_BYTES = 16

/** Writes records one after the other into one buffer that grows. */
export class PlanWriter {
  readonly #fields = new FieldWriter(HEADER_BYTES)

  record(type: number, fill?: (record: FieldWriter) => unknown): void {
    const fields = this.#fields
    const start = fields.u32(type).u32(0).length
    fill?.(fields)
    fields.patchU32(start - 4, fields.length - start)
    fields.pad()
  }

  /** The record that a plan of an exec begins with. */
  exec(id: string, tty: boolean, size: OciProcess['consoleSize']): void {
    this.record(Rec.exec, (r) =>
      r
        .u32(tty ? Flag.tty : 0)
        .u32(size?.height ?? 0)
        .u32(size?.width ?? 0)
        .str(id),
    )
  }

  finish(): Buffer {
    const plan = this.#fields.take()
    plan.writeUInt32LE(MAGIC, 0)
    plan.writeUInt32LE(VERSION, 4)
    plan.writeUInt32LE(plan.length, 8)
    return plan
  }
}

class FieldWriter {
  length: number
  #buffer = Buffer.alloc(8192)

  /** @param reserved bytes left free at the start */
  constructor(reserved: number) {
    this.length = reserved
  }

  u32(value: number): this {
    this.#reserve(4)
    this.length = this.#buffer.writeUInt32LE(value >>> 0, this.length)
    return this
  }

  u64(value: number | bigint): this {
    this.#reserve(8)
    this.length = this.#buffer.writeBigUInt64LE(BigInt(value), this.length)
    return this
  }

  /** @throws INVALID_PARAMETER when it holds a NUL, at which the kernel would end it */
  str(text: string): this {
    if (text.includes('\0')) {
      throw new InvalidParameterError(`invalid NUL byte in ${JSON.stringify(text)}`)
    }
    const size = Buffer.byteLength(text)
    this.u32(size)
    this.#reserve(size + 1)
    this.#buffer.write(text, this.length)
    // the buffer was zeroed when it was made: the NUL is there
    this.length += size + 1
    return this
  }

  strings(list: string[]): this {
    this.u32(list.length)
    for (const text of list) this.str(text)
    return this
  }

  bytes(bytes: Buffer): this {
    this.#reserve(bytes.length)
    this.length += bytes.copy(this.#buffer, this.length)
    return this
  }

  /** To the next multiple of 4. */
  pad(): void {
    this.#reserve(4)
    this.length += -this.length & 3
  }

  patchU32(at: number, value: number): void {
    this.#buffer.writeUInt32LE(value, at)
  }

  take(): Buffer {
    return this.#buffer.subarray(0, this.length)
  }

  #reserve(bytes: number): void {
    if (this.length + bytes <= this.#buffer.length) return
    const larger = Buffer.alloc(2 * (this.length + bytes))
    this.#buffer.copy(larger, 0, 0, this.length)
    this.#buffer = larger
  }
}
