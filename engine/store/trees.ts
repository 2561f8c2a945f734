import { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { PathStat } from '../contract/containers.ts'
import type { FileListing, FilePage } from '../contract/files.ts'
import { EngineError } from '../errors.ts'
import type { IdMap } from '../native/netns.ts'
import type { TreeChange } from '../tree/change-tree.ts'
import type { WriteTreeOptions } from '../tree/write-tree.ts'
import type { FilesystemChange } from '../types/docker.ts'
import { newRing, RingWriter } from './byte-ring.ts'
import { closeFlow, newFlow, releaseChunks } from './chunk-flow.ts'
import type { FlowCount } from './chunk-flow.ts'
import type { ComposeJob, Composed } from './compose/job.ts'
import type { PackJob } from './pack.ts'
import type { CompareJob } from './same-content.ts'
import type { SquashJob } from './squash.ts'
import type { FoundFile, TreeJob, TreeProgress, TreeResult } from './tree-jobs.ts'
import type { WritableLayers } from './upper-marks.ts'
import { WorkerPool } from './worker-pool.ts'
import type { Packed } from './write-layer.ts'

/** Copies under way at the same time: each takes a thread for as long as its client takes to send or receive. */
const MOST_STREAMS = 32
/** In memory for each archive that is read, beside what is under way from its thread. */
const STREAM_BYTES = 1024 * 1024
/** What waits for no client. */
const MOST_OTHERS = 4

/**
 * Copies trees of files on threads of their own. A thread waits while who reads its archive, or sends one, is slow, and ends
 * when that is gone: little gathers in memory.
 */
export class Trees {
  readonly #streams = new WorkerPool<TreeJob, TreeProgress, TreeResult>('tree-worker', MOST_STREAMS)
  readonly #others = new WorkerPool<TreeJob, TreeProgress, TreeResult>('tree-worker', MOST_OTHERS)
  /** Archives under way out of here, and to here. */
  readonly #archives = new Set<Readable>()
  readonly #writers = new Set<RingWriter>()

  /** @throws NOT_FOUND when there is nothing */
  async stat(root: number, path: string): Promise<PathStat> {
    return (await this.#others.run({ kind: 'stat', root, path }, () => undefined)) as PathStat
  }

  /** A page of what is in a directory, links followed. @throws NOT_FOUND when there is nothing */
  async list(
    root: number,
    path: string,
    page: FilePage,
    of: { ids: IdMap | undefined; layers: WritableLayers },
  ): Promise<FileListing> {
    const job: TreeJob = { kind: 'list', root, path, page, ...of }
    return (await this.#others.run(job, () => undefined)) as FileListing
  }

  /** What a path leads to, links followed. @throws NOT_FOUND when there is nothing */
  async find(root: number, path: string, ids: IdMap | undefined): Promise<FoundFile> {
    const job: TreeJob = { kind: 'find', root, path, ids }
    return (await this.#others.run(job, () => undefined)) as FoundFile
  }

  /** @see changeTree */
  async change(
    root: number,
    path: string,
    change: TreeChange,
    ids: IdMap | undefined,
  ): Promise<string | undefined> {
    const job: TreeJob = { kind: 'change', root, path, change, ids }
    return (await this.#others.run(job, () => undefined)) as string | undefined
  }

  /**
   * A file or directory as an archive, once it is found.
   *
   * @param ended called when `root` is not needed any more, also when this throws
   * @throws NOT_FOUND when there is nothing
   */
  read(
    root: number,
    path: string,
    options: { ids?: IdMap | undefined; hidden: readonly string[] },
    ended: () => void,
  ): Promise<{ stat: PathStat; tar: Readable }> {
    return new Promise((resolve, reject) => {
      const { done, tar } = this.#produce(
        (flow) => ({ kind: 'read', root, path, flow, ...options }),
        (stat) => {
          resolve({ stat, tar })
        },
        ended,
      )
      done.catch(reject)
    })
  }

  /** Everything in a directory as an archive. @param ended as of read */
  readAll(root: number, options: { ids?: IdMap | undefined }, ended: () => void): Readable {
    return this.#produce(
      (flow) => ({ kind: 'read-all', root, flow, ...options }),
      () => undefined,
      ended,
    ).tar
  }

  /**
   * Everything that merged layers show as an archive.
   *
   * @param trees directories of the layers, topmost first
   * @param ended called when they are not needed any more
   */
  readMerged(trees: readonly string[], ended: () => void): Readable {
    return this.#produce(
      (flow) => ({ kind: 'read-merged', trees, flow }),
      () => undefined,
      ended,
    ).tar
  }

  /** Unpacks an archive into a directory. @throws NOT_FOUND when there is none, and what TreeWriter throws */
  async write(root: number, path: string, tar: Readable, options: WriteTreeOptions): Promise<void> {
    const ring = newRing(lengthOf(tar))
    const writer = new RingWriter(ring, tar)
    this.#writers.add(writer)
    let broken: Error | undefined
    const onBreak = (error?: Error): void => {
      if (tar.readableEnded) return
      broken ??= error ?? new Error('the connection was closed')
      writer.cut()
    }
    tar.once('error', onBreak)
    tar.once('close', onBreak)
    try {
      if (tar.destroyed) onBreak()
      const job: TreeJob = { kind: 'write', root, path, from: ring, options }
      await this.#streams.run(job, () => undefined)
    } catch (error) {
      if (!broken) throw error
      throw new EngineError('UNAVAILABLE', `the archive was cut short: ${broken.message}`, {
        cause: broken,
      })
    } finally {
      tar.off('error', onBreak)
      tar.off('close', onBreak)
      writer.cut()
      this.#writers.delete(writer)
    }
  }

  /** @see layerChanges */
  async changes(upper: string, lower: readonly string[]): Promise<FilesystemChange[]> {
    const job: TreeJob = { kind: 'changes', upper, lower }
    return (await this.#others.run(job, () => undefined)) as FilesystemChange[]
  }

  /** @see packLayer */
  async pack(job: PackJob, signal?: AbortSignal): Promise<Packed> {
    return (await this.#others.run({ kind: 'pack', ...job }, () => undefined, signal)) as Packed
  }

  /** @see squashLayers */
  async squash(job: SquashJob, signal?: AbortSignal): Promise<Packed> {
    return (await this.#others.run({ kind: 'squash', ...job }, () => undefined, signal)) as Packed
  }

  /** @see haveSameContent */
  async haveSameContent(job: CompareJob, signal?: AbortSignal): Promise<boolean> {
    return (await this.#others.run({ kind: 'compare', ...job }, () => undefined, signal)) as boolean
  }

  /** @see composeLayer */
  async compose(job: ComposeJob, signal?: AbortSignal): Promise<Composed> {
    return (await this.#others.run(
      { kind: 'compose', ...job },
      () => undefined,
      signal,
    )) as Composed
  }

  /** Removes what an ignore file's patterns leave out of a tree. */
  async removeIgnored(root: string, patterns: string[]): Promise<void> {
    await this.#others.run({ kind: 'ignore', root, patterns }, () => undefined)
  }

  /** @see removeNames */
  async removeNames(root: string, names: string[]): Promise<void> {
    await this.#others.run({ kind: 'remove', root, names }, () => undefined)
  }

  /** Ends every copy. */
  async close(): Promise<void> {
    // a thread that waits for its other end cannot be ended before
    for (const archive of this.#archives) archive.destroy()
    for (const writer of this.#writers) writer.cut()
    await Promise.all([this.#streams.close(), this.#others.close()])
  }

  #produce(
    job: (flow: FlowCount) => TreeJob,
    onStat: (stat: PathStat) => void,
    ended: () => void,
  ): { tar: Readable; done: Promise<unknown> } {
    const flow = newFlow()
    /** Chunks that are in the stream, which has enough. */
    let held = 0
    const tar = new Readable({
      highWaterMark: STREAM_BYTES,
      read: () => {
        if (held > 0) releaseChunks(flow, held)
        held = 0
      },
      destroy: (error, callback) => {
        closeFlow(flow)
        callback(error)
      },
    })
    tar.on('error', () => {
      // whoever reads it hears of it; when nobody does yet, `done` tells
    })
    tar.once('close', () => this.#archives.delete(tar))
    this.#archives.add(tar)
    const onProgress = (progress: TreeProgress): void => {
      if ('stat' in progress) onStat(progress.stat)
      else if (tar.push(Buffer.from(progress.chunk.buffer, 0, progress.chunk.byteLength)))
        releaseChunks(flow, 1)
      else held++
    }
    const done = this.#streams.run(job(flow), onProgress).finally(ended)
    done.then(
      () => tar.push(null),
      (error: unknown) => tar.destroy(error as Error),
    )
    return { tar, done }
  }
}

/** Of a request's body that says so. */
function lengthOf(source: Readable): number | undefined {
  const length = source instanceof IncomingMessage ? source.headers['content-length'] : undefined
  return length === undefined ? undefined : Number(length)
}
