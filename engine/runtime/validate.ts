import fs from 'node:fs'
import type { ContainerCreateConfig } from '../contract/containers.ts'
import type { ExecConfig } from '../contract/execs.ts'
import { findHierarchies } from '../cgroups/hierarchies.ts'
import { InvalidParameterError } from '../errors.ts'
import type { ContainerConfig, EndpointSettings, HostConfig } from '../types/docker.ts'
import { checkAppArmor } from './apparmor.ts'
import { boundingSet, capabilitiesOf, withheldCapabilities } from './capabilities.ts'
import { compileSeccomp, seccompProfileFor } from './seccomp.ts'
import { checkFields, isUnset, notSupported, oneOf, within, type Rule } from './field-rules.ts'
import { parseSecurityOptions } from './security-options.ts'
import { allowedOomScoreAdj } from './spec.ts'
import { checkSysctls } from './sysctls.ts'
import { RESOURCES, validateResources } from './validate-resources.ts'

export { validateResources } from './validate-resources.ts'

/**
 * Every field that Docker's API has; one that is in none of these tables is refused by name.
 * What only a container's own part can judge (networks, mounts, restart policy, health check) is judged there.
 */
export const HOST_CONFIG = {
  ...RESOURCES,
  Binds: 'implemented',
  ContainerIDFile: 'implemented',
  // by engine/logs/options.ts, with the engine's own setting for what is left out
  LogConfig: {
    limits: 'json-file, local, syslog, journald where it runs, gelf, fluentd, none',
  },
  NetworkMode: (value) => {
    if (value === 'container:')
      throw new InvalidParameterError(
        'Invalid network mode: invalid container format container:<name|id>',
      )
  },
  PortBindings: 'implemented',
  RestartPolicy: 'implemented',
  AutoRemove: 'implemented',
  VolumeDriver: oneOf('VolumeDriver', ['', 'local']),
  VolumesFrom: 'implemented',
  // by containers/mount-requests.ts
  Mounts: { limits: 'of type bind, volume, tmpfs or image' },
  ConsoleSize: 'implemented',
  Annotations: (value) => {
    if (Object.hasOwn(value as object, ''))
      throw new InvalidParameterError(
        'invalid Annotations: the empty string is not permitted as an annotation key',
      )
  },
  CapAdd: 'implemented',
  CapDrop: 'implemented',
  CgroupnsMode: (value) => {
    if (!['', 'private', 'host'].includes(String(value))) {
      throw new InvalidParameterError(`invalid cgroup namespace mode: ${String(value)}`)
    }
  },
  Dns: 'implemented',
  DnsOptions: 'implemented',
  DnsSearch: 'implemented',
  ExtraHosts: 'implemented',
  GroupAdd: 'implemented',
  IpcMode: (value) => {
    checkMode('IPC', String(value), ['', 'none', 'private', 'shareable', 'host'])
  },
  Cgroup: notSupported('Cgroup', 'use CgroupnsMode'),
  Links: 'implemented',
  OomScoreAdj: (value) => {
    if (typeof value !== 'number' || value < -1000 || value > 1000) {
      throw new InvalidParameterError(
        `Invalid value ${String(value)}, range for oom score adj is [-1000, 1000]`,
      )
    }
  },
  PidMode: (value) => {
    checkMode('PID', String(value), ['', 'private', 'host'])
  },
  Privileged: 'implemented',
  PublishAllPorts: 'implemented',
  ReadonlyRootfs: 'implemented',
  SecurityOpt: 'implemented',
  StorageOpt: notSupported(
    'StorageOpt',
    'layers are directories of the data root, which have no size of their own',
  ),
  Tmpfs: 'implemented',
  UTSMode: (value) => {
    if (!['', 'host'].includes(String(value)))
      throw new InvalidParameterError(`invalid UTS mode: ${String(value)}`)
  },
  UsernsMode: within('"host", and "private" for one of its own', (value) => {
    if (value !== 'host' && value !== 'private')
      throw new InvalidParameterError(`invalid user namespace mode: ${String(value)}`)
  }),
  ShmSize: (value) => {
    if (typeof value !== 'number' || value < 0)
      throw new InvalidParameterError('SHM size can not be less than 0')
  },
  Sysctls: (_, hostConfig) => {
    checkSysctls(hostConfig)
  },
  // which there are, is the instance's to say: containers/create.ts asks it
  Runtime: 'implemented',
  Isolation: within('only "default": the others are for Windows', (value) => {
    if (value !== 'default') {
      throw new InvalidParameterError(
        `invalid isolation (${String(value)}): linux only supports 'default'`,
      )
    }
  }),
  MaskedPaths: 'implemented',
  ReadonlyPaths: 'implemented',
} satisfies Record<keyof HostConfig, Rule>

