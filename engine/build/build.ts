import path from 'node:path'
import { setMaxListeners } from 'node:events'
import { parseCgroupParent } from '../cgroups/parents.ts'
import type { BuildEvent, BuildRequest } from '../contract/builds.ts'
import {
  BuildError,
  errorCode,
  errorMessage,
  InvalidParameterError,
  NotFoundError,
} from '../errors.ts'
import type { Image } from '../images/image.ts'
import { familiarReference, parseReference } from '../images/reference.ts'
import type { ImageStore } from '../images/store.ts'
import type { Lease } from '../images/leases.ts'
import { tagImage, taggedReference } from '../images/tag.ts'
import { isSha256 } from '../oci/digest.ts'
import { formatPlatform, hostPlatform, parsePlatform, platformMatches } from '../oci/platform.ts'
import type { Platform } from '../oci/platform.ts'
import { checkSecurity } from '../runtime/validate.ts'
import { authFor } from './blob-source.ts'
import { openContext } from './context.ts'
import { plannedPaths } from './context-paths.ts'
import type { ContextPaths } from './context-paths.ts'
import type { OpenedContext } from './context.ts'
import { DockerfileError, excerpt } from '../dockerfile/error.ts'
import { parseDockerfile } from '../dockerfile/parse.ts'
import type { Dockerfile } from '../dockerfile/parse.ts'
import type { EventQueue } from './event-queue.ts'
import { exportCache } from './export-cache.ts'
import { finishImage } from './finish.ts'
import { KnownSteps } from './known-steps.ts'
import { loadImage } from './load-image.ts'
import { ContextDirectories } from './named-contexts.ts'
import type { BuilderParts } from './parts.ts'
import {
  BUILDKIT_ARGS,
  PLATFORM_ARGS,
  platformArgs,
  PROXY_ARGS,
} from '../dockerfile/platform-args.ts'
import { GlobalScope } from '../dockerfile/scope.ts'
import type { Build, Stage, Step, Tree } from './stage.ts'
import { evaluateStage } from './evaluate.ts'
import { planStages } from './stages.ts'
import type { Origin, PlannedStage, StagePlan } from './stages.ts'

/**
 * Builds one image: opens the context, reads the Dockerfile, carries out the stages that the target needs side by side,
 * and takes the image in.
 *
 * @param dir an existing directory of this build's own
 * @param opened told of the context once it is here
 */
export async function runBuild(
  parts: BuilderParts,
  request: BuildRequest,
  dir: string,
  events: EventQueue<BuildEvent>,
  opened: (context: OpenedContext) => void,
  signal: AbortSignal,
): Promise<void> {
  // all that can be refused is, before anything is read
  const names = (request.tags ?? []).map((tag) => tagOf(tag))
  checkSecurity(request.resources ?? {})
  parseCgroupParent(request.resources?.CgroupParent)
  const target = request.platform === undefined ? undefined : parsePlatform(request.platform)
  const keepGitDir = isOn(request.buildArgs?.['BUILDKIT_CONTEXT_KEEP_GIT_DIR'])
  const { dockerfile, noCache = false, secret } = request
  const asked = { dockerfile, keepGitDir, secret, isFresh: noCache }
  const context = await openContext(parts, request.context, asked, dir, signal)
  opened(context)
  signal.throwIfAborted()
  const warn = (message: string): void => {
    events.push({ kind: 'warning', message })
  }
  const known = await KnownSteps.load(parts, request, target ?? hostPlatform(), warn, signal)
  await parts.images.store.leased(async (lease) => {
    const run = new BuildRun(parts, request, dir, events, signal, lease, context, target, known)
    try {
      const image = await run.toItsEnd()
      const { store } = parts.images
      store.events.emit('image', 'create', image.id, {
        ...image.config.config.Labels,
        name: image.id,
      })
      for (const { repo, tag } of names) await tagImage(store, image.id, repo, tag)
      const tags = names.map(({ repo, tag }) => familiarReference(taggedReference(repo, tag)))
      events.push({ kind: 'built', image: image.id, tags })
    } finally {
      await run.close()
    }
  })
}

class BuildRun implements Build {
  readonly parts: BuilderParts
  readonly store: ImageStore
  readonly request: BuildRequest
  readonly signal: AbortSignal
  readonly events: EventQueue<BuildEvent>
  readonly lease: Lease
  readonly dir: string
  readonly global: GlobalScope
  readonly epochSeconds: number | undefined
  readonly known: KnownSteps
  readonly steps: Build['steps'] = new Map()
  readonly renewedMounts: Build['renewedMounts'] = new Set()
  readonly #opened: OpenedContext
  readonly #file: Dockerfile
  readonly #plan: StagePlan
  readonly #numbers: Map<number, number>
  readonly total: number
  readonly #platform: Platform | undefined
  readonly #stages = new Map<number, Promise<Stage>>()
  readonly #images = new Map<string, Promise<Image>>()
  readonly #failed = new AbortController()
  readonly #releases: (() => void)[] = []
  readonly #contexts: ContextDirectories

