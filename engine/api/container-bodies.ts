import { z } from 'zod'
import type { ExecConfig, ExecStartOptions } from '../contract/execs.ts'
import type {
  ContainerConfig,
  EndpointSettings,
  HostConfig,
  Mount,
  MountType,
  Resources,
  RestartPolicy,
} from '../types/docker.ts'
import {
  bool,
  command,
  keySet,
  maybe,
  oneOf,
  struct,
  text,
  textMap,
  texts,
  whole,
} from './fields.ts'
import type { Complete } from './fields.ts'

const rates = maybe(z.array(struct({ Path: text, Rate: whole })))

const resources = {
  CpuShares: whole,
  Memory: whole,
  CgroupParent: text,
  BlkioWeight: whole,
  BlkioWeightDevice: maybe(z.array(struct({ Path: text, Weight: whole }))),
  BlkioDeviceReadBps: rates,
  BlkioDeviceWriteBps: rates,
  BlkioDeviceReadIOps: rates,
  BlkioDeviceWriteIOps: rates,
  CpuPeriod: whole,
  CpuQuota: whole,
  CpuRealtimePeriod: whole,
  CpuRealtimeRuntime: whole,
  CpusetCpus: text,
  CpusetMems: text,
  Devices: maybe(
    z.array(struct({ PathOnHost: text, PathInContainer: text, CgroupPermissions: text })),
  ),
  DeviceCgroupRules: texts,
  DeviceRequests: maybe(
    z.array(
      struct({
        Driver: text,
        Count: whole,
        DeviceIDs: texts,
        Capabilities: maybe(z.array(z.array(z.string()))),
        Options: textMap,
      }),
    ),
  ),
  MemoryReservation: whole,
  MemorySwap: whole,
  MemorySwappiness: whole,
  NanoCpus: whole,
  OomKillDisable: bool,
  Init: bool,
  PidsLimit: whole,
  Ulimits: maybe(z.array(struct({ Name: text, Soft: whole, Hard: whole }))),
  CpuCount: whole,
  CpuPercent: whole,
  IOMaximumIOps: whole,
  IOMaximumBandwidth: whole,
}

const restartPolicy = maybe(
  struct({
    Name: maybe(z.string().transform((name) => name as NonNullable<RestartPolicy['Name']>)),
    MaximumRetryCount: whole,
  }),
)

const mount = struct({
  Target: text,
  Source: text,
  Type: oneOf<MountType>(),
  ReadOnly: bool,
  Consistency: text,
  BindOptions: maybe(
    struct({
      Propagation: oneOf<NonNullable<NonNullable<Mount['BindOptions']>['Propagation']>>(),
      NonRecursive: bool,
      CreateMountpoint: bool,
      ReadOnlyNonRecursive: bool,
      ReadOnlyForceRecursive: bool,
    }),
  ),
  VolumeOptions: maybe(
    struct({
      NoCopy: bool,
      Labels: textMap,
      DriverConfig: maybe(struct({ Name: text, Options: textMap })),
      Subpath: text,
    }),
  ),
  ImageOptions: maybe(struct({ Subpath: text })),
  TmpfsOptions: maybe(
    struct({ SizeBytes: whole, Mode: whole, Options: maybe(z.array(z.array(z.string()))) }),
  ),
})

const hostConfig = {
  ...resources,
  Binds: texts,
  ContainerIDFile: text,
  LogConfig: maybe(
    struct({
      Type: oneOf<NonNullable<NonNullable<HostConfig['LogConfig']>['Type']>>(),
      Config: textMap,
    }),
  ),
  NetworkMode: text,
  PortBindings: maybe(
    z.record(z.string(), z.array(struct({ HostIp: text, HostPort: text })).nullable()),
  ),
  RestartPolicy: restartPolicy,
  AutoRemove: bool,
  VolumeDriver: text,
  VolumesFrom: texts,
  Mounts: maybe(z.array(mount)),
  ConsoleSize: maybe(z.array(z.number().int())),
  Annotations: textMap,
  CapAdd: command,
  CapDrop: command,
  CgroupnsMode: oneOf<NonNullable<HostConfig['CgroupnsMode']>>(),
  Dns: texts,
  DnsOptions: texts,
  DnsSearch: texts,
  ExtraHosts: texts,
  GroupAdd: texts,
  IpcMode: text,
  Cgroup: text,
  Links: texts,
  OomScoreAdj: whole,
  PidMode: text,
  Privileged: bool,
  PublishAllPorts: bool,
  ReadonlyRootfs: bool,
  SecurityOpt: texts,
  StorageOpt: textMap,
  Tmpfs: textMap,
  UTSMode: text,
  UsernsMode: text,
  ShmSize: whole,
  Sysctls: textMap,
  Runtime: text,
  Isolation: oneOf<NonNullable<Exclude<HostConfig['Isolation'], ''>>>(),
  MaskedPaths: texts,
  ReadonlyPaths: texts,
}

