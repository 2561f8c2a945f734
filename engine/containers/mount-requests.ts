import path from 'node:path'
import { InvalidParameterError } from '../errors.ts'
import { isKernelAtLeast } from '../runtime/kernel-version.ts'
import type { ContainerConfig, HostConfig, Mount } from '../types/docker.ts'
import { checkTmpfsOptions } from './tmpfs-options.ts'

/** One mount asked for, whichever of the API's ways it was asked in. */
export type MountRequest = {
  destination: string
  readOnly: boolean
  /** The option text of a bind string, as Docker reports it back. */
  mode: string
} & (
  | {
      kind: 'bind'
      source: string
      /** '': none was asked for. */
      propagation: string
      /** With what is mounted below its source. */
      recursive: boolean
      /** Read-only with what is mounted below it. */
      readOnlyBelow: boolean
      createSource: boolean
    }
  | {
      kind: 'volume'
      /** Empty: an anonymous one. */
      name: string
      /** Leave a new volume empty, whatever the image has at the destination. */
      noCopy: boolean
      driver: string
      driverOptions: Record<string, string>
      labels: Record<string, string>
      /** Of the volume; empty: all of it. */
      subpath: string
    }
  /** Always read-only; `source` names the image. */
  | { kind: 'image'; source: string; subpath: string }
  /** `isListed`: among the container's mounts; what comes by HostConfig.Tmpfs is not, as with Docker. */
  | { kind: 'tmpfs'; options: string[]; isListed: boolean }
)

/** What Docker tells as the mode of a volume that says none. */
const VOLUME_MODE = 'z'
const PROPAGATIONS = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave']
/** The options of a bind string by kind. */
const MODES = [
  ['ro', 'rw'],
  ['nocopy'],
  PROPAGATIONS,
  // hints for SELinux relabelling, which a host without SELinux has no use for, and for other platforms
  ['z', 'Z'],
  ['consistent', 'cached', 'delegated'],
]
/** Whose each of a mount's options are. @see Mount */
const OPTIONS_OF = [
  ['BindOptions', 'bind'],
  ['VolumeOptions', 'volume'],
  ['ImageOptions', 'image'],
  ['TmpfsOptions', 'tmpfs'],
] as const
/** Types of the reference that this engine does not have. */
const NOT_HERE = ['cluster', 'npipe']
const TMPFS_DEFAULTS = ['nosuid', 'nodev', 'noexec']
const VOLUME_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/

/**
 * All mounts a container asks for: `Binds`, `Mounts`, `Tmpfs`, and the volumes of its config that none of these covers.
 *
 * @throws INVALID_PARAMETER naming the mount that is wrong or not supported, or the destination that is asked for twice
 */
export function mountRequestsOf(config: ContainerConfig, hostConfig: HostConfig): MountRequest[] {
  const asked = [
    ...(hostConfig.Binds ?? []).map(parseBind),
    ...(hostConfig.Mounts ?? []).map(parseMount),
    ...Object.entries(hostConfig.Tmpfs ?? {}).map(([destination, options]): MountRequest => ({
      kind: 'tmpfs',
      destination: checkDestination(destination),
      readOnly: options.split(',').includes('ro'),
      mode: options,
      isListed: false,
      options: [
        ...TMPFS_DEFAULTS,
        ...checkTmpfsOptions(
          destination,
          options.split(',').filter((option) => option !== ''),
        ),
      ],
    })),
  ]
  const seen = new Set<string>()
  for (const { destination } of asked) {
    if (seen.has(destination))
      throw new InvalidParameterError(`Duplicate mount point: ${destination}`)
    seen.add(destination)
  }
  for (const volume of Object.keys(config.Volumes ?? {})) {
    const destination = checkDestination(volume)
    if (seen.has(destination)) continue
    seen.add(destination)
    asked.push(volumeRequest(destination, {}))
  }
  return asked
}