  constructor(
    parts: BuilderParts,
    request: BuildRequest,
    dir: string,
    events: EventQueue<BuildEvent>,
    signal: AbortSignal,
    lease: Lease,
    context: OpenedContext,
    target: Platform | undefined,
    known: KnownSteps,
  ) {
    this.parts = parts
    this.store = parts.images.store
    this.request = request
    this.dir = dir
    this.events = events
    this.lease = lease
    this.signal = AbortSignal.any([signal, this.#failed.signal])
    // each step listens
    setMaxListeners(0, this.signal)
    const { contexts = {} } = request
    this.#contexts = new ContextDirectories(parts, request, dir, this.signal)
    this.#opened = context
    this.#platform = target
    try {
      this.#file = parseDockerfile(context.dockerfile)
      const given = request.buildArgs ?? {}
      // of a build that names none it is the last stage
      const targetStage = request.target || this.#file.stages.at(-1)?.from.name
      const platform = platformArgs(hostPlatform(), target ?? hostPlatform(), targetStage)
      const { args, directives } = this.#file
      this.global = new GlobalScope(args, given, platform, directives.escape)
      const epoch = 'SOURCE_DATE_EPOCH'
      this.epochSeconds = epochOf(this.global.lookup(epoch) ?? given[epoch])
      this.#plan = planStages(this.#file, this.global, request.target, contexts)
    } catch (error) {
      throw this.#located(error)
    }
    this.known = known
    this.#numbers = new Map()
    let number = 1
    for (const stage of [...this.#plan.stages].sort((a, b) => a.index - b.index)) {
      this.#numbers.set(stage.index, number)
      number += 1 + stage.instructions.length
    }
    this.total = number - 1
  }

  async toItsEnd(): Promise<Image> {
    for (const message of this.#file.warnings) this.events.push({ kind: 'warning', message })
    await this.#opened.client?.need(plannedPaths(this.#plan.stages))
    const stages = this.#plan.stages.map(({ index }) => this.stage(index))
    // those that others need have been waited for, but not all of them end at the same time
    const ends = await Promise.allSettled(stages)
    const failure = ends.find(
      (end): end is PromiseRejectedResult =>
        end.status === 'rejected' && end.reason !== this.#failed.signal.reason,
    )
    if (failure) throw failure.reason
    this.signal.throwIfAborted()
    const unused = this.#unusedArgs()
    if (unused.length > 0) {
      const message = `One or more build-args [${unused.join(' ')}] were not consumed`
      this.events.push({ kind: 'warning', message })
    }
    const target = await this.stage(this.#plan.target)
    const image = await finishImage(this, target)
    for (const to of this.request.cacheExports ?? []) await exportCache(this, target, to)
    return image
  }

  async close(): Promise<void> {
    for (const release of this.#releases) release()
    const { client } = this.#opened
    const clients = [...(client ? [client] : []), ...this.#contexts.clients]
    for (const one of clients)
      await one.keep().catch((error: unknown) => {
        this.parts.warn('what came of a build could not be kept for the next one', error)
      })
  }

  originOf(from: string): Origin {
    return this.#plan.originOf(from)
  }

  stage(index: number): Promise<Stage> {
    const known = this.#stages.get(index)
    if (known) return known
    const planned = this.#planned(index)
    const stage = this.#evaluate(planned)
    stage.catch((error: unknown) => {
      // the others need not go on
      this.#failed.abort(new CancelledBy(error))
    })
    this.#stages.set(index, stage)
    return stage
  }

  /** A stage that only a trigger of a base image needs is not in the plan. */
  #planned(index: number): PlannedStage {
    const isIt = (stage: PlannedStage): boolean => stage.index === index
    const planned =
      this.#plan.stages.find(isIt) ??
      planStages(this.#file, this.global, String(index), this.request.contexts).stages.find(isIt)
    if (!planned) throw new Error(`stage ${String(index)} is not in the file`)
    return planned
  }

  contextImage(name: string, platform: Platform | undefined): Promise<Image> | undefined {
    const context = this.request.contexts?.[name]
    if (!context || !('content' in context)) return undefined
    const wanted = platform ?? this.#platform ?? hostPlatform()
    const key = `context ${name} ${formatPlatform(wanted)}`
    const { content, digest } = context
    const image =
      this.#images.get(key) ??
      loadImage(this.store, content, digest, wanted, this.lease, this.signal)
    this.#images.set(key, image)
    return image
  }

  async contextTree(paths: ContextPaths): Promise<Tree> {
    const { client, directory } = this.#opened
    return (await client?.tree(paths)) ?? { from: [directory], identity: undefined }
  }

  namedTree(name: string, paths: ContextPaths): Promise<Tree> {
    return this.#contexts.tree(name, paths)
  }

  hold(key: string): void {
    this.#releases.push(this.parts.cache.hold([key]))
  }

  async image(name: string, platform: Platform | undefined, step: Step): Promise<Image> {
    const wanted = platform ?? this.#platform
    const key = `${name} ${wanted ? formatPlatform(wanted) : ''}`
    const known = this.#images.get(key)
    const image = known ?? this.#image(name, wanted, step)
    this.#images.set(key, image)
    return await image
  }

  async #image(name: string, wanted: Platform | undefined, step: Step): Promise<Image> {
    const { pull } = this.request
    // what is named by its ID is here alone
    const isAsked = pull === true && !isSha256(name)
    const here = isAsked ? undefined : this.#find(name, wanted)
    if (here) return this.#leased(here)
    const { domain } = parseReference(name)
    const progress = this.parts.images.pull(
      name,
      {
        ...(wanted ? { platform: formatPlatform(wanted) } : {}),
        ...(await authFor(this.request, domain)),
      },
      this.signal,
    )
    for await (const line of progress)
      this.events.push({ kind: 'progress', step: step.id, progress: line })
    return this.#leased(this.store.find(name))
  }

  #find(name: string, wanted: Platform | undefined): Image | undefined {
    try {
      const image = this.store.find(name)
      return wanted === undefined || platformMatches(image.config, wanted) ? image : undefined
    } catch (error) {
      if (error instanceof NotFoundError) return undefined
      throw error
    }
  }

  #leased(image: Image): Image {
    this.lease.blobs.add(image.id)
    for (const { blob, chainId } of image.document.layers) {
      this.lease.layers.add(chainId)
      this.lease.blobs.add(blob.digest)
    }
    return image
  }

  async #evaluate(planned: PlannedStage): Promise<Stage> {
    return await evaluateStage(this, planned, {
      platform: planned.platform === undefined ? undefined : parsePlatform(planned.platform),
      target: this.#platform,
      isOnly: this.#plan.stages.length === 1,
      noCache: this.#isNotCached(planned.name),
      firstNumber: this.#numbers.get(planned.index) ?? 1,
      total: this.total,
      located: (error, location) => this.#located(error, location),
    })
  }

  #isNotCached(name: string | undefined): boolean {
    const { noCacheFilter = [] } = this.request
    return name !== undefined && noCacheFilter.some((one) => one.toLowerCase() === name)
  }

  /** What failed, with the place in the Dockerfile. */
  #located(error: unknown, location?: { line: number; endLine: number }): unknown {
    if (error instanceof CancelledBy || (error instanceof BuildError && error.location))
      return error
    const at = error instanceof DockerfileError ? error.location : location
    if (!at) return error
    const { dockerfile, name } = this.#opened
    return new BuildError(
      error instanceof BuildError ? error.reason : errorMessage(error),
      {
        code: errorCode(error),
        location: at,
        excerpt: excerpt(dockerfile, at, name),
        exitCode: error instanceof BuildError ? error.exitCode : undefined,
        lastOutput: error instanceof BuildError ? error.lastOutput : '',
      },
      { cause: error },
    )
  }

  #unusedArgs(): string[] {
    const declared = new Set(
      [
        ...this.#file.args,
        ...this.#file.stages.flatMap(({ instructions }) =>
          instructions.flatMap((one) => (one.kind === 'arg' ? [one] : [])),
        ),
      ].flatMap(({ args }) => args.map(({ name }) => name)),
    )
    const always = [...PROXY_ARGS, ...PLATFORM_ARGS, ...BUILDKIT_ARGS, 'SOURCE_DATE_EPOCH']
    return Object.keys(this.request.buildArgs ?? {})
      .filter((name) => !declared.has(name) && !always.includes(name))
      .sort()
  }
}

/** Why steps end when another has failed: not a failure of their own. */
class CancelledBy extends Error {
  constructor(cause: unknown) {
    super('cancelled, because another stage failed', { cause })
  }
}

function tagOf(text: string): { repo: string; tag: string | undefined } {
  const reference = taggedReference(text)
  const { tag } = reference
  return { repo: familiarReference({ ...reference, tag: undefined }), tag }
}

function isOn(text: string | undefined): boolean {
  return text !== undefined && /^(1|t|true)$/i.test(text)
}

function epochOf(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined
  if (/^\d{1,11}$/.test(text)) return Number(text)
  throw new InvalidParameterError(`invalid SOURCE_DATE_EPOCH: ${text}`)
}

/** Where builds have their directories. */
export function buildsDirectory(dataRoot: string): string {
  return path.join(dataRoot, 'builds')
}
