import { randomUUID } from 'node:crypto'
import os from 'node:os'
import path from 'node:path'
import { z } from 'zod'
import { API_VERSION, MIN_API_VERSION } from '../api/version.ts'
import type { Cgroups } from '../cgroups/cgroup.ts'
import type { ContainerEngine } from '../contract/containers.ts'
import type { ImageEngine } from '../contract/images.ts'
import type { NetworkEngine } from '../contract/networks.ts'
import type {
  DiskUsage,
  DiskUsageOptions,
  RegistryDiskUsage,
  SystemEngine,
} from '../contract/system.ts'
import type { VolumeEngine } from '../contract/volumes.ts'
import type { BuildEngine } from '../contract/builds.ts'
import type { Events } from '../events/events.ts'
import { registriesOf } from '../instance.ts'
import type { Instance } from '../instance.ts'
import { shimPath } from '../native/addon.ts'
import { logIn } from '../registry/login.ts'
import { mirrorsOf } from '../registry/mirrors.ts'
import { parseProxy } from '../registry/proxy.ts'
import { hostSupport } from '../runtime/host-support.ts'
import { installedRuntimes, OWN_RUNTIME } from '../runtime/oci-runtimes.ts'
import { hasJournald } from '../logs/forward/journald-options.ts'
import { logDrivers } from '../logs/options.ts'
import { readDocument, writeDocument } from '../store/documents.ts'
import type {
  ContainerSummary,
  ImageSummary,
  SystemInfo,
  SystemVersion,
  Volume,
} from '../types/docker.ts'
import manifest from '../../package.json' with { type: 'json' }
import { backingFileSystem, hostFacts } from './host.ts'
import { kernelLimits, limitWarnings } from './limits.ts'
import { summarizeUsage } from './usage.ts'

export interface SystemParts {
  instance: Instance
  events: Events
  containers: ContainerEngine
  /** `layersSize`: bytes of all layers, shared ones once. */
  images: ImageEngine & { layersSize?(): Promise<number> }
  /** `usage`: volumes with their sizes. */
  volumes: VolumeEngine & { usage(): Promise<Volume[]> }
  networks: NetworkEngine
  cgroups: Cgroups
  builds: Pick<BuildEngine, 'cache'>
  registry: { diskUsage(): RegistryDiskUsage }
}

/** The engine as a whole: what it is, what it runs on, what it holds, what happens. */
export function openSystem(parts: SystemParts): SystemEngine {
  let id: Promise<string> | undefined
  return {
    version: () => Promise.resolve(version()),
    info: async () => {
      id ??= engineId(parts.instance)
      return info(parts, await id)
    },
    diskUsage: (options = {}) => diskUsage(parts, options),
    authenticate: (credentials, signal) => logIn(registriesOf(parts.instance), credentials, signal),
    events: (options, signal) => parts.events.stream(options, signal),
  }
}

function version(): SystemVersion {
  const arch = goArch()
  const kernel = os.release()
  return {
    Platform: { Name: 'Gantry' },
    Version: manifest.version,
    ApiVersion: API_VERSION,
    MinAPIVersion: MIN_API_VERSION,
    Os: 'linux',
    Arch: arch,
    KernelVersion: kernel,
    Experimental: true,
    GitCommit: '',
    GoVersion: '',
    BuildTime: '',
    Components: [
      {
        // The docker CLI prints the details of the component of this name.
        Name: 'Engine',
        Version: manifest.version,
        Details: {
          ApiVersion: API_VERSION,
          Arch: arch,
          BuildTime: '',
          Experimental: 'true',
          GitCommit: '',
          GoVersion: '',
          KernelVersion: kernel,
          MinAPIVersion: MIN_API_VERSION,
          Os: 'linux',
        },
      },
      { Name: 'gantry-shim', Version: manifest.version, Details: {} },
      { Name: 'node', Version: process.versions.node, Details: {} },
    ],
  }
}