export const CONTAINER_CONFIG = {
  Hostname: (value) => {
    checkHostname('hostname', value)
  },
  Domainname: (value) => {
    checkHostname('domainname', value)
  },
  User: 'implemented',
  AttachStdin: 'implemented',
  AttachStdout: 'implemented',
  AttachStderr: 'implemented',
  ExposedPorts: 'implemented',
  Tty: 'implemented',
  OpenStdin: 'implemented',
  StdinOnce: 'implemented',
  Env: (value) => {
    for (const entry of value as string[]) {
      if (entry === '' || entry.startsWith('=')) {
        throw new InvalidParameterError(`invalid environment variable: ${entry}`)
      }
    }
  },
  Cmd: 'implemented',
  Healthcheck: 'implemented',
  // from images made for Windows; the arguments are taken as they are
  ArgsEscaped: 'implemented',
  Image: 'implemented',
  Volumes: 'implemented',
  WorkingDir: (value) => {
    if (!String(value).startsWith('/')) {
      throw new InvalidParameterError(
        `the working directory '${String(value)}' is invalid, it needs to be an absolute path`,
      )
    }
  },
  Entrypoint: 'implemented',
  NetworkDisabled: 'implemented',
  // words for a later build, kept for those who inspect
  OnBuild: 'implemented',
  Labels: 'implemented',
  StopSignal: 'implemented',
  StopTimeout: 'implemented',
  Shell: 'implemented',
} satisfies Record<keyof ContainerConfig, Rule>

/** @see POST /containers/{id}/exec; values are judged where the exec is made (containers/exec.ts) */
export const EXEC_CONFIG = {
  AttachStdin: 'implemented',
  AttachStdout: 'implemented',
  AttachStderr: 'implemented',
  DetachKeys: 'implemented',
  Tty: 'implemented',
  Env: 'implemented',
  Cmd: 'implemented',
  Privileged: 'implemented',
  User: 'implemented',
  WorkingDir: 'implemented',
  ConsoleSize: 'implemented',
} satisfies Record<keyof ExecConfig, Rule>

/** @see POST /networks/{id}/connect; values are judged by the network (networks/endpoint-settings.ts) */
export const ENDPOINT_SETTINGS = {
  IPAMConfig: { limits: 'IPv4Address' },
  Links: 'implemented',
  MacAddress: 'implemented',
  Aliases: 'implemented',
  DriverOpts: { limits: 'com.docker.network.endpoint.ifname' },
  GwPriority: 'implemented',
  NetworkID: 'told',
  EndpointID: 'told',
  Gateway: 'told',
  IPAddress: 'told',
  IPPrefixLen: 'told',
  IPv6Gateway: 'told',
  GlobalIPv6Address: 'told',
  GlobalIPv6PrefixLen: 'told',
  DNSNames: 'told',
} satisfies Record<keyof EndpointSettings, Rule>

/**
 * Checks what a container is asked to be: each field is done, or refused by its name.
 *
 * Zero values, empty lists and nulls, of which the docker CLI sends many, ask for nothing and pass.
 *
 * @returns warnings about what this host cannot do as asked
 * @throws INVALID_PARAMETER in Docker's words, or naming a field or value that is not supported
 */
export function validateHostConfig(config: ContainerCreateConfig): string[] {
  const hostConfig = config.HostConfig ?? {}
  refuseNul(config)
  const { HostConfig: _host, NetworkingConfig: _networking, ...own } = config
  checkFields('', own, CONTAINER_CONFIG, hostConfig)
  checkFields('HostConfig.', hostConfig, HOST_CONFIG, hostConfig)
  checkConflicts(config, hostConfig)
  return [
    ...(hostConfig.NetworkMode === 'host' && Object.keys(hostConfig.PortBindings ?? {}).length > 0
      ? ['Published ports are discarded when using host network mode']
      : []),
    ...validateResources(hostConfig),
    ...checkSecurity(hostConfig),
    ...checkOomScore(hostConfig),
  ]
}

/** HOST_NAME_MAX. */
const LONGEST_HOSTNAME = 64

