import { existsSync } from 'node:fs'
import os from 'node:os'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { EngineError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'
import type { UnpackJob, Unpacked } from './unpack.ts'

export interface WorkerRequest {
  job: UnpackJob
  /** One Int32: not 0 means stop. */
  cancel: SharedArrayBuffer
}

export type WorkerAnswer =
  | { kind: 'progress'; bytes: number }
  | { kind: 'done'; unpacked: Unpacked }
  | { kind: 'failed'; code: ErrorCode; message: string }

/** A thread with nothing to do is kept this long: it costs some megabytes, and 30 ms to start again. */
const IDLE_MS = 20_000

interface Waiting {
  request: WorkerRequest
  onRead: (bytes: number) => void
  resolve: (unpacked: Unpacked) => void
  reject: (error: unknown) => void
}

/** Unpacks layers on worker threads, as many at a time as there are processors, four at most. */
export class Unpacker {
  readonly #idle: { worker: Worker; timer: NodeJS.Timeout }[] = []
  readonly #queue: Waiting[] = []
  readonly #workers = new Set<Worker>()
  readonly #most = Math.min(4, Math.max(1, os.availableParallelism()))
  #closed = false

  /**
   * Unpacks a layer.
   *
   * @param onRead told the bytes of the blob read so far, some times a second
   * @throws what unpackLayer throws; the signal's reason when it fired, once nothing is written any more
   */
  async unpack(
    job: UnpackJob,
    onRead: (bytes: number) => void,
    signal?: AbortSignal,
  ): Promise<Unpacked> {
    signal?.throwIfAborted()
    const cancel = new SharedArrayBuffer(4)
    const stop = (): void => {
      Atomics.store(new Int32Array(cancel), 0, 1)
    }
    signal?.addEventListener('abort', stop, { once: true })
    try {
      return await new Promise((resolve, reject) => {
        this.#queue.push({ request: { job, cancel }, onRead, resolve, reject })
        this.#next()
      })
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    } finally {
      signal?.removeEventListener('abort', stop)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    const error = new EngineError('UNAVAILABLE', 'the image store is closed')
    for (const waiting of this.#queue.splice(0)) waiting.reject(error)
    for (const { timer } of this.#idle.splice(0)) clearTimeout(timer)
    await Promise.all([...this.#workers].map((worker) => worker.terminate()))
  }

  #next(): void {
    if (this.#queue.length === 0) return
    if (this.#closed) {
      for (const waiting of this.#queue.splice(0))
        waiting.reject(new EngineError('UNAVAILABLE', 'the image store is closed'))
      return
    }
    const idle = this.#idle.pop()
    if (idle) clearTimeout(idle.timer)
    else if (this.#workers.size >= this.#most) return
    const waiting = this.#queue.shift()
    if (waiting) this.#run(idle?.worker ?? this.#start(), waiting)
  }

  #start(): Worker {
    const worker = startWorker()
    // it must not keep the program alive
    worker.unref()
    this.#workers.add(worker)
    worker.once('exit', () => this.#workers.delete(worker))
    return worker
  }

  #run(worker: Worker, waiting: Waiting): void {
    const finish = (settle: () => void, isUsable: boolean): void => {
      worker.off('message', onMessage)
      worker.off('error', onError)
      worker.off('exit', onExit)
      worker.unref()
      if (isUsable) this.#rest(worker)
      else this.#workers.delete(worker)
      settle()
      this.#next()
    }
    const onMessage = (answer: WorkerAnswer): void => {
      switch (answer.kind) {
        case 'progress':
          waiting.onRead(answer.bytes)
          break
        case 'done':
          finish(() => waiting.resolve(answer.unpacked), true)
          break
        case 'failed':
          finish(() => waiting.reject(new EngineError(answer.code, answer.message)), true)
          break
      }
    }
    const onError = (error: unknown): void => finish(() => waiting.reject(error), false)
    const onExit = (): void =>
      finish(
        () => waiting.reject(new EngineError('UNAVAILABLE', 'the unpacking thread ended')),
        false,
      )
    worker.on('message', onMessage)
    worker.on('error', onError)
    worker.on('exit', onExit)
    worker.ref()
    worker.postMessage(waiting.request)
  }

  #rest(worker: Worker): void {
    const timer = setTimeout(() => {
      const at = this.#idle.findIndex((idle) => idle.worker === worker)
      if (at >= 0) this.#idle.splice(at, 1)
      void worker.terminate()
    }, IDLE_MS)
    timer.unref()
    this.#idle.push({ worker, timer })
  }
}

/** Starts unpack-worker.ts beside this file, or unpack-worker.js beside the bundle that this file went into. */
function startWorker(): Worker {
  // most descriptors come from the addon, which Node's book-keeping does not know
  const options = { trackUnmanagedFds: false }
  const source = new URL('./unpack-worker.ts', import.meta.url)
  if (!existsSync(fileURLToPath(source))) {
    return new Worker(new URL('./unpack-worker.js', import.meta.url), options)
  }
  // a worker of Node 20 does not inherit the loader that reads TypeScript
  const loader = import.meta.resolve('tsx/esm/api')
  const bootstrap = `import(${JSON.stringify(loader)}).then((tsx) => {
    tsx.register()
    return import(${JSON.stringify(source.href)})
  })`
  return new Worker(bootstrap, { ...options, eval: true, execArgv: [] })
}
