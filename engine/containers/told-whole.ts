import { DEFAULT_SHM_BYTES } from '../runtime/shared-memory.ts'
import type { ContainerConfig, EndpointSettings, HostConfig } from '../types/docker.ts'

/**
 * What Docker tells where nothing was asked for: its JSON has these fields always, with Go's zero values, and clients
 * read them without looking whether they are there.
 */
const CONFIG = {
  Hostname: '',
  Domainname: '',
  User: '',
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Env: null,
  Cmd: null,
  Image: '',
  Volumes: null,
  WorkingDir: '',
  Entrypoint: null,
  Labels: {},
}

const HOST_CONFIG = {
  Binds: null,
  ContainerIDFile: '',
  PortBindings: {},
  AutoRemove: false,
  VolumeDriver: '',
  VolumesFrom: null,
  ConsoleSize: [0, 0],
  CapAdd: null,
  CapDrop: null,
  Dns: null,
  DnsOptions: null,
  DnsSearch: null,
  ExtraHosts: null,
  GroupAdd: null,
  Cgroup: '',
  Links: null,
  OomScoreAdj: 0,
  PidMode: '',
  Privileged: false,
  PublishAllPorts: false,
  ReadonlyRootfs: false,
  SecurityOpt: null,
  UTSMode: '',
  UsernsMode: '',
  ShmSize: DEFAULT_SHM_BYTES,
  Isolation: '',
  CpuShares: 0,
  Memory: 0,
  NanoCpus: 0,
  CgroupParent: '',
  BlkioWeight: 0,
  BlkioWeightDevice: null,
  BlkioDeviceReadBps: null,
  BlkioDeviceWriteBps: null,
  BlkioDeviceReadIOps: null,
  BlkioDeviceWriteIOps: null,
  CpuPeriod: 0,
  CpuQuota: 0,
  CpuRealtimePeriod: 0,
  CpuRealtimeRuntime: 0,
  CpusetCpus: '',
  CpusetMems: '',
  Devices: null,
  DeviceCgroupRules: null,
  DeviceRequests: null,
  MemoryReservation: 0,
  MemorySwap: 0,
  MemorySwappiness: null,
  OomKillDisable: false,
  PidsLimit: null,
  Ulimits: null,
  // of a privileged one as asked for
  MaskedPaths: null,
  ReadonlyPaths: null,
  CpuCount: 0,
  CpuPercent: 0,
  IOMaximumIOps: 0,
  IOMaximumBandwidth: 0,
}

const ENDPOINT = {
  IPAMConfig: null,
  Links: null,
  Aliases: null,
  DriverOpts: null,
  GwPriority: 0,
  NetworkID: '',
  EndpointID: '',
  Gateway: '',
  IPAddress: '',
  MacAddress: '',
  IPPrefixLen: 0,
  IPv6Gateway: '',
  GlobalIPv6Address: '',
  GlobalIPv6PrefixLen: 0,
  DNSNames: null,
}

export function wholeConfig(config: ContainerConfig): ContainerConfig {
  return over(CONFIG, config)
}

export function wholeHostConfig(hostConfig: HostConfig): HostConfig {
  const { Devices, PortBindings, RestartPolicy } = hostConfig
  const whole = over(HOST_CONFIG, hostConfig)
  whole.RestartPolicy = {
    Name: RestartPolicy?.Name ? RestartPolicy.Name : 'no',
    MaximumRetryCount: RestartPolicy?.MaximumRetryCount ?? 0,
  }
  // a size of zero asks for the default
  if (!hostConfig.ShmSize) whole.ShmSize = DEFAULT_SHM_BYTES
  if (Devices)
    whole.Devices = Devices.map((device) =>
      over({ PathOnHost: '', PathInContainer: '', CgroupPermissions: '' }, device),
    )
  if (PortBindings)
    whole.PortBindings = Object.fromEntries(
      Object.entries(PortBindings).map(([port, bindings]) => [
        port,
        bindings && bindings.map((binding) => over({ HostIp: '', HostPort: '' }, binding)),
      ]),
    )
  return whole
}

export function wholeEndpoints(
  networks: Record<string, EndpointSettings>,
): Record<string, EndpointSettings> {
  return Object.fromEntries(
    Object.entries(networks).map(([name, endpoint]) => [name, over(ENDPOINT, endpoint)]),
  )
}

/** The zero values with what is given over them; what is given as undefined is not given. */
function over<T extends object>(zero: object, given: T): T {
  const told: Record<string, unknown> = { ...zero }
  for (const [field, value] of Object.entries(given)) if (value !== undefined) told[field] = value
  return told as T
}
