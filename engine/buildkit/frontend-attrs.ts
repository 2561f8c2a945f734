import { z } from 'zod'
import type { BuildRequest, CacheImport } from '../contract/builds.ts'
import { isDockerfileFrontEnd } from '../dockerfile/front-end.ts'
import { cacheImport } from './cache-options.ts'
import { GrpcError } from './grpc-error.ts'
import type { Attributes } from './messages.ts'
import { askedContext } from './named-contexts.ts'
import type { AskedContext } from './named-contexts.ts'
import type { Session } from './session.ts'
import { truthOf } from './truth.ts'

/** What a client asks of the front end `dockerfile.v0`. */
export interface FrontendAttrs {
  /** Path of the Dockerfile. */
  filename: string
  /** The context: an address, or the name of a directory of the client. */
  context: { remote: string } | { upload: string } | { local: string }
  /** Name of the client's directory with the Dockerfile; undefined: it is in the context. */
  dockerfile: string | undefined
  /** More than one: an image for each. */
  platforms: string[]
  /** The result is an index, also of one image. */
  isMultiPlatform: boolean
  /** By name, or by `name::platform` for that platform alone. */
  contexts: Record<string, AskedContext>
  /** IDs of the sessions that have directories, by their names; the others are of the build's own session. */
  localSessions: ReadonlyMap<string, string>
  cacheImports: ((session: Session) => CacheImport)[]
  request: Omit<BuildRequest, 'context'>
}

const UPLOAD = 'http://buildkit-session'

/** Read below, or of no effect on what is built: where the context came from, and a hint for what to keep of it. */
const READ_BELOW = /^(vcs:|sharedkey:|(dockerfilekey|contextkey|context|filename)$)/

/**
 * Reads the attributes of a build. What is not known is refused by name: a build must not leave out what was asked for.
 *
 * @throws GrpcError in words, of code UNKNOWN: clients show the message alone
 * @see moby/buildkit frontend/dockerui/config.go
 */
export function readFrontendAttrs(
  attrs: Readonly<Record<string, string>>,
  options: {
    cacheImports: readonly Attributes[]
    entitlements: readonly string[]
    /** IDs of images that other builds led to, by the names of the inputs that they are. */
    images: Readonly<Record<string, string>>
  },
): FrontendAttrs {
  const buildArgs: Record<string, string> = {}
  const labels: Record<string, string> = {}
  const caches = [...options.cacheImports]
  const platforms: string[] = []
  const contexts: Record<string, AskedContext> = {}
  const localSessions = new Map<string, string>()
  let multiPlatform: string | undefined
  const resources: NonNullable<BuildRequest['resources']> = {}
  const request: FrontendAttrs['request'] = {
    buildArgs,
    labels,
    resources,
    entitlements: options.entitlements.map(entitlement),
  }
  for (const [key, value] of Object.entries(attrs)) {
    if (key.startsWith('build-arg:')) {
      const name = key.slice('build-arg:'.length)
      checkBuildArg(name, value)
      buildArgs[name] = value
    } else if (key.startsWith('label:')) labels[key.slice('label:'.length)] = value
    else if (key === 'target') request.target = value
    else if (key === 'no-cache') withoutCache(request, value)
    else if (key === 'platform') platforms.push(...list(value))
    else if (key === 'force-network-mode') request.network = networkOf(value)
    else if (key === 'add-hosts') request.extraHosts = hostsOf(value)
    else if (key === 'cache-from')
      caches.push(...list(value).map((ref) => ({ Type: 'registry', Attrs: { ref } })))
    else if (key === 'cache-imports') caches.push(...jsonImports(value))
    else if (key === 'cgroup-parent') resources.CgroupParent = value
    else if (key === 'frontend.caps') checkCaps(value)
    else if (key.startsWith('context:'))
      contexts[key.slice('context:'.length)] = askedContext(
        key.slice('context:'.length),
        value,
        options.images,
      )
    else if (key.startsWith('attest:')) refuseAttestation(key, value)
    else if (key.startsWith('local-sessionid:'))
      localSessions.set(key.slice('local-sessionid:'.length), value)
    else if (key === 'image-resolve-mode') request.pull = isPulled(value)
    else if (key === 'multi-platform') multiPlatform = value
    else if (key === 'hostname') request.hostname = value
    else if (key === 'shm-size') resources.ShmSize = whole(key, value)
    else if (key === 'memory') resources.Memory = whole(key, value)
    else if (key === 'memswap') resources.MemorySwap = whole(key, value)
    else if (key === 'cpushares') resources.CpuShares = whole(key, value)
    else if (key === 'cpuperiod') resources.CpuPeriod = whole(key, value)
    else if (key === 'cpuquota') resources.CpuQuota = whole(key, value)
    else if (key === 'cpusetcpus') resources.CpusetCpus = value
    else if (key === 'cpusetmems') resources.CpusetMems = value
    else if (key === 'ulimit') resources.Ulimits = list(value).map(ulimit)
    else if (!READ_BELOW.test(key)) throw refused(key, value)
  }
  const { context = '', contextkey = 'context', dockerfilekey } = attrs
  const { BUILDKIT_MULTI_PLATFORM = '' } = buildArgs
  if (BUILDKIT_MULTI_PLATFORM !== '') multiPlatform = BUILDKIT_MULTI_PLATFORM
  const isRemote = context !== '' && !context.startsWith(`${UPLOAD}/`)
  const isUpload = context.startsWith(`${UPLOAD}/`)
  return {
    filename: attrs['filename'] ?? 'Dockerfile',
    context: isRemote
      ? { remote: context }
      : isUpload
        ? { upload: context.slice(UPLOAD.length) }
        : { local: contextkey },
    platforms: [...new Set(platforms)],
    isMultiPlatform: isMulti(multiPlatform, new Set(platforms).size),
    contexts,
    localSessions,
    cacheImports: unique(caches).map(cacheImport),
    dockerfile: dockerfilekey ?? (isRemote || isUpload ? undefined : 'dockerfile'),
    request,
  }
}

