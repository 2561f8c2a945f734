import { createHash } from 'node:crypto'
import { StringDecoder } from 'node:string_decoder'
import type { BuildEvent } from '../contract/builds.ts'
import type { ImageProgress } from '../contract/common.ts'
import { errorMessage } from '../errors.ts'
import { inBuildkitWords } from './grpc-error.ts'
import { timestamp } from './messages.ts'
import type { StatusResponse, Vertex } from './messages.ts'

type Update = Partial<StatusResponse>

/** What commands print waits for those who follow up to here, and is kept for who comes later. */
const MOST_LOG_BYTES = 2 ** 20
/** And so much of it once the build is over. */
const MOST_KEPT_BYTES = 2 ** 17
/** A layer that is being pulled tells of itself no more often. */
const PULL_EVERY_MS = 100

/**
 * What has happened in a build, as BuildKit's clients draw it: vertexes (steps) with times, statuses (transfers within
 * them) and logs. Followers get all of it from the beginning; a slow one slows the build.
 */
export class Progress {
  cachedSteps = 0
  totalSteps = 0
  completedSteps = 0
  warnings = 0
  readonly #ref: string
  /** Sparse: logs that nobody waits for are forgotten. */
  readonly #updates: (Update | undefined)[] = []
  readonly #logs: { at: number; bytes: number }[] = []
  #logBytes = 0
  readonly #followers = new Set<Follower>()
  readonly #open = new Map<string, Partial<Vertex>>()
  readonly #decoders = new Map<string, StringDecoder>()
  readonly #pulls = new Map<string, { startedAt: Date; toldAt: number }>()
  #hasEnded = false

  constructor(ref: string) {
    this.#ref = ref
  }

  /** A step of our own: told when it begins and ends. */
  async step<T>(name: string, work: (transfer: Transfer) => Promise<T>): Promise<T> {
    const digest = this.#start(name, name, new Date().toISOString())
    try {
      const value = await work((id, current, isDone) => {
        this.#transfer(digest, id, current, isDone)
      })
      this.#finish(name, { cached: false, at: new Date().toISOString() })
      return value
    } catch (error) {
      this.#finish(name, { error: errorMessage(error), at: new Date().toISOString() })
      throw error
    }
  }

  /** Tells of an event of the builder, no faster than followers read. */
  async tell(event: BuildEvent): Promise<void> {
    switch (event.kind) {
      case 'started':
        this.#start(event.step, event.name, event.at)
        return
      case 'finished':
        this.#finish(event.step, { cached: event.cached, at: event.at })
        return
      case 'failed':
        this.#finish(event.step, { error: inBuildkitWords(event.message), at: event.at })
        return
      case 'log':
        this.#log(event)
        await this.#room()
        return
      case 'progress':
        this.#pull(event.step, event.progress)
        return
      case 'warning':
        this.warn(event.message)
        return
      case 'built':
        return
    }
  }

  warn(message: string): void {
    this.warnings++
    const vertex = this.#digest('warnings')
    if (this.warnings === 1) {
      const at = timestamp()
      const name = '[internal] check the build definition'
      this.#push({ vertexes: [{ digest: vertex, name, started: at, completed: at }] })
    }
    this.#push({ warnings: [{ vertex, level: 1, short: Buffer.from(message) }] })
  }

  /** Nothing more will come; what is under way was cancelled. */
  end(): void {
    if (this.#hasEnded) return
    const at = new Date().toISOString()
    for (const step of [...this.#open.keys()]) this.#finish(step, { error: 'context canceled', at })
    this.#hasEnded = true
    this.#forget()
    for (const { wake } of this.#followers) wake()
  }

  async *follow(signal: AbortSignal): AsyncGenerator<Update> {
    const follower = new Follower()
    this.#followers.add(follower)
    signal.addEventListener('abort', follower.wake)
    try {
      for (;;) {
        while (follower.at < this.#updates.length) {
          const update = this.#updates[follower.at++]
          follower.taken()
          if (update) yield update
        }
        if (this.#hasEnded || signal.aborted) return
        await follower.more()
      }
    } finally {
      signal.removeEventListener('abort', follower.wake)
      this.#followers.delete(follower)
      follower.taken()
      this.#forget()
    }
  }

  #start(step: string, name: string, at: string): string {
    const digest = this.#digest(step)
    const vertex = { digest, name, started: timestamp(at) }
    this.#open.set(step, vertex)
    this.totalSteps++
    this.#push({ vertexes: [vertex] })
    return digest
  }

  #finish(step: string, end: { cached?: boolean; error?: string; at: string }): void {
    const vertex = this.#open.get(step)
    if (!vertex) return
    this.#open.delete(step)
    this.completedSteps++
    if (end.cached === true) this.cachedSteps++
    this.#push({
      vertexes: [
        {
          ...vertex,
          completed: timestamp(end.at),
          cached: end.cached ?? false,
          error: end.error ?? '',
        },
      ],
    })
  }

  #transfer(vertex: string, id: string, current: number, isDone: boolean): void {
    const pull = this.#pulls.get(`${vertex} ${id}`) ?? { startedAt: new Date(), toldAt: 0 }
    this.#pulls.set(`${vertex} ${id}`, pull)
    if (!isDone && Date.now() - pull.toldAt < PULL_EVERY_MS) return
    pull.toldAt = Date.now()
    this.#status(vertex, id, { current, total: 0 }, pull.startedAt, isDone)
  }

