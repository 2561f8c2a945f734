import { InvalidParameterError } from '../../engine/errors.ts'
import type { Context } from '../context.ts'
import { Channel, type Take } from './channel.ts'
import { EventFeed } from './event-feed.ts'
import type { TopicName } from './protocol.ts'
import { StatsPool } from './stats-pool.ts'
import type { Merge, Snapshot } from './topic.ts'
import { BuildSource, mergeBuild } from './topics/build.ts'
import { BuildsSource, mergeBuilds } from './topics/builds.ts'
import { ChangesSource, mergeChanges } from './topics/changes.ts'
import { ContainersSource, mergeContainers } from './topics/containers.ts'
import { EventsSource, mergeEvents } from './topics/events.ts'
import { FleetSource, mergeFleet } from './topics/fleet.ts'
import { HostSource, mergeHost } from './topics/host.ts'
import { JobsSource, mergeJobs } from './topics/jobs.ts'
import { LogsSource, mergeLogs } from './topics/logs.ts'
import { mergeStats, StatsSource } from './topics/stats.ts'

/** Long enough for a reload or a change of page to find its source still open. */
const LINGER_MS = 15_000

export const MERGE: { [T in TopicName]: Merge<T> } = {
  containers: mergeContainers,
  events: mergeEvents,
  fleet: mergeFleet,
  stats: mergeStats,
  logs: mergeLogs,
  host: mergeHost,
  jobs: mergeJobs,
  changes: mergeChanges,
  builds: mergeBuilds,
  build: mergeBuild,
}

/** Topics that take an argument, and which. */
const ARGUMENTS: Partial<Record<TopicName, { form: RegExp; words: string }>> = {
  stats: { form: /^[0-9a-f]{64}$/, words: 'a full container ID' },
  logs: { form: /^[0-9a-f]{64}$/, words: 'a full container ID' },
  build: { form: /^[0-9a-f]{32}$/, words: "a build's ID" },
}

/** Every open topic, one channel each. */
export class Hub {
  readonly feed: EventFeed
  readonly #context: Pick<Context, 'engine' | 'jobs' | 'env'>
  readonly #pool: StatsPool
  readonly #channels = new Map<string, { close: () => void }>()
  readonly #lingerMs: number

  constructor(
    context: Pick<Context, 'engine' | 'jobs' | 'env'>,
    options: { lingerMs?: number } = {},
  ) {
    this.#context = context
    this.feed = new EventFeed(context.engine)
    this.#pool = new StatsPool(context.engine)
    this.#lingerMs = options.lingerMs ?? LINGER_MS
  }

  /** @throws INVALID_PARAMETER for an unknown topic or argument, or what opening its source throws */
  async join<T extends TopicName>(
    topic: T,
    argument: string,
    take: Take<T>,
  ): Promise<{ snapshot: Snapshot<T>; leave: () => void }> {
    const { form = /^$/, words = 'no argument' } = ARGUMENTS[topic] ?? {}
    if (!form.test(argument)) throw new InvalidParameterError(`The topic ${topic} takes ${words}.`)
    return this.#channel(topic, argument).join(take)
  }

  /** Names of what is open, for tests and debugging. */
  open(): string[] {
    return [...this.#channels.keys()]
  }

  close(): void {
    for (const channel of [...this.#channels.values()]) channel.close()
  }

  #channel<T extends TopicName>(topic: T, argument: string): Channel<T> {
    const key = `${topic} ${argument}`
    // The key carries the topic's name, so what is stored under it has that topic's type.
    const known = this.#channels.get(key) as Channel<T> | undefined
    if (known) return known
    const channel = new Channel<T>({
      makeSource: () => this.#sources[topic](argument),
      lingerMs: this.#lingerMs,
      onIdle: () => {
        if (this.#channels.get(key) === channel) this.#channels.delete(key)
      },
    })
    this.#channels.set(key, channel)
    return channel
  }

  readonly #sources: { [T in TopicName]: (argument: string) => import('./topic.ts').Source<T> } = {
    containers: () => new ContainersSource(this.#context.engine, this.feed),
    events: () => new EventsSource(this.#context.engine, this.feed),
    changes: () => new ChangesSource(this.feed),
    fleet: () => new FleetSource(this.#channel('containers', ''), this.#pool),
    stats: (id) => new StatsSource(this.#context.engine, this.#pool, id),
    logs: (id) => new LogsSource(this.#context.engine, this.feed, id),
    host: () => new HostSource(this.#context.env.instance.dataRoot),
    jobs: () => new JobsSource(this.#context.jobs),
    builds: () => new BuildsSource(this.#context.engine),
    build: (id) => new BuildSource(this.#context.engine, id),
  }
}
