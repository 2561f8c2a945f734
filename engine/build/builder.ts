import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type {
  BuildCacheRecord,
  BuildChange,
  BuildEngine,
  BuildEvent,
  BuildLogEvent,
  BuildPruneOptions,
  BuildRecord,
  BuildRequest,
  BuildSummary,
} from '../contract/builds.ts'
import { buildsDirectory, runBuild } from './build.ts'
import { eventsOf } from './event-queue.ts'
import type { EventQueue } from './event-queue.ts'
import { BuildHistory } from './history/history.ts'
import type { Recording } from './history/recording.ts'
import type { BuilderParts } from './parts.ts'
import { pruneCache } from './prune.ts'

/**
 * The builder of this engine.
 *
 *     <data>/builds/<id>/    the context of a build that is under way, and what it needs for a while
 *     <data>/build-cache/    what steps led to (cache.ts), the directories of cache mounts, and what came of clients' directories
 *     <data>/build-history/  what became of builds (history/)
 */
export class LocalBuilds implements BuildEngine {
  readonly #parts: BuilderParts
  readonly #closing = new AbortController()
  readonly #running = new Set<Promise<void>>()
  readonly #history: BuildHistory

  private constructor(parts: BuilderParts) {
    this.#parts = parts
    this.#history = new BuildHistory(parts.instance.dataRoot, parts.warn)
  }

  /** Opens the builder and clears away what a killed engine's builds left. */
  static async open(parts: BuilderParts): Promise<LocalBuilds> {
    const { cache, cacheMounts, images, instance, keptContexts } = parts
    const { store } = images
    const directory = buildsDirectory(instance.dataRoot)
    await fs.mkdir(directory, { recursive: true, mode: 0o700 })
    for (const name of await fs.readdir(directory))
      store.trash.throwAway(path.join(directory, name))
    cacheMounts.useTrash(store.trash)
    keptContexts.useTrash(store.trash)
    await cache.check(
      ({ blob, chainId }) =>
        store.layers.get(chainId) !== undefined && store.blobs.has(blob.digest),
    )
    return new LocalBuilds(parts)
  }

  build(request: BuildRequest, signal?: AbortSignal): AsyncIterable<BuildEvent> {
    const closing = this.#closing.signal
    return eventsOf<BuildEvent>(
      (events, stop) => {
        return this.#track(this.#recorded(request, events, stop))
      },
      signal ? [signal, closing] : [closing],
    )
  }

  /** Has the closing of the builder wait for something. */
  #track(running: Promise<void>): Promise<void> {
    this.#running.add(running)
    const forget = (): void => {
      this.#running.delete(running)
    }
    running.then(forget, forget)
    return running
  }

  list(): Promise<BuildSummary[]> {
    return this.#history.list()
  }

  inspect(id: string): Promise<BuildRecord> {
    return this.#history.inspect(id)
  }

  log(
    id: string,
    options: { follow?: boolean } = {},
    signal?: AbortSignal,
  ): AsyncIterable<BuildLogEvent> {
    return this.#history.log(id, options, signal)
  }

  cancel(id: string): Promise<void> {
    return this.#history.cancel(id)
  }

  pin(id: string, pinned: boolean): Promise<void> {
    return this.#history.pin(id, pinned)
  }

  forget(id: string): Promise<void> {
    return this.#history.forget(id)
  }

  watch(signal?: AbortSignal): AsyncIterable<BuildChange> {
    return this.#history.watch(signal)
  }

  async cache(): Promise<BuildCacheRecord[]> {
    const { cache, cacheMounts, images, keptContexts } = this.#parts
    const inImages = new Set(
      images.store.all().flatMap(({ document }) => document.layers.map(({ chainId }) => chainId)),
    )
    const steps = cache.all().map((record) => ({
      ID: record.key,
      Parents: record.parent === undefined ? null : [record.parent],
      Type: 'regular' as const,
      Description: record.description,
      InUse: cache.isInUse(record.key),
      Shared: record.layer !== null && inImages.has(record.layer.chainId),
      Size: record.layer?.sizeBytes ?? 0,
      CreatedAt: record.createdAt,
      LastUsedAt: record.lastUsedAt,
      UsageCount: record.usageCount,
    }))
    return [...steps, ...(await cacheMounts.records()), ...keptContexts.records()]
  }

  async prune(
    options: BuildPruneOptions = {},
  ): Promise<{ CachesDeleted: string[]; SpaceReclaimed: number }> {
    return await pruneCache(this.#parts, await this.cache(), options)
  }

  /** Cancels what is under way. */
  async close(): Promise<void> {
    this.#closing.abort()
    while (this.#running.size > 0) await Promise.allSettled([...this.#running])
    await this.#history.close()
    await this.#parts.cache.close()
  }

  /** Carries a build out and puts it on record, however it ends. */
  async #recorded(
    request: BuildRequest,
    events: EventQueue<BuildEvent>,
    signal: AbortSignal,
  ): Promise<void> {
    const recording = this.#history.begin(request)
    events.listen(recording.take)
    const any = AbortSignal.any([signal, recording.cancelled.signal])
    try {
      await this.#run(request, recording, events, any)
      recording.end('done')
    } catch (error) {
      if (this.#closing.signal.aborted) recording.end('interrupted')
      else if (any.aborted) recording.end('cancelled')
      else recording.end({ error })
      throw error
    } finally {
      this.#history.file(recording)
    }
  }

  async #run(
    request: BuildRequest,
    recording: Recording,
    events: EventQueue<BuildEvent>,
    signal: AbortSignal,
  ): Promise<void> {
    const { images, instance } = this.#parts
    const cut = (): void => {
      if ('tar' in request.context) request.context.tar.destroy()
    }
    signal.addEventListener('abort', cut, { once: true })
    const dir = path.join(buildsDirectory(instance.dataRoot), randomBytes(8).toString('hex'))
    mkdirSync(dir, { mode: 0o700 })
    try {
      await runBuild(this.#parts, request, dir, events, recording.opened, signal)
    } catch (error) {
      await this.#tidy()
      signal.throwIfAborted()
      throw error
    } finally {
      signal.removeEventListener('abort', cut)
      images.store.trash.throwAway(dir)
    }
    // who waits for the image is told first
    void this.#track(setImmediate().then(this.#tidy))
  }

  readonly #tidy = async (): Promise<void> => {
    const { cache, images, warn } = this.#parts
    const { store } = images
    const failed = (error: unknown): void => {
      warn('the build cache could not be written', error)
    }
    const isDurable = (chainId: string): boolean => store.layers.isDurable(chainId)
    void this.#track(cache.settle(isDurable, failed).catch(failed))
    try {
      // steps that were done again have left what they made before
      await store.collect()
    } catch (error) {
      warn('what builds no longer need could not be removed', error)
    }
  }
}
