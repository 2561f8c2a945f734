import { randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import { buildsDirectory } from '../build/build.ts'
import type { Engine } from '../contract.ts'
import type { BuildEvent, BuildRequest, CacheExport } from '../contract/builds.ts'
import { formatPlatform, hostPlatform, parsePlatform } from '../oci/platform.ts'
import { cacheExport } from './cache-options.ts'
import { planExports } from './exporters.ts'
import { isIndex } from './export-parts.ts'
import type { BuiltImage, PlannedExport } from './export-parts.ts'
import { ownFrontEnd } from './front-end.ts'
import { readFrontendAttrs } from './frontend-attrs.ts'
import type { FrontendAttrs } from './frontend-attrs.ts'
import { GrpcError, grpcErrorOf } from './grpc-error.ts'
import { BuildHistory } from './history.ts'
import { definitionOf } from './image-definition.ts'
import { loadDefinition } from './load-definition.ts'
import type { LoadedDefinition } from './load-definition.ts'
import type { BridgeResult, RpcStatus, SolveRequest } from './messages.ts'
import { contextsFor, openContext } from './named-contexts.ts'
import { Progress } from './progress.ts'
import { cacheExportsOf, imagesIn, refuseUnknown, registryCache } from './solve-request.ts'
import type { FrontEndRequest } from './solve-request.ts'
import { Sessions } from './session.ts'
import type { Session } from './session.ts'
import { Uploads } from './uploads.ts'
import { getAgent, getCredentials, getSecret } from './session-services.ts'

/** What the doors of all clients share. */
export interface Shared {
  sessions: Sessions
  history: BuildHistory
  uploads: Uploads
  /** Ends a build, by the name that `POST /build` gives it. */
  cancels: Map<string, () => void>
  /** Under way, by the ref that the client chose. */
  jobs: Map<string, SolveJob>
  /** Where builds have what they need for a while. */
  scratch: string
}

export function sharedOfClients(dataRoot: string): Shared {
  return {
    sessions: new Sessions(),
    uploads: new Uploads(),
    cancels: new Map(),
    history: new BuildHistory(),
    jobs: new Map(),
    scratch: buildsDirectory(dataRoot),
  }
}

/** What comes with a request for a build by other ways than BuildKit's own. */
export interface Given extends Pick<BuildRequest, 'auth' | 'squash'> {
  /** The context, in place of one of the client's session; it can be read once. */
  tar?: Readable
}

/** What a client's gateway says in the end: the result it wants, or why there is none. */
export type Returned = { result: BridgeResult | null } | { error: RpcStatus }

/**
 * One build of a client. Its request comes by Control.Solve, and either names the front end, or none: then the client
 * is the front end itself, has us solve what it needs (LLBBridge.Solve, as often as it likes) and returns one of the
 * results:
 *
 *     → Control.Solve(ref)                        … ← response, when all is exported
 *     → LLBBridge.Solve(dockerfile.v0) ← result
 *     → LLBBridge.Return(result)
 */
export class SolveJob {
  readonly ref: string
  readonly progress: Progress
  readonly #request: SolveRequest
  readonly #engine: Engine
  readonly #shared: Shared
  readonly #signal: AbortSignal
  readonly #given: Given
  readonly #exports: PlannedExport[]
  /** Results that the client's gateway knows by these names. */
  readonly #images = new Map<string, BuiltImage>()
  readonly #cacheExports: ((session: Session) => CacheExport)[]
  /** What exports of cache tell the client. */
  readonly #cacheResponse: Record<string, string> = {}
  readonly #returned: Promise<Returned>
  #return: (returned: Returned) => void = () => undefined

  /** @throws for what cannot be done, before anything is */
  constructor(
    request: SolveRequest,
    engine: Engine,
    shared: Shared,
    signal: AbortSignal,
    given: Given = {},
  ) {
    refuseUnknown(request)
    this.ref = request.Ref
    this.progress = new Progress(request.Ref)
    this.#request = request
    this.#engine = engine
    this.#shared = shared
    this.#signal = signal
    this.#given = given
    this.#exports = planExports(request)
    this.#cacheExports = cacheExportsOf(request.Cache).flatMap(
      (one) => cacheExport(one, this.#cacheResponse) ?? [],
    )
    this.#returned = new Promise((resolve) => {
      this.#return = resolve
    })
  }

  /** Carries the build out, by the client's gateway or by itself. */
  async run(): Promise<Record<string, string>> {
    const { Cache, Frontend, FrontendAttrs, FrontendInputs } = this.#request
    const images =
      Frontend === ''
        ? await this.#whatIsReturned()
        : await this.#build({
            frontend: Frontend,
            attrs: FrontendAttrs,
            cacheImports: [
              ...(Cache?.Imports ?? []),
              ...(Cache?.ImportRefsDeprecated ?? []).map(registryCache),
            ],
            inputs: FrontendInputs,
          })
    const response: Record<string, string> = {}
    if (images.length === 0) return response
    for (const one of this.#exports) {
      const session = await this.#shared.sessions.get(this.#request.Session, this.#signal)
      const parts = {
        engine: this.#engine,
        session,
        progress: this.progress,
        scratch: this.#shared.scratch,
        signal: this.#signal,
      }
      Object.assign(response, await one.run(images, parts))
    }
    return { ...response, ...this.#cacheResponse }
  }

  /** A result for the client's gateway. */
  async solve(asked: FrontEndRequest, signal: AbortSignal): Promise<BridgeResult> {
    const images = await this.#build(asked, signal)
    const named = images.map((image) => {
      const id = randomBytes(16).toString('hex')
      this.#images.set(id, image)
      return { ref: { id, def: definitionOf(image.id) }, platform: image.platform }
    })
    const [only] = named
    if (only && !isIndex(images)) return { ref: only.ref, metadata: {} }
    const refs = Object.fromEntries(named.map(({ ref, platform }) => [platform, ref]))
    return { refs: { refs }, metadata: { [PLATFORMS]: platformsJson(named) } }
  }

  /** Whether the client's gateway got a result of this name. */
  has(ref: string): boolean {
    return this.#images.has(ref)
  }

  return(returned: Returned): void {
    this.#return(returned)
  }

  async #whatIsReturned(): Promise<BuiltImage[]> {
    const returned = await abortable(this.#returned, this.#signal)
    if ('error' in returned) {
      const { code, details, message } = returned.error
      throw new GrpcError(code, message, { details })
    }
    const { attestations = {}, metadata = {}, ref, refs } = returned.result ?? {}
    const unread = [
      ...Object.keys(attestations).map((platform) => `attestations of ${platform}`),
      ...Object.keys(metadata).filter((key) => key !== PLATFORMS),
    ]
    if (unread.length > 0)
      throw new GrpcError('UNKNOWN', `${unread.join(', ')}: this is not taken with a result here`)
    const ids = [...(ref ? [ref.id] : []), ...Object.values(refs?.refs ?? {}).map(({ id }) => id)]
    const unknown = ids.find((id) => id !== '' && !this.#images.has(id))
    if (unknown !== undefined) throw new GrpcError('UNKNOWN', `no such ref: ${unknown}`)
    // in the order in which they were asked for; the client's is by chance
    return [...this.#images].flatMap(([id, image]) => (ids.includes(id) ? [image] : []))
  }

  /** An image for each platform that is asked for. */
  async #build(
    { cacheImports, inputs, ...given }: FrontEndRequest,
    callSignal?: AbortSignal,
  ): Promise<BuiltImage[]> {
    const { attrs, frontend } = ownFrontEnd(given.frontend, given.attrs)
    this.#shared.history.describe(this.ref, frontend, attrs)
    const signal = callSignal ? AbortSignal.any([this.#signal, callSignal]) : this.#signal
    const entitlements = this.#request.Entitlements
    const asked = readFrontendAttrs(attrs, { cacheImports, entitlements, images: imagesIn(inputs) })
    const session = await this.#shared.sessions.get(this.#request.Session, signal)
    if (this.#request.EnableSessionExporter && session.supports(FIND_EXPORTERS))
      throw new GrpcError('UNKNOWN', 'outputs that a session finds are not asked for here')
    const platforms = asked.platforms.length > 0 ? asked.platforms : [undefined]
    if (this.#given.tar && platforms.length > 1)
      throw new GrpcError('UNKNOWN', 'a context that is sent along is built for one platform')
    const images: BuiltImage[] = []
    for (const platform of platforms)
      images.push({
        id: await this.#buildOne(
          { asked, attrs, session, platform, isOneOfSeveral: platforms.length > 1 },
          signal,
        ),
        platform: fullPlatform(platform),
        isOfSeveral: asked.isMultiPlatform,
      })
    return images
  }

  async #buildOne(
    {
      asked,
      attrs,
      isOneOfSeveral,
      platform,
      session,
    }: {
      asked: FrontendAttrs
      attrs: Record<string, string>
      session: Session
      platform: string | undefined
      isOneOfSeveral: boolean
    },
    signal: AbortSignal,
  ): Promise<string> {
    const { progress } = this
    let loaded: LoadedDefinition | undefined
    try {
      const sessions = {
        own: session,
        of: async (name: string) => {
          const id = asked.localSessions.get(name)
          return id === undefined ? session : await this.#shared.sessions.get(id, signal)
        },
      }
      const { tar, ...alike } = this.#given
      if (!tar) loaded = await loadDefinition(sessions, asked, progress, signal)
      const context = loaded?.context ?? (tar ? { tar } : { empty: true as const })
      const contexts = Object.entries(contextsFor(asked.contexts, fullPlatform(platform))).map(
        ([name, one]) => [name, openContext(name, one, { progress, sessions }, signal)] as const,
      )
      const id = randomBytes(16).toString('hex')
      this.#shared.history.leadsTo(this.ref, id)
      const events = this.#engine.builds.build(
        {
          ...asked.request,
          ...alike,
          id,
          context,
          client: {
            ref: this.ref,
            attributes: attrs,
            tags: this.#exports.flatMap(({ names }) => names),
            isInternal: this.#request.Internal,
          },
          platform,
          contexts: Object.fromEntries(contexts),
          cacheImports: asked.cacheImports.map((of) => of(session)),
          cacheExports: this.#cacheExports.map((of) => of(session)),
          // one that is nowhere is looked for under its other spelling
          dockerfile:
            loaded?.dockerfile || asked.filename !== 'Dockerfile' ? asked.filename : undefined,
          secret: (id) => getSecret(session, id, signal),
          ssh: (id) => getAgent(session, id, signal),
          credentials: (registry) => getCredentials(session, registry, signal),
        },
        signal,
      )
      let image: string | undefined
      for await (const event of events) {
        await progress.tell(isOneOfSeveral ? forPlatform(event, platform ?? '') : event)
        if (event.kind === 'built') image = event.image
      }
      signal.throwIfAborted()
      if (image === undefined) throw new GrpcError('INTERNAL', 'the build ended without an image')
      return image
    } catch (error) {
      if (signal.aborted) throw cancelled()
      throw grpcErrorOf(error, loaded?.dockerfile)
    } finally {
      // what was not read of it: the client need not send on
      if (loaded && 'tar' in loaded.context) loaded.context.tar.destroy()
    }
  }
}

/** A step of a build for several platforms says for which: `[linux/arm64 2/3] RUN make`. */
function forPlatform(event: BuildEvent, platform: string): BuildEvent {
  if (!('step' in event)) return event
  const step = `${platform} ${event.step}`
  if (event.kind !== 'started') return { ...event, step }
  return { ...event, step, name: event.name.replace(/^\[/, `[${platform} `) }
}

/** The session of a client that has outputs to add answers this. */
const FIND_EXPORTERS = '/moby.exporter.v1.Exporter/FindExporters'

/** What a result says of its images. */
const PLATFORMS = 'refs.platforms'

function fullPlatform(platform: string | undefined): string {
  return formatPlatform(platform === undefined ? hostPlatform() : parsePlatform(platform))
}

/** @see moby/buildkit exporter/containerimage/exptypes, Platforms */
function platformsJson(images: readonly { platform: string }[]): Buffer {
  const Platforms = images.map(({ platform }) => ({
    ID: platform,
    Platform: parsePlatform(platform),
  }))
  return Buffer.from(JSON.stringify({ Platforms }))
}

export function cancelled(): GrpcError {
  return new GrpcError('CANCELLED', 'context canceled')
}

async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const stop = (): void => {
      reject(cancelled())
    }
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', stop)
    })
  })
}