/** `[source:]destination[:options]`. @see HostConfig.Binds */
function parseBind(bind: string): MountRequest {
  const parts = bind.split(':')
  const wrong = (why: string): InvalidParameterError =>
    new InvalidParameterError(`invalid volume specification: '${bind}': ${why}`)
  if (parts.length > 3 || parts.some((part) => part === ''))
    throw wrong('it has to be [source:]destination[:options]')
  const [source = '', target = '', mode = ''] = parts.length === 1 ? ['', bind] : parts
  const destination = checkDestination(target, (why) =>
    wrong(`invalid mount config for type "${source.startsWith('/') ? 'bind' : 'volume'}": ${why}`),
  )
  if (source === '') return volumeRequest(destination, { mode: VOLUME_MODE })
  const options = mode.split(',').filter((option) => option !== '')
  if (!isMode(options)) throw wrong(`invalid mode: ${mode}`)
  const propagation = options.find((option) => PROPAGATIONS.includes(option))
  const readOnly = options.includes('ro')
  if (source.startsWith('/')) {
    if (options.includes('nocopy'))
      throw wrong(`${foreignField('bind', 'VolumeOptions')}: nocopy is for volumes`)
    return {
      kind: 'bind',
      source: path.normalize(source),
      destination,
      readOnly,
      mode,
      propagation: propagation ?? '',
      recursive: true,
      readOnlyBelow: readOnly,
      createSource: true,
    }
  }
  if (propagation !== undefined)
    throw wrong(`${foreignField('volume', 'BindOptions')}: propagation is for host directories`)
  if (!VOLUME_NAME.test(source)) {
    throw wrong(notAVolumeName(source))
  }
  return volumeRequest(destination, {
    name: source,
    readOnly,
    mode: mode === '' ? VOLUME_MODE : mode,
    noCopy: options.includes('nocopy'),
  })
}

/** As Docker has it of a mount in any form. */
function foreignField(type: string, field: string): string {
  return `invalid mount config for type "${type}": field ${field} must not be specified`
}

/** Whether a mount can be made read-only with all below it. @see mount_setattr(2) */
export function canBeReadOnlyBelow(): boolean {
  return isKernelAtLeast(5, 12)
}

/** Of each kind of option one at most. */
function isMode(options: string[]): boolean {
  const kinds = options.map((option) => MODES.findIndex((mode) => mode.includes(option)))
  return !kinds.includes(-1) && new Set(kinds).size === kinds.length
}

