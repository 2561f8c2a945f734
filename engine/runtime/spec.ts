import fs from 'node:fs'
import { InvalidParameterError } from '../errors.ts'
import type { IdMap } from '../native/netns.ts'
import type { ContainerConfig, HostConfig } from '../types/docker.ts'
import type {
  OciCapabilities,
  OciMount,
  OciProcess,
  OciResources,
  OciSpec,
} from '../types/oci-runtime.ts'
import { appArmorProfileOf } from './apparmor.ts'
import { boundingSet, capabilitiesOf } from './capabilities.ts'
import { devicesOf } from './devices.ts'
import { environmentOf } from './env.ts'
import { commandOf } from './image-config.ts'
import { INIT_PATH, mountsOf } from './mounts.ts'
import { namespacesOf } from './namespaces.ts'
import { rlimitsOf } from './rlimits.ts'
import { seccompProfileFor } from './seccomp-profile.ts'
import { parseSecurityOptions } from './security-options.ts'
import { systemPathsOf } from './system-paths.ts'
import type { ResolvedUser } from './user.ts'

export interface SpecInput {
  id: string
  /** Merged with the image's. */
  config: ContainerConfig
  hostConfig: HostConfig
  user: ResolvedUser
  rootfsPath: string
  /** Binds, volumes, tmpfs, the hosts files: resolved, in any order. */
  mounts: OciMount[]
  /** undefined: the host's network. */
  netnsPath?: string | undefined
  /** The user namespace to join, which owns the network's; undefined: the host's. */
  userns?: { path: string; ids: IdMap } | undefined
  /** Namespaces of other containers, for the `container:<id>` modes. */
  joined?: { pid?: string; ipc?: string }
  /** From openSharedMemory: of a shareable container itself, or of the one whose IPC namespace is joined. */
  shmPath?: string | undefined
  hostname: string
  domainname?: string | undefined
  cgroupsPath: string
  resources: OciResources
}

/**
 * The OCI runtime-spec config of a container: everything decided, nothing left to the runtime.
 *
 * @throws INVALID_PARAMETER when an option is malformed (validateHostConfig tells earlier)
 * @see runtime-spec config.md and config-linux.md
 */
export function buildSpec(input: SpecInput): OciSpec {
  const { config, hostConfig, userns } = input
  // the sysctl says the same, but in a user namespace only setdomainname(2) may be used
  const { 'kernel.domainname': domainname = input.domainname, ...sysctl } = sysctlsOf(input)
  if (userns) checkMapped(input.user, userns.ids)
  const seccomp = seccompProfileFor(hostConfig)
  return {
    ociVersion: '1.2.0',
    process: containerProcess(input),
    root: { path: input.rootfsPath, readonly: hostConfig.ReadonlyRootfs ?? false },
    ...(hostConfig.UTSMode === 'host' ? {} : { hostname: input.hostname }),
    ...(hostConfig.UTSMode === 'host' || !domainname ? {} : { domainname }),
    mounts: mountsOf({
      hostConfig,
      mounts: userns ? input.mounts.map(idMapped) : input.mounts,
      shmPath: input.shmPath,
    }),
    ...(hostConfig.Annotations ? { annotations: hostConfig.Annotations } : {}),
    linux: {
      namespaces: namespacesOf(input),
      ...(userns ? mappingsOf(userns.ids) : {}),
      devices: devicesOf(hostConfig).devices,
      cgroupsPath: input.cgroupsPath,
      resources: input.resources,
      ...(seccomp ? { seccomp } : {}),
      sysctl,
      ...systemPathsOf(hostConfig),
    },
  }

  function containerProcess({ hostname, user }: SpecInput): OciProcess {
    return {
      terminal: config.Tty ?? false,
      ...(consoleSize(hostConfig) ?? {}),
      user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids },
      args: [...(hostConfig.Init === true ? [INIT_PATH, '--'] : []), ...commandOf(config)],
      env: environmentOf({
        env: config.Env ?? [],
        hostname,
        tty: config.Tty ?? false,
        home: user.home,
      }),
      cwd: config.WorkingDir ? config.WorkingDir : '/',
      capabilities: capabilitySets(capabilitiesOf(hostConfig)),
      rlimits: rlimitsOf(hostConfig).rlimits,
      noNewPrivileges: parseSecurityOptions(hostConfig.SecurityOpt).noNewPrivileges,
      apparmorProfile: appArmorProfileOf(hostConfig),
      ...(hostConfig.OomScoreAdj
        ? { oomScoreAdj: allowedOomScoreAdj(hostConfig.OomScoreAdj) }
        : {}),
    }
  }
}

/**
 * Owners on disk are ids of the container, on the host's file systems too: a volume can be had in any user namespace.
 * @see runtime-spec config.md, "Linux mount options"
 */
function idMapped(mount: OciMount): OciMount {
  if (mount.type !== 'bind') return mount
  return { ...mount, options: [...(mount.options ?? []), 'ridmap'] }
}

function mappingsOf({
  gid,
  size,
  uid,
}: IdMap): Pick<OciSpec['linux'], 'uidMappings' | 'gidMappings'> {
  return {
    uidMappings: [{ containerID: 0, hostID: uid, size }],
    gidMappings: [{ containerID: 0, hostID: gid, size }],
  }
}

/** @throws INVALID_PARAMETER when a user or group has no id in the user namespace */
export function checkMapped({ additionalGids, gid, uid }: ResolvedUser, { size }: IdMap): void {
  const unmapped = [uid, gid, ...additionalGids].find((id) => id >= size)
  if (unmapped === undefined) return
  throw new InvalidParameterError(
    `uid or gid ${String(unmapped)} is not in the container's user namespace, which has 0 to ${String(size - 1)}`,
  )
}

/** As Docker: nothing inheritable or ambient, so that a program run by another user than root holds none. */
export function capabilitySets(names: string[]): OciCapabilities {
  return { bounding: names, effective: names, permitted: names, inheritable: [], ambient: [] }
}

/**
 * Without CAP_SYS_RESOURCE no process may lower its score below where it was last set by one that had it.
 * @see proc(5), /proc/[pid]/oom_score_adj
 */
export function allowedOomScoreAdj(asked: number): number {
  if (boundingSet().includes('CAP_SYS_RESOURCE')) return asked
  const own = Number(fs.readFileSync('/proc/self/oom_score_adj', 'utf8'))
  return Math.max(asked, own)
}

function consoleSize(hostConfig: HostConfig): Pick<OciProcess, 'consoleSize'> | undefined {
  const [height, width] = hostConfig.ConsoleSize ?? []
  return height && width ? { consoleSize: { height, width } } : undefined
}

/** Docker's own: unprivileged processes of a container with its own network may bind low ports and send pings. */
function sysctlsOf({ hostConfig, netnsPath, userns }: SpecInput): Record<string, string> {
  const ownNetwork = netnsPath !== undefined && !/^container:/.test(hostConfig.NetworkMode ?? '')
  return {
    ...(ownNetwork
      ? {
          'net.ipv4.ip_unprivileged_port_start': '0',
          'net.ipv4.ping_group_range': `0 ${String((userns?.ids.size ?? 2 ** 31) - 1)}`,
        }
      : {}),
    // a name may be written with slashes, which then stand for the dots, see sysctl(8)
    ...Object.fromEntries(
      Object.entries(hostConfig.Sysctls ?? {}).map(([name, value]) => [
        name === 'kernel/domainname' ? 'kernel.domainname' : name,
        value,
      ]),
    ),
  }
}
