import { randomBytes } from 'node:crypto'
import type { Engine } from '../contract.ts'
import { planExports } from './exporters.ts'
import type { PlannedExport } from './exporters.ts'
import { readFrontendAttrs } from './frontend-attrs.ts'
import { GrpcError, grpcErrorOf } from './grpc-error.ts'
import { BuildHistory } from './history.ts'
import { loadDefinition } from './load-definition.ts'
import type { LoadedDefinition } from './load-definition.ts'
import type { Attributes, BridgeResult, RpcStatus, SolveRequest } from './messages.ts'
import { Progress } from './progress.ts'
import { Sessions } from './session.ts'
import { AgentSockets, getCredentials, getSecret } from './session-services.ts'

/** What the doors of all clients share. */
export interface Shared {
  sessions: Sessions
  history: BuildHistory
  /** Under way, by the ref that the client chose. */
  jobs: Map<string, SolveJob>
}

export function sharedOfClients(): Shared {
  return { sessions: new Sessions(), history: new BuildHistory(), jobs: new Map() }
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
  readonly #exports: PlannedExport[]
  readonly #images = new Map<string, string>()
  readonly #returned: Promise<Returned>
  #return: (returned: Returned) => void = () => undefined

  /** @throws for what cannot be done, before anything is */
  constructor(request: SolveRequest, engine: Engine, shared: Shared, signal: AbortSignal) {
    refuseUnknown(request)
    this.ref = request.Ref
    this.progress = new Progress(request.Ref)
    this.#request = request
    this.#engine = engine
    this.#shared = shared
    this.#signal = signal
    this.#exports = planExports(request)
    this.#returned = new Promise((resolve) => {
      this.#return = resolve
    })
  }

  /** Carries the build out, by the client's gateway or by itself. */
  async run(): Promise<Record<string, string>> {
    const { Cache, Frontend, FrontendAttrs } = this.#request
    const image =
      Frontend === ''
        ? await this.#whatIsReturned()
        : await this.#build(Frontend, FrontendAttrs, [
            ...(Cache?.Imports ?? []),
            ...(Cache?.ImportRefsDeprecated ?? []).map((ref) => ({
              Type: 'registry',
              Attrs: { ref },
            })),
          ])
    const response: Record<string, string> = {}
    if (image === undefined) return response
    for (const one of this.#exports) {
      const session = await this.#shared.sessions.get(this.#request.Session, this.#signal)
      const { progress } = this
      const parts = { engine: this.#engine, session, progress, signal: this.#signal }
      Object.assign(response, await one.run(image, parts))
    }
    return response
  }

  /** A result for the client's gateway. */
  async solve(
    frontend: string,
    attrs: Record<string, string>,
    cacheImports: readonly Attributes[],
    signal: AbortSignal,
  ): Promise<BridgeResult> {
    const image = await this.#build(frontend, attrs, cacheImports, signal)
    const id = randomBytes(16).toString('hex')
    this.#images.set(id, image)
    return { ref: { id }, metadata: {} }
  }

  return(returned: Returned): void {
    this.#return(returned)
  }

  async #whatIsReturned(): Promise<string | undefined> {
    const returned = await abortable(this.#returned, this.#signal)
    if ('error' in returned) {
      const { code, details, message } = returned.error
      throw new GrpcError(code, message, { details })
    }
    const { ref, refs } = returned.result ?? {}
    const ids = [...(ref ? [ref.id] : []), ...Object.values(refs?.refs ?? {}).map(({ id }) => id)]
    const meant = ids.filter((id) => id !== '')
    if (meant.length > 1)
      throw new GrpcError('UNKNOWN', 'a build has one result: an image for one platform')
    const [id] = meant
    if (id === undefined) return undefined
    const image = this.#images.get(id)
    if (image === undefined) throw new GrpcError('UNKNOWN', `no such ref: ${id}`)
    return image
  }

  async #build(
    frontend: string,
    attrs: Record<string, string>,
    cacheImports: readonly Attributes[],
    callSignal?: AbortSignal,
  ): Promise<string> {
    if (frontend !== 'dockerfile.v0')
      throw new GrpcError(
        'UNKNOWN',
        frontend === ''
          ? 'only Dockerfiles are built here (frontend dockerfile.v0), no LLB definitions'
          : `frontend ${frontend} is not run here, only dockerfile.v0`,
      )
    this.#shared.history.describe(this.ref, frontend, attrs)
    const signal = callSignal ? AbortSignal.any([this.#signal, callSignal]) : this.#signal
    const entitlements = this.#request.Entitlements
    const asked = readFrontendAttrs(attrs, { cacheImports, entitlements })
    const session = await this.#shared.sessions.get(this.#request.Session, signal)
    const agents = new AgentSockets(session, signal)
    const { progress } = this
    let loaded: LoadedDefinition | undefined
    try {
      loaded = await loadDefinition(session, asked, progress, signal)
      const { context, dockerfile } = loaded
      const events = this.#engine.builds.build(
        {
          ...asked.request,
          context,
          client: {
            ref: this.ref,
            attributes: withoutArguments(attrs),
            tags: this.#exports.flatMap(({ names }) => names),
          },
          // one that is nowhere is looked for under its other spelling
          dockerfile: dockerfile || asked.filename !== 'Dockerfile' ? asked.filename : undefined,
          secret: (id) => getSecret(session, id, signal),
          ssh: (id) => agents.socket(id),
          credentials: (registry) => getCredentials(session, registry, signal),
        },
        signal,
      )
      let image: string | undefined
      for await (const event of events) {
        await progress.tell(event)
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
      await agents.close()
    }
  }
}

/** What goes on record: arguments' values may be secrets. */
function withoutArguments(attrs: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(attrs).filter(([key]) => !key.startsWith('build-arg:')))
}

/** What a request may hold beyond a Dockerfile's build. */
function refuseUnknown(request: SolveRequest): void {
  const { Definition, FrontendInputs, ProxyNetwork, Ref, SourcePolicy } = request
  if (!/^[\w.:-]{1,128}$/.test(Ref)) throw new GrpcError('UNKNOWN', 'a build needs a ref')
  if ((Definition?.def.length ?? 0) > 0 || Object.keys(FrontendInputs).length > 0)
    throw new GrpcError('UNKNOWN', 'only Dockerfiles are built here, no LLB definitions')
  if ((SourcePolicy?.rules.length ?? 0) > 0 || request.SourcePolicySession !== '')
    throw new GrpcError('UNKNOWN', 'source policies are not supported here')
  if (ProxyNetwork) throw new GrpcError('UNKNOWN', 'a proxy network is not supported here')
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
