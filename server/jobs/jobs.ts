import { randomUUID } from 'node:crypto'
import type { ImageProgress } from '../../engine/contract/common.ts'
import { ConflictError, errorMessage, NotFoundError } from '../../engine/errors.ts'
import type { Job } from '../live/protocol.ts'
import { LayerProgress } from './layers.ts'

/** Ended jobs kept to look at. */
const KEEP = 50
/** How often a job's changes go out. */
const PUBLISH_MS = 100

/** What the work of a job may say about itself. */
export interface JobReport {
  readonly signal: AbortSignal
  /** One line: what happens now. */
  say: (message: string) => void
  progress: (line: ImageProgress) => void
}

export interface JobRequest {
  /** Made up unless set. */
  id?: string
  kind: Job['kind']
  title: string
  /** Name of who began it. */
  user: string
  work: (report: JobReport) => Promise<Job['result']>
  /** What to say at the end; without it the last message stays. */
  done?: (result: Job['result']) => string
}

/** Long work that goes on whether anyone looks or not; listed, cancellable, kept for a while after its end. */
export class Jobs {
  readonly #jobs = new Map<string, { job: Job; abort: AbortController; ended: Promise<void> }>()
  readonly #listeners = new Set<(changed: Job[]) => void>()
  readonly #dirty = new Set<string>()
  #timer: NodeJS.Timeout | undefined

  start(request: JobRequest): Job {
    const abort = new AbortController()
    const layers = new LayerProgress()
    const job: Job = {
      id: request.id ?? randomUUID(),
      kind: request.kind,
      title: request.title,
      state: 'running',
      startedAt: Date.now(),
      endedAt: null,
      message: '',
      layers: layers.layers,
      transfer: layers.transfer,
      result: null,
      user: request.user,
    }
    const report: JobReport = {
      signal: abort.signal,
      say: (message) => {
        job.message = message
        this.#changed(job.id)
      },
      progress: (line) => {
        const message = layers.take(line)
        if (message !== undefined) job.message = message
        this.#changed(job.id)
      },
    }
    const ended = this.#run(job, abort.signal, () => request.work(report), request.done)
    this.#jobs.set(job.id, { job, abort, ended })
    this.#changed(job.id)
    return job
  }

  /** Oldest first. */
  list(): Job[] {
    return [...this.#jobs.values()].map(({ job }) => job)
  }

  /**
   * Asks a job to stop; it is `cancelled` once its work has been undone.
   *
   * @throws NOT_FOUND, or CONFLICT when it is over already
   */
  cancel(id: string): void {
    const entry = this.#jobs.get(id)
    if (!entry) throw new NotFoundError(`No such job: ${id}`)
    if (entry.job.state !== 'running') throw new ConflictError('The job is over already.')
    entry.job.message = 'Cancelling…'
    this.#changed(id)
    entry.abort.abort()
  }

  /** Whether there is a job of this ID that is not over. */
  isRunning(id: string): boolean {
    return this.#jobs.get(id)?.job.state === 'running'
  }

  /** Settles when the job has ended, however. */
  async ended(id: string): Promise<void> {
    await this.#jobs.get(id)?.ended
  }

  onChange(listener: (changed: Job[]) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Cancels what runs and waits for it to be undone. */
  async close(): Promise<void> {
    const running = [...this.#jobs.values()].filter(({ job }) => job.state === 'running')
    for (const { abort } of running) abort.abort()
    await Promise.all(running.map(({ ended }) => ended))
    clearTimeout(this.#timer)
  }

  async #run(
    job: Job,
    signal: AbortSignal,
    work: () => Promise<Job['result']>,
    done: JobRequest['done'],
  ): Promise<void> {
    try {
      job.result = await work()
      job.state = 'done'
      if (done) job.message = done(job.result)
    } catch (error) {
      job.state = signal.aborted ? 'cancelled' : 'failed'
      job.message = signal.aborted ? 'Cancelled.' : errorMessage(error)
    }
    job.endedAt = Date.now()
    this.#changed(job.id)
    this.#forgetOld()
  }

  #forgetOld(): void {
    const over = [...this.#jobs.values()].filter(({ job }) => job.state !== 'running')
    for (const { job } of over.slice(0, Math.max(0, over.length - KEEP))) this.#jobs.delete(job.id)
  }

  #changed(id: string): void {
    this.#dirty.add(id)
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      const changed = [...this.#dirty].flatMap((dirty) => this.#jobs.get(dirty)?.job ?? [])
      this.#dirty.clear()
      for (const listener of this.#listeners) listener(changed)
    }, PUBLISH_MS)
    this.#timer.unref()
  }
}
