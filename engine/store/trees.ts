import net from 'node:net'
import { Readable } from 'node:stream'
import type { PathStat } from '../contract.ts'
import { EngineError } from '../errors.ts'
import type { IdMap } from '../native/net.ts'
import { closeFd } from '../native/process.ts'
import { socketPair } from '../native/spawn.ts'
import type { WriteTreeOptions } from '../tree/write-tree.ts'
import type { FilesystemChange } from '../types/docker.ts'
import type { PackJob, Packed } from './pack.ts'
import type { TreeJob, TreeResult } from './tree-jobs.ts'
import { WorkerPool } from './worker-pool.ts'

/** Copies under way at the same time: each takes a thread for as long as its client takes to send or receive. */
const MOST_STREAMS = 32
/** What waits for no client. */
const MOST_OTHERS = 4

/**
 * Copies trees of files on threads of their own. Archives go through socket pairs: a thread blocks while the other end is
 * slow, and ends when it is gone, so nothing gathers in memory.
 */
export class Trees {
  readonly #streams = new WorkerPool<TreeJob, PathStat, TreeResult>('tree-worker', MOST_STREAMS)
  readonly #others = new WorkerPool<TreeJob, PathStat, TreeResult>('tree-worker', MOST_OTHERS)
  readonly #sockets = new Set<net.Socket>()

  /** @throws NOT_FOUND when there is nothing */
  async stat(root: number, path: string): Promise<PathStat> {
    return (await this.#others.run({ kind: 'stat', root, path }, () => undefined)) as PathStat
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
        (out) => ({ kind: 'read', root, path, out, ...options }),
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
      (out) => ({ kind: 'read-all', root, out, ...options }),
      () => undefined,
      ended,
    ).tar
  }

  /** Unpacks an archive into a directory. @throws NOT_FOUND when there is none, and what TreeWriter throws */
  async write(root: number, path: string, tar: Readable, options: WriteTreeOptions): Promise<void> {
    const [ours, theirs] = socketPair()
    const socket = this.#socket(ours)
    const cut = new AbortController()
    let broken: Error | undefined
    const onBreak = (error?: Error): void => {
      if (tar.readableEnded) return
      broken ??= error ?? new Error('the connection was closed')
      cut.abort()
      socket.destroy()
    }
    tar.once('error', onBreak)
    tar.once('close', onBreak)
    // not pipeline: it would destroy the request, and with it the connection that the answer has to take
    tar.pipe(socket)
    try {
      if (tar.destroyed) onBreak()
      await this.#streams.run(
        { kind: 'write', root, path, from: theirs, options },
        () => undefined,
        cut.signal,
      )
    } catch (error) {
      if (!broken) throw error
      throw new EngineError('UNAVAILABLE', `the archive was cut short: ${broken.message}`, {
        cause: broken,
      })
    } finally {
      tar.off('error', onBreak)
      tar.off('close', onBreak)
      tar.unpipe(socket)
      socket.destroy()
      closeFd(theirs)
    }
  }

  /** @see layerChanges */
  async changes(upper: string, lower: readonly string[]): Promise<FilesystemChange[]> {
    const job: TreeJob = { kind: 'changes', upper, lower }
    return (await this.#others.run(job, () => undefined)) as FilesystemChange[]
  }

  /** @see packLayer */
  async pack(job: PackJob): Promise<Packed> {
    return (await this.#others.run({ kind: 'pack', ...job }, () => undefined)) as Packed
  }

  /** Ends every copy. */
  async close(): Promise<void> {
    // a thread that waits for its other end cannot be ended before
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all([this.#streams.close(), this.#others.close()])
  }

  #produce(
    job: (out: number) => TreeJob,
    onStat: (stat: PathStat) => void,
    ended: () => void,
  ): { tar: Readable; done: Promise<unknown> } {
    const [ours, theirs] = socketPair()
    const socket = this.#socket(ours)
    const done = this.#streams.run(job(theirs), onStat).finally(() => {
      closeFd(theirs)
      ended()
    })
    // told by the stream
    done.catch(() => undefined)
    const tar = new Readable({
      read: () => {
        socket.resume()
      },
      destroy: (error, callback) => {
        socket.destroy()
        callback(error)
      },
    })
    tar.on('error', () => {
      // whoever reads it hears of it; when nobody does yet, `done` tells
    })
    socket.pause()
    socket.on('data', (chunk: Buffer) => {
      if (!tar.push(chunk)) socket.pause()
    })
    socket.on('close', () => {
      done.then(
        () => tar.push(null),
        (error: unknown) => tar.destroy(error as Error),
      )
    })
    return { tar, done }
  }

  #socket(fd: number): net.Socket {
    const socket = new net.Socket({ fd, readable: true, writable: true })
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    socket.on('error', () => {
      // the thread has closed its end, or ended: its answer says why
    })
    return socket
  }
}