/** No path, argument or name of the kernel's can hold one. */
function refuseNul(config: ContainerCreateConfig): void {
  if (!JSON.stringify(config).includes('\\u0000')) return
  throw new InvalidParameterError('the container config has a string with a NUL byte in it')
}

function checkMode(what: string, mode: string, plain: string[]): void {
  if (plain.includes(mode) || /^container:.+$/.test(mode)) return
  throw new InvalidParameterError(`invalid ${what} mode: ${mode}`)
}

/** As the kernel takes it, sethostname(2); what would be a word or a line more in /etc/hosts is refused. */
function checkHostname(field: string, value: unknown): void {
  const name = String(value)
  if (/[\s\p{Cc}]/u.test(name))
    throw new InvalidParameterError(`invalid ${field} format: ${JSON.stringify(name)}`)
  if (Buffer.byteLength(name) > LONGEST_HOSTNAME) {
    throw new InvalidParameterError(
      `${field} "${name}" is too long (maximum ${String(LONGEST_HOSTNAME)} bytes)`,
    )
  }
}

function checkConflicts(config: ContainerConfig, hostConfig: HostConfig): void {
  const { Hostname } = config
  const mode = hostConfig.NetworkMode ?? ''
  const conflict = (what: string): never => {
    throw new InvalidParameterError(`conflicting options: ${what}`)
  }
  if (hostConfig.UTSMode === 'host' && Hostname) conflict('hostname and the UTS mode')
  if (mode === 'host' && !isUnset(hostConfig.Links)) {
    conflict(
      "host type networking can't be used with links. This would result in undefined behavior",
    )
  }
  if (!mode.startsWith('container:')) return
  if (Hostname) conflict('hostname and the network mode')
  if (!isUnset(hostConfig.Links)) {
    conflict(
      "container type network can't be used with links. This would result in undefined behavior",
    )
  }
  if (!isUnset(hostConfig.Dns)) conflict('dns and the network mode')
  if (!isUnset(hostConfig.ExtraHosts)) conflict('custom host-to-IP mapping and the network mode')
  const publishes =
    hostConfig.PublishAllPorts === true || Object.keys(hostConfig.PortBindings ?? {}).length > 0
  if (publishes) conflict('port publishing and the container type network mode')
  if (Object.keys(config.ExposedPorts ?? {}).length > 0) {
    conflict('port exposing and the container type network mode')
  }
}

/**
 * What `SecurityOpt` and capabilities ask for can be done here.
 *
 * @returns warnings
 * @throws INVALID_PARAMETER naming the option
 */
export function checkSecurity(hostConfig: HostConfig): string[] {
  const { labels, seccomp, writableCgroups } = parseSecurityOptions(hostConfig.SecurityOpt)
  checkAppArmor(hostConfig)
  if (writableCgroups) checkWritableCgroups(hostConfig)
  const label = labels.find((one) => one !== 'disable')
  if (label !== undefined) {
    const enabled = fs.existsSync('/sys/fs/selinux/enforce')
    throw enabled
      ? new InvalidParameterError(`SecurityOpt label=${label}: SELinux labels are not supported`)
      : new InvalidParameterError(`SecurityOpt label=${label}: SELinux is not enabled on this host`)
  }
  // throw for unknown capabilities and for a profile that cannot be compiled
  capabilitiesOf(hostConfig, boundingSet())
  const profile = seccomp === undefined ? undefined : seccompProfileFor(hostConfig)
  if (profile) compileSeccomp(profile)
  return withheldCapabilities(hostConfig).map(
    (name) => `The capability ${name} is withheld from this host; the container runs without it.`,
  )
}

function checkOomScore({ OomScoreAdj }: HostConfig): string[] {
  if (!OomScoreAdj) return []
  const allowed = allowedOomScoreAdj(OomScoreAdj)
  if (allowed === OomScoreAdj) return []
  return [
    `OomScoreAdj ${String(OomScoreAdj)} is below what this host allows without CAP_SYS_RESOURCE; raised to ${String(allowed)}.`,
  ]
}

/** On v1, and on the host's own tree, it would be more than the container's cgroup that is given away. */
function checkWritableCgroups({ CgroupnsMode }: HostConfig): void {
  if (CgroupnsMode === 'host') {
    throw new InvalidParameterError(
      'SecurityOpt writable-cgroups conflicts with the host cgroup namespace mode',
    )
  }
  if (findHierarchies().v1.length > 0)
    throw new InvalidParameterError(
      'SecurityOpt writable-cgroups needs a host with cgroup v2 alone',
    )
}
