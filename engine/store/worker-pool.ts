import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { EngineError, errorCode, errorMessage } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'

interface WorkerRequest<Job> {
  job: Job
  /** One Int32: not 0 means stop. */
  cancel: SharedArrayBuffer
}

type WorkerAnswer<Progress, Result> =
  | { kind: 'progress'; progress: Progress }
  | { kind: 'done'; result: Result }
  | { kind: 'failed'; code: ErrorCode; message: string }

/** A thread with nothing to do is kept this long: it costs some megabytes, and 30 ms to start again. */
const IDLE_MS = 20_000

interface Waiting<Job, Progress, Result> {
  request: WorkerRequest<Job>
  onProgress: (progress: Progress) => void
  resolve: (result: Result) => void
  reject: (error: unknown) => void
}

/** Work that blocks, on threads of its own, so many at a time. */
export class WorkerPool<Job, Progress, Result> {
  readonly #name: string
  readonly #most: number
  readonly #idle: { worker: Worker; timer: NodeJS.Timeout }[] = []
  readonly #queue: Waiting<Job, Progress, Result>[] = []
  readonly #workers = new Set<Worker>()
  #closed = false

  /** @param name of the file beside this one at which its threads begin, without its ending: `unpack-worker` */
  constructor(name: string, most: number) {
    this.#name = name
    this.#most = most
  }

  /**
   * Has a job done.
   *
   * @throws what the job throws (EngineError); the signal's reason when it fired, once the job has ended
   */
  async run(
    job: Job,
    onProgress: (progress: Progress) => void,
    signal?: AbortSignal,
  ): Promise<Result> {
    signal?.throwIfAborted()
    const cancel = new SharedArrayBuffer(4)
    const stop = (): void => {
      Atomics.store(new Int32Array(cancel), 0, 1)
    }
    signal?.addEventListener('abort', stop, { once: true })
    try {
      return await new Promise((resolve, reject) => {
        this.#queue.push({ request: { job, cancel }, onProgress, resolve, reject })
        this.#next()
      })
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    } finally {
      signal?.removeEventListener('abort', stop)
    }
  }

  /** Ends all threads. One that is blocked has to be let go on before. */
  async close(): Promise<void> {
    this.#closed = true
    for (const waiting of this.#queue.splice(0)) waiting.reject(closedError())
    for (const { timer } of this.#idle.splice(0)) clearTimeout(timer)
    await Promise.all([...this.#workers].map((worker) => worker.terminate()))
  }

  #next(): void {
    if (this.#queue.length === 0) return
    if (this.#closed) {
      for (const waiting of this.#queue.splice(0)) waiting.reject(closedError())
      return
    }
    const idle = this.#idle.pop()
    if (idle) clearTimeout(idle.timer)
    else if (this.#workers.size >= this.#most) return
    const waiting = this.#queue.shift()
    if (waiting) this.#run(idle?.worker ?? this.#start(), waiting)
  }

  #start(): Worker {
    const worker = startWorker(this.#name)
    // it must not keep the program alive
    worker.unref()
    this.#workers.add(worker)
    worker.once('exit', () => this.#workers.delete(worker))
    return worker
  }

  #run(worker: Worker, waiting: Waiting<Job, Progress, Result>): void {
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
    const onMessage = (answer: WorkerAnswer<Progress, Result>): void => {
      switch (answer.kind) {
        case 'progress':
          waiting.onProgress(answer.progress)
          break
        case 'done':
          finish(() => waiting.resolve(answer.result), true)
          break
        case 'failed':
          finish(() => waiting.reject(new EngineError(answer.code, answer.message)), true)
          break
      }
    }
    const onError = (error: unknown): void => finish(() => waiting.reject(error), false)
    const onExit = (): void =>
      finish(() => waiting.reject(new EngineError('UNAVAILABLE', 'the thread ended')), false)
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

/** The other side: what a thread of a pool does with the jobs it is sent, one at a time. */
export function serveJobs<Job, Progress, Result>(
  port: MessagePort | null,
  work: (
    job: Job,
    report: (progress: Progress, transfer?: ArrayBuffer[]) => void,
    isCancelled: () => boolean,
  ) => Promise<Result>,
): void {
  if (!port) throw new Error('this runs as a worker thread only')
  const answer = (message: WorkerAnswer<Progress, Result>, transfer: ArrayBuffer[] = []): void =>
    port.postMessage(message, transfer)
  port.on('message', ({ job, cancel }: WorkerRequest<Job>) => {
    const flag = new Int32Array(cancel)
    work(
      job,
      (progress, transfer) => answer({ kind: 'progress', progress }, transfer),
      () => Atomics.load(flag, 0) !== 0,
    ).then(
      (result) => answer({ kind: 'done', result }),
      (error: unknown) =>
        answer({ kind: 'failed', code: errorCode(error), message: errorMessage(error) }),
    )
  })
}

function closedError(): EngineError {
  return new EngineError('UNAVAILABLE', 'the engine is being closed')
}

/** Starts <name>.ts beside this file, or <name>.js beside the bundle that this file went into. */
function startWorker(name: string): Worker {
  // most descriptors come from the addon, which Node's book-keeping does not know
  const options = { trackUnmanagedFds: false }
  const source = new URL(`./${name}.ts`, import.meta.url)
  if (!existsSync(fileURLToPath(source))) {
    return new Worker(new URL(`./${name}.js`, import.meta.url), options)
  }
  // a worker of Node 20 does not inherit the loader that reads TypeScript
  const loader = import.meta.resolve('tsx/esm/api')
  const bootstrap = `import(${JSON.stringify(loader)}).then((tsx) => {
    tsx.register()
    return import(${JSON.stringify(source.href)})
  })`
  return new Worker(bootstrap, { ...options, eval: true, execArgv: [] })
}
