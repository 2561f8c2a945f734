import { randomBytes } from 'node:crypto'
import type { BuildContext, BuildRequest } from '../contract/builds.ts'
import { GrpcError } from './grpc-error.ts'
import type { Attributes, SolveRequest } from './messages.ts'
import { registryCache } from './solve-request.ts'
import type { Given } from './solve.ts'

/** What a request calls its context that is in the client's session. */
const CLIENT_SESSION = 'client-session'

/** What dockerd's own API says of a build for BuildKit besides what it says of one of the classic kind. */
export interface BuildOptions {
  /** ID of the session that serves files and secrets; empty: none. */
  session: string
  outputs: readonly Attributes[]
}

/**
 * A build as `POST /build?version=2` asks for it, as BuildKit's control API does.
 *
 * @throws GrpcError naming what BuildKit has no word for
 * @see moby: daemon/internal/builder-next/builder.go, Build
 */
export function requestOfBuild(
  request: BuildRequest,
  { outputs, session }: BuildOptions,
): SolveRequest {
  const { cacheFrom = [], network, tags = [] } = request
  return {
    Ref: randomBytes(16).toString('hex'),
    Definition: null,
    ExporterDeprecated: '',
    ExporterAttrsDeprecated: {},
    Session: session,
    Frontend: 'dockerfile.v0',
    FrontendAttrs: attributesOf(request),
    Cache: {
      ExportRefDeprecated: '',
      ExportAttrsDeprecated: {},
      ImportRefsDeprecated: [],
      Exports: [],
      Imports: cacheFrom.map(registryCache),
    },
    Entitlements: network === 'host' ? ['network.host'] : [],
    FrontendInputs: {},
    Internal: false,
    SourcePolicy: null,
    Exporters: exportersOf(outputs, tags),
    EnableSessionExporter: false,
    SourcePolicySession: '',
    ProxyNetwork: false,
  }
}

/** What comes with the request that BuildKit's has no place for. */
export function givenWith({ auth, context, squash }: BuildRequest): Given {
  return {
    ...('tar' in context ? { tar: context.tar } : {}),
    ...(auth ? { auth } : {}),
    ...(squash === undefined ? {} : { squash }),
  }
}

/** Unless another output is asked for, the image under its names. */
function exportersOf(outputs: readonly Attributes[], tags: readonly string[]): Attributes[] {
  const [{ Attrs, Type } = { Type: 'moby', Attrs: {} }, ...more] = outputs
  if (more.length > 0) throw new GrpcError('UNKNOWN', 'multiple outputs not supported')
  if (Type === 'cacheonly') return []
  const isImage = Type === 'moby' || Type === 'image'
  const name = tags.join(',')
  return [{ Type, Attrs: isImage && name !== '' ? { ...Attrs, name } : Attrs }]
}

function attributesOf(request: BuildRequest): Record<string, string> {
  const { buildArgs = {}, dockerfile, extraHosts = [], labels = {} } = request
  const { network = 'default', noCache, platform, pull, resources = {}, target } = request
  const { CgroupParent, SecurityOpt = [], ShmSize, Ulimits = [] } = resources
  if (SecurityOpt && SecurityOpt.length > 0)
    throw new GrpcError('UNKNOWN', 'security options are not supported by BuildKit')
  if (!['default', 'host', 'none'].includes(network))
    throw new GrpcError('UNKNOWN', `network mode "${network}" not supported by buildkit`)
  const numbers = {
    'shm-size': ShmSize,
    memory: resources.Memory,
    memswap: resources.MemorySwap,
    cpushares: resources.CpuShares,
    cpuperiod: resources.CpuPeriod,
    cpuquota: resources.CpuQuota,
  }
  const words = {
    context: addressOf(request.context),
    filename: dockerfile,
    target,
    platform,
    'no-cache': noCache === true ? '' : undefined,
    'image-resolve-mode': pull === true ? 'pull' : undefined,
    'force-network-mode': network === 'default' ? undefined : network,
    'add-hosts': listed(extraHosts.map((host) => host.replace(':', '='))),
    'cgroup-parent': CgroupParent,
    cpusetcpus: resources.CpusetCpus,
    cpusetmems: resources.CpusetMems,
    ulimit: listed((Ulimits ?? []).map(({ Hard, Name, Soft }) => `${Name}=${Soft}:${Hard}`)),
    ...prefixed('build-arg:', buildArgs),
    ...prefixed('label:', labels),
  }
  return Object.fromEntries([
    ...Object.entries(words).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ...Object.entries(numbers)
      .filter(([, value]) => value)
      .map(([key, value]) => [key, String(value)] as const),
  ])
}

function addressOf(context: BuildContext): string | undefined {
  if (!('remote' in context) || context.remote === CLIENT_SESSION) return undefined
  return context.remote
}

function listed(items: readonly string[]): string | undefined {
  return items.length > 0 ? items.join(',') : undefined
}

function prefixed(
  prefix: string,
  values: Record<string, string | undefined>,
): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`${prefix}${name}`, value]),
  )
}