/** @see HostConfig.Mounts */
function parseMount(mount: Mount): MountRequest {
  const type = mount.Type ?? 'volume'
  const wrong = (why: string): InvalidParameterError =>
    new InvalidParameterError(`invalid mount config for type "${type}": ${why}`)
  const { Source: source = '', Target: target = '' } = mount
  if (target === '') throw wrong('field Target must not be empty')
  const destination = checkDestination(target, wrong)
  const readOnly = mount.ReadOnly ?? false
  const foreign = OPTIONS_OF.find(
    ([field, owner]) => owner !== type && Object.keys(mount[field] ?? {}).length > 0,
  )
  if (foreign) throw wrong(`field ${foreign[0]} must not be specified`)
  if (type === 'bind') {
    if (source === '') throw wrong('field Source must not be empty')
    if (!source.startsWith('/'))
      throw wrong(`invalid mount path: '${source}' mount path must be absolute`)
    const {
      CreateMountpoint,
      NonRecursive,
      Propagation,
      ReadOnlyForceRecursive,
      ReadOnlyNonRecursive,
    } = mount.BindOptions ?? {}
    const isShallow = ReadOnlyNonRecursive === true
    const isForced = ReadOnlyForceRecursive === true
    const conflict = (what: string): InvalidParameterError =>
      new InvalidParameterError(`mount options conflict: ${what}`)
    if (isShallow && isForced) throw conflict('ReadOnlyNonRecursive && ReadOnlyForceRecursive')
    if (isShallow && !readOnly) throw conflict('Writable && ReadOnlyNonRecursive')
    if (isForced && !readOnly) throw conflict('Writable && ReadOnlyForceRecursive')
    if (isForced && !canBeReadOnlyBelow())
      throw wrong('ReadOnlyForceRecursive needs Linux 5.12 or newer')
    const propagation: string = Propagation ?? ''
    if (propagation !== '' && !PROPAGATIONS.includes(propagation))
      throw wrong(`invalid propagation mode: ${propagation}`)
    return {
      kind: 'bind',
      source: path.normalize(source),
      destination,
      readOnly,
      mode: '',
      propagation,
      recursive: NonRecursive !== true,
      readOnlyBelow: readOnly && !isShallow,
      createSource: CreateMountpoint ?? false,
    }
  }
  if (type === 'volume') {
    const { DriverConfig, Labels, NoCopy, Subpath: subpath = '' } = mount.VolumeOptions ?? {}
    if (subpath !== '' && source === '')
      throw wrong('must not set Subpath when using anonymous volumes')
    if (!isLocal(subpath)) throw wrong('subpath must be a relative path within the volume')
    if (source !== '' && !VOLUME_NAME.test(source)) throw wrong(notAVolumeName(source))
    return volumeRequest(destination, {
      name: source,
      readOnly,
      mode: VOLUME_MODE,
      noCopy: NoCopy ?? false,
      driver: DriverConfig?.Name ?? '',
      driverOptions: DriverConfig?.Options ?? {},
      labels: Labels ?? {},
      subpath,
    })
  }
  if (type === 'image') {
    if (source === '') throw wrong('field Source must not be empty')
    const { Subpath: subpath = '' } = mount.ImageOptions ?? {}
    if (!isLocal(subpath)) throw wrong('subpath must be a relative path within the volume')
    return { kind: 'image', source, destination, readOnly: true, mode: '', subpath }
  }
  if (type === 'tmpfs') {
    if (source !== '') throw wrong('field Source must not be specified')
    const { Mode, Options, SizeBytes } = mount.TmpfsOptions ?? {}
    if (SizeBytes !== undefined && SizeBytes < 0) throw wrong('SizeBytes must not be negative')
    return {
      kind: 'tmpfs',
      destination,
      readOnly,
      mode: '',
      isListed: true,
      options: [
        ...TMPFS_DEFAULTS,
        ...(SizeBytes === undefined || SizeBytes === 0 ? [] : [`size=${String(SizeBytes)}`]),
        ...(Mode === undefined || Mode === 0 ? [] : [`mode=${Mode.toString(8)}`]),
        ...checkTmpfsOptions(
          destination,
          (Options ?? []).map((pair) => pair.join('=')),
        ),
      ],
    }
  }
  if (!NOT_HERE.includes(type)) throw wrong('mount type unknown')
  throw new InvalidParameterError(
    `mounts of type "${type}" are not supported; use bind, volume, tmpfs or image`,
  )
}

function volumeRequest(
  destination: string,
  given: Partial<Extract<MountRequest, { kind: 'volume' }>>,
): MountRequest {
  return {
    kind: 'volume',
    destination,
    name: '',
    readOnly: false,
    mode: '',
    noCopy: false,
    driver: '',
    driverOptions: {},
    labels: {},
    subpath: '',
    ...given,
  }
}

/** Whether a path can only lead below where it begins, but for links; an empty one stands for where it begins. */
function isLocal(subpath: string): boolean {
  const [first] = path.posix.normalize(subpath).split('/')
  return first !== '' && first !== '..' && !subpath.includes('\0')
}

function notAVolumeName(name: string): string {
  return `"${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`
}

function checkDestination(
  destination: string,
  wrong = (why: string): InvalidParameterError => new InvalidParameterError(why),
): string {
  if (!destination.startsWith('/'))
    throw wrong(`invalid mount path: '${destination}' mount path must be absolute`)
  const normal = path.normalize(destination).replace(/(.)\/+$/, '$1')
  if (normal === '/') throw wrong("invalid specification: destination can't be '/'")
  return normal
}