async function info(parts: SystemParts, id: string): Promise<SystemInfo> {
  const { cgroups, instance } = parts
  const [containers, images, facts, fileSystem] = await Promise.all([
    parts.containers.list({ all: true }),
    parts.images.list(),
    hostFacts(),
    backingFileSystem(instance.dataRoot),
  ])
  const count = (...states: ContainerSummary['State'][]): number =>
    containers.filter(({ State }) => states.includes(State)).length
  return {
    ID: id,
    Containers: containers.length,
    ContainersRunning: count('running'),
    ContainersPaused: count('paused'),
    ContainersStopped: count('created', 'restarting', 'exited', 'dead', 'removing'),
    Images: images.length,
    Driver: 'overlay2',
    DriverStatus: [
      ['Backing Filesystem', fileSystem],
      ['Supports d_type', 'true'],
    ],
    DockerRootDir: instance.dataRoot,
    Plugins: {
      Volume: ['local'],
      Network: ['bridge', 'host', 'null'],
      Authorization: [],
      Log: logDrivers({ journald: hasJournald(instance.journaldSocket) }),
    },
    ...kernelLimits(hostSupport()),
    IPv4Forwarding: facts.ipv4Forwarding,
    Debug: false,
    NFd: facts.openFiles,
    NEventsListener: parts.events.listeners(),
    SystemTime: new Date().toISOString(),
    LoggingDriver: instance.logging.driver,
    CgroupDriver: 'cgroupfs',
    CgroupVersion: cgroups.version === 2 ? '2' : '1',
    KernelVersion: os.release(),
    OperatingSystem: facts.operatingSystem,
    OSVersion: facts.osVersion,
    OSType: 'linux',
    Architecture: os.machine(),
    NCPU: os.availableParallelism(),
    MemTotal: os.totalmem(),
    IndexServerAddress: 'https://index.docker.io/v1/',
    RegistryConfig: {
      InsecureRegistryCIDRs: [
        ...instance.insecureRegistries.filter((entry) => entry.includes('/')),
        '::1/128',
        '127.0.0.0/8',
      ],
      IndexConfigs: {
        'docker.io': {
          Name: 'docker.io',
          Mirrors: shownMirrors(instance),
          Secure: true,
          Official: true,
        },
        ...Object.fromEntries(
          instance.insecureRegistries
            .filter((entry) => !entry.includes('/'))
            .map((Name) => [Name, { Name, Mirrors: [], Secure: false, Official: false }]),
        ),
      },
      Mirrors: shownMirrors(instance),
    },
    GenericResources: [],
    HttpProxy: withoutPassword(instance.proxies.http),
    HttpsProxy: withoutPassword(instance.proxies.https),
    NoProxy: instance.proxies.except.join(','),
    Name: os.hostname(),
    Labels: [],
    ExperimentalBuild: true,
    ServerVersion: manifest.version,
    Runtimes: runtimes(instance),
    DefaultRuntime: OWN_RUNTIME,
    Swarm: {
      NodeID: '',
      NodeAddr: '',
      LocalNodeState: 'inactive',
      ControlAvailable: false,
      Error: '',
      RemoteManagers: null,
    },
    LiveRestoreEnabled: true,
    Isolation: '',
    InitBinary: 'docker-init',
    ContainerdCommit: { ID: '' },
    RuncCommit: { ID: '' },
    InitCommit: { ID: '' },
    SecurityOptions: [
      ...facts.securityOptions,
      ...(instance.userns === 'private' ? ['name=userns'] : []),
    ],
    FirewallBackend: { Driver: 'nftables' },
    DiscoveredDevices: [],
    CDISpecDirs: [],
    Warnings: limitWarnings(hostSupport(), {
      cgroupVersion: cgroups.version,
      ipv4Forwarding: facts.ipv4Forwarding,
    }),
  }
}

function runtimes({ runtimes: configured }: Instance): SystemInfo['Runtimes'] {
  const own = { name: OWN_RUNTIME, path: shimPath() }
  return Object.fromEntries(
    [own, ...installedRuntimes(configured)].map((runtime) => [
      runtime.name,
      { path: runtime.path },
    ]),
  )
}

async function diskUsage(parts: SystemParts, options: DiskUsageOptions): Promise<DiskUsage> {
  const { types } = options
  const wants = (type: NonNullable<DiskUsageOptions['types']>[number]): boolean =>
    types === undefined || types.length === 0 || types.includes(type)
  const [containers, listed, volumes, buildCache] = await Promise.all([
    wants('container') || wants('image')
      ? parts.containers.list({ all: true, size: wants('container') })
      : [],
    wants('image') ? parts.images.list({ sharedSize: true }) : [],
    wants('volume') ? parts.volumes.usage() : [],
    wants('build-cache') ? parts.builds.cache() : [],
  ])
  const images = listed.map((image): ImageSummary => {
    const users = containers.filter(({ ImageID }) => ImageID === image.Id)
    return { ...image, Containers: users.length }
  })
  const layersBytes = wants('image')
    ? ((await parts.images.layersSize?.()) ??
      images.reduce((total, image) => total + image.Size, 0))
    : 0
  const usage = summarizeUsage({ layersBytes, images, containers, volumes, buildCache }, options)
  // beside Docker's types: who asks for some of them has not asked for this
  const wantsAll = types === undefined || types.length === 0
  return wantsAll ? { ...usage, Gantry: { RegistryUsage: parts.registry.diskUsage() } } : usage
}

/** Made once and kept with the data: clients tell engines apart by it. */
async function engineId(instance: Instance): Promise<string> {
  const file = path.join(instance.dataRoot, 'engine.json')
  const kept = await readDocument(file, z.object({ id: z.string() }))
  if (kept !== undefined) return kept.id
  const id = randomUUID()
  await writeDocument(file, { id })
  return id
}

/** The architecture in Go's words, which images use too. */
function goArch(): string {
  return { x64: 'amd64', ia32: '386' }[process.arch as string] ?? process.arch
}

/** Each ends with a slash, as dockerd tells them. */
function shownMirrors({ registryMirrors }: Instance): string[] {
  return mirrorsOf('docker.io', registryMirrors).map((url) => url.replace(/\/*$/, '/'))
}

/** A proxy's URL as it may be shown. */
function withoutPassword(proxy: string | undefined): string {
  if (proxy === undefined) return ''
  const url = parseProxy(proxy)
  if (url.username === '' && url.password === '') return proxy
  url.username = url.password = 'xxxxx'
  return url.href
}