function refused(key: string, value: string): GrpcError {
  if (key === 'requestid')
    return new GrpcError('UNIMPLEMENTED', `unsupported subrequest ${value}`, {
      details: [
        {
          type_url: 'github.com/moby/buildkit/errdefs.Subrequest+json',
          value: Buffer.from(JSON.stringify({ name: value })),
        },
      ],
    })
  return new GrpcError('UNKNOWN', `${key}=${value}: this is not supported by Gantry's builder`)
}

/** `--no-cache`, or the stages of `--no-cache-filter`. */
function withoutCache(request: FrontendAttrs['request'], value: string): void {
  if (value === '') request.noCache = true
  else request.noCacheFilter = list(value)
}

const CAPS = ['moby.buildkit.frontend.contexts', 'moby.buildkit.frontend.contexts+forward']

function checkCaps(value: string): void {
  const unknown = list(value).find((cap) => !CAPS.includes(cap))
  if (unknown !== undefined)
    throw new GrpcError('UNIMPLEMENTED', `unsupported frontend capability ${unknown}`)
}

/** What a client asks for by itself (`inline-only`) is nobody's wish. */
function refuseAttestation(key: string, value: string): void {
  if (/(^|,)(inline-only=true|disabled=true)(,|$)/.test(value)) return
  throw new GrpcError(
    'UNKNOWN',
    `${key}=${value}: attestations are not made here: build with --provenance=false --sbom=false`,
  )
}

/** Arguments that mean something to BuildKit's own front end; `build/` knows what they mean here. */
function checkBuildArg(name: string, value: string): void {
  const key = `build-arg:${name}`
  if (name === 'BUILDKIT_SYNTAX' && value !== '' && !isDockerfileFrontEnd(value))
    throw new GrpcError('UNKNOWN', `front end ${value} is not run here, only docker/dockerfile`)
  // that checks are left out is nothing to miss: none are made
  if (name === 'BUILDKIT_DOCKERFILE_CHECK' && !/^(skip=[^;]*)?$/.test(value))
    throw refused(key, value)
}

/** @see moby/buildkit frontend/dockerui/attr.go, parseResolveMode */
function isPulled(mode: string): boolean {
  if (mode === 'pull') return true
  if (['', 'default', 'local'].includes(mode)) return false
  throw new GrpcError('UNKNOWN', `invalid image-resolve-mode: ${mode}`)
}

function isMulti(asked: string | undefined, platforms: number): boolean {
  if (asked === undefined || asked === '') return platforms > 1
  const isAsked = truthOf('multi-platform', asked)
  if (isAsked || platforms <= 1) return isAsked
  throw new GrpcError(
    'UNKNOWN',
    'conflicting config: returning multiple target platforms is not allowed',
  )
}

function unique(caches: readonly Attributes[]): Attributes[] {
  return [...new Map(caches.map((one) => [JSON.stringify([one.Type, one.Attrs]), one])).values()]
}

function networkOf(value: string): string | undefined {
  if (value === 'host' || value === 'none') return value
  if (value === 'sandbox' || value === '') return undefined
  throw new GrpcError('UNKNOWN', `invalid netmode ${value}`)
}

function hostsOf(value: string): string[] {
  return list(value).map((one) => {
    const [, host, address] = /^([^=]+)=(.+)$/.exec(one) ?? []
    if (host === undefined || address === undefined)
      throw new GrpcError('UNKNOWN', `invalid extra host ${one}`)
    return `${host}:${address.replace(/^\[(.*)\]$/, '$1')}`
  })
}

function ulimit(text: string): { Name: string; Soft: number; Hard: number } {
  const [, Name, soft, hard] = /^(\w+)=(-?\d+)(?::(-?\d+))?$/.exec(text) ?? []
  if (Name === undefined) throw new GrpcError('UNKNOWN', `invalid ulimit ${text}`)
  return { Name, Soft: Number(soft), Hard: Number(hard ?? soft) }
}

function entitlement(name: string): 'network.host' | 'security.insecure' {
  if (name === 'network.host' || name === 'security.insecure') return name
  throw new GrpcError('UNKNOWN', `invalid entitlement ${name}`)
}

const imports = z.array(
  z.object({ Type: z.string(), Attrs: z.record(z.string(), z.string()).default({}) }),
)

function jsonImports(text: string): Attributes[] {
  try {
    return imports.parse(JSON.parse(text))
  } catch (error) {
    throw new GrpcError('UNKNOWN', `cache-imports: ${text}`, { cause: error })
  }
}

function whole(key: string, value: string): number {
  const number = Number(value)
  if (value !== '' && Number.isSafeInteger(number)) return number
  throw new GrpcError('UNKNOWN', `${key}: ${value} is no whole number`)
}

function list(value: string): string[] {
  return value.split(',').filter((one) => one !== '')
}