  #pull(step: string, { id, progressDetail, status }: ImageProgress): void {
    if (id === undefined || status === undefined) return
    const vertex = this.#digest(step)
    const isDone = /^(Pull complete|Already exists|Download complete)$/.test(status)
    const pull = this.#pulls.get(`${vertex} ${id}`) ?? { startedAt: new Date(), toldAt: 0 }
    this.#pulls.set(`${vertex} ${id}`, pull)
    if (!isDone && Date.now() - pull.toldAt < PULL_EVERY_MS) return
    pull.toldAt = Date.now()
    const { current = 0, total = 0 } = progressDetail ?? {}
    this.#status(vertex, `${status} ${id}`, { current, total }, pull.startedAt, isDone)
  }

  #status(
    vertex: string,
    id: string,
    { current, total }: { current: number; total: number },
    startedAt: Date,
    isDone: boolean,
  ): void {
    const at = timestamp()
    const started = timestamp(startedAt)
    const status = { ID: id, vertex, name: id, current, total, timestamp: at, started }
    this.#push({ statuses: [isDone ? { ...status, completed: at } : status] })
  }

  #log({ at, data, step, stream }: Extract<BuildEvent, { kind: 'log' }>): void {
    const key = `${step} ${stream}`
    const decoder = this.#decoders.get(key) ?? new StringDecoder('utf8')
    this.#decoders.set(key, decoder)
    const msg = Buffer.from(decoder.write(Buffer.from(data)))
    if (msg.length === 0) return
    this.#logs.push({ at: this.#updates.length, bytes: msg.length })
    this.#logBytes += msg.length
    for (const follower of this.#followers) follower.owe(msg.length)
    this.#push({
      logs: [
        {
          vertex: this.#digest(step),
          timestamp: timestamp(at),
          stream: stream === 'stdout' ? 1 : 2,
          msg,
        },
      ],
    })
    this.#forget()
  }

  /** Drops the oldest logs that every follower has seen. */
  #forget(): void {
    const seen = Math.min(this.#updates.length, ...[...this.#followers].map(({ at }) => at))
    const most = this.#hasEnded ? MOST_KEPT_BYTES : MOST_LOG_BYTES
    for (;;) {
      const [oldest] = this.#logs
      if (!oldest || this.#logBytes <= most || oldest.at >= seen) return
      this.#logs.shift()
      this.#logBytes -= oldest.bytes
      this.#updates[oldest.at] = undefined
    }
  }

  async #room(): Promise<void> {
    for (;;) {
      const slow = [...this.#followers].find(({ owed }) => owed > MOST_LOG_BYTES)
      if (!slow) return
      await slow.caughtUp()
    }
  }

  #push(update: Update): void {
    if (this.#hasEnded) return
    this.#updates.push(update)
    for (const { wake } of this.#followers) wake()
  }

  /** Vertexes go by digests; a step of one build is nobody else's. */
  #digest(step: string): string {
    return `sha256:${createHash('sha256').update(`${this.#ref}\0${step}`).digest('hex')}`
  }
}

/** Tells how far a transfer within a step is, in bytes. */
export type Transfer = (id: string, current: number, isDone: boolean) => void

class Follower {
  at = 0
  /** Bytes of logs that wait for it. */
  owed = 0
  wake: () => void = () => undefined
  #caughtUp: (() => void)[] = []

  constructor() {
    this.wake = () => {
      this.#wake()
    }
  }

  owe(bytes: number): void {
    this.owed += bytes
  }

  /** It reads: what waited is on its way. */
  taken(): void {
    this.owed = 0
    for (const resolve of this.#caughtUp.splice(0)) resolve()
  }

  caughtUp(): Promise<void> {
    return new Promise((resolve) => this.#caughtUp.push(resolve))
  }

  async more(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
  }

  #wake: () => void = () => undefined
}