export const endpointSettings = struct({
  IPAMConfig: maybe(struct({ IPv4Address: text, IPv6Address: text, LinkLocalIPs: texts })),
  Links: texts,
  MacAddress: text,
  Aliases: texts,
  DriverOpts: textMap,
  GwPriority: whole,
  NetworkID: text,
  EndpointID: text,
  Gateway: text,
  IPAddress: text,
  IPPrefixLen: whole,
  IPv6Gateway: text,
  GlobalIPv6Address: text,
  GlobalIPv6PrefixLen: whole,
  DNSNames: texts,
})

const containerConfig = {
  Hostname: text,
  Domainname: text,
  User: text,
  AttachStdin: bool,
  AttachStdout: bool,
  AttachStderr: bool,
  ExposedPorts: keySet,
  Tty: bool,
  OpenStdin: bool,
  StdinOnce: bool,
  Env: texts,
  Cmd: command,
  Healthcheck: maybe(
    struct({
      Test: texts,
      Interval: whole,
      Timeout: whole,
      Retries: whole,
      StartPeriod: whole,
      StartInterval: whole,
    }),
  ),
  ArgsEscaped: bool,
  Image: text,
  Volumes: keySet,
  WorkingDir: text,
  Entrypoint: command,
  NetworkDisabled: bool,
  OnBuild: texts,
  Labels: textMap,
  StopSignal: text,
  StopTimeout: whole,
  Shell: command,
}

export const containerCreateBody = struct({
  ...containerConfig,
  /** Until 1.52; it belongs to the container's first network. */
  MacAddress: text,
  HostConfig: maybe(
    struct({
      ...hostConfig,
      /** Of API 1.40 only. */
      Capabilities: texts,
      /** Until 1.42. */
      KernelMemory: whole,
      /** Until 1.52. */
      KernelMemoryTCP: whole,
    }),
  ),
  NetworkingConfig: maybe(
    struct({
      EndpointsConfig: maybe(
        z.record(
          z.string(),
          endpointSettings.nullable().transform((settings): EndpointSettings => settings ?? {}),
        ),
      ),
    }),
  ),
})

export type ContainerCreateBody = z.output<typeof containerCreateBody>

/** The body of POST /commit: a config, or nothing. */
export const commitBody = struct(containerConfig)

export const containerUpdateBody = struct({
  ...resources,
  RestartPolicy: restartPolicy,
  /** Until 1.42. */
  KernelMemory: whole,
  /** Until 1.52. */
  KernelMemoryTCP: whole,
})

export type ContainerUpdateBody = z.output<typeof containerUpdateBody>

/** Go's array of two: what lacks is 0, what is too much is nothing. */
const consoleSize = maybe(
  z
    .array(z.number().int())
    .transform(([rows = 0, columns = 0]): [number, number] => [rows, columns]),
)

export const execCreateBody = struct({
  AttachStdin: bool,
  AttachStdout: bool,
  AttachStderr: bool,
  DetachKeys: text,
  Tty: bool,
  Env: texts,
  Cmd: texts,
  Privileged: bool,
  User: text,
  WorkingDir: text,
  ConsoleSize: consoleSize,
}).transform((config): ExecConfig => ({ ...config, Cmd: config.Cmd ?? [] }))

export const execStartBody = struct({
  Detach: bool,
  Tty: bool,
  ConsoleSize: consoleSize,
}).transform((options): ExecStartOptions => options)

type Complaints = [
  Complete<Resources, typeof resources>,
  Complete<HostConfig, typeof hostConfig>,
  Complete<ContainerConfig, typeof containerConfig>,
  Complete<EndpointSettings, z.output<typeof endpointSettings>>,
  Complete<Mount, z.output<typeof mount>>,
]
// A field added to the types and forgotten here is an error of this line.
void ([true, true, true, true, true] satisfies Complaints)
