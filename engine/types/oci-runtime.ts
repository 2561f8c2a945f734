/**
 * The parts of the OCI runtime-spec's config.json that Gantry writes.
 * @see runtime-spec config.md and config-linux.md, version 1.2
 */
export interface OciSpec {
  ociVersion: string
  process: OciProcess
  root: { path: string; readonly?: boolean }
  hostname?: string
  domainname?: string
  mounts: OciMount[]
  annotations?: Record<string, string>
  linux: OciLinux
}

export interface OciProcess {
  terminal?: boolean
  consoleSize?: { height: number; width: number }
  user: { uid: number; gid: number; umask?: number; additionalGids?: number[] }
  args: string[]
  env: string[]
  cwd: string
  capabilities?: OciCapabilities
  rlimits?: { type: string; soft: number; hard: number }[]
  noNewPrivileges?: boolean
  oomScoreAdj?: number
  apparmorProfile?: string | undefined
  selinuxLabel?: string
}

/** Capability names as `CAP_CHOWN`. */
export interface OciCapabilities {
  bounding: string[]
  effective: string[]
  inheritable: string[]
  permitted: string[]
  ambient: string[]
}

export interface OciMount {
  destination: string
  type?: string
  source?: string
  options?: string[]
  /** Gantry's own, of a bind whose source is more than a path; other runtimes get a path in its place. */
  part?: MountPart
}

/** What is bound in place of the whole of `source`. */
export interface MountPart {
  /** A relative path, resolved beneath the source when the container starts; empty: the source itself. */
  subpath: string
  /** Layers that are the source, which then only says which image it is: names in `layersRoot`, topmost first. */
  image?: { layersRoot: string; lower: string[] } | undefined
}

export type OciNamespaceType = 'pid' | 'network' | 'mount' | 'ipc' | 'uts' | 'user' | 'cgroup'

export interface OciLinux {
  /** A namespace listed without `path` is new, with `path` joined; one not listed is the host's. */
  namespaces: { type: OciNamespaceType; path?: string }[]
  uidMappings?: { containerID: number; hostID: number; size: number }[]
  gidMappings?: { containerID: number; hostID: number; size: number }[]
  devices?: OciDevice[]
  cgroupsPath?: string
  resources?: OciResources
  rootfsPropagation?: string
  seccomp?: OciSeccomp
  sysctl?: Record<string, string>
  maskedPaths?: string[]
  readonlyPaths?: string[]
  mountLabel?: string
}

export interface OciDevice {
  type: 'c' | 'b' | 'u' | 'p'
  path: string
  major: number
  minor: number
  fileMode?: number
  uid?: number
  gid?: number
}

export interface OciDeviceRule {
  allow: boolean
  type?: 'a' | 'c' | 'b'
  major?: number
  minor?: number
  access?: string
}

/** Bytes, microseconds and weights as the spec has them; -1 is unlimited. */
export interface OciResources {
  devices?: OciDeviceRule[]
  memory?: {
    limit?: number
    reservation?: number
    swap?: number
    swappiness?: number
    disableOOMKiller?: boolean
  }
  cpu?: {
    shares?: number
    quota?: number
    period?: number
    realtimeRuntime?: number
    realtimePeriod?: number
    cpus?: string
    mems?: string
  }
  pids?: { limit: number }
  blockIO?: {
    weight?: number
    weightDevice?: { major: number; minor: number; weight: number }[]
    throttleReadBpsDevice?: OciThrottle[]
    throttleWriteBpsDevice?: OciThrottle[]
    throttleReadIOPSDevice?: OciThrottle[]
    throttleWriteIOPSDevice?: OciThrottle[]
  }
}

export interface OciThrottle {
  major: number
  minor: number
  rate: number
}

export interface OciSeccomp {
  defaultAction: string
  defaultErrnoRet?: number
  architectures?: string[]
  flags?: string[]
  syscalls?: OciSeccompRule[]
}

export interface OciSeccompRule {
  names: string[]
  action: string
  errnoRet?: number
  args?: { index: number; value: number | bigint; valueTwo?: number | bigint; op: string }[]
}
