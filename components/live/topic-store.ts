import type { TopicName, Topics } from '@/server/live/protocol.ts'
import type { LiveClient } from './client.ts'
import { applyChange } from './apply-change.ts'

export interface TopicState<T extends TopicName> {
  /** Undefined until the first snapshot. Kept when the connection is lost. */
  data: Topics[T]['snapshot'] | undefined
  /** Why the server refuses the topic. */
  error: string | null
}

/**
 * The shared state of one topic, for useSyncExternalStore. It stays subscribed for some seconds after its last user
 * went, so that moving between pages finds its data at once.
 */
export class TopicStore<T extends TopicName> {
  private state: TopicState<T> = { data: undefined, error: null }
  private readonly watchers = new Set<() => void>()
  private stop: (() => void) | undefined
  private lingering: ReturnType<typeof setTimeout> | undefined

  private readonly client: LiveClient
  private readonly name: T
  private readonly argument: string
  private readonly onIdle: () => void

  constructor(client: LiveClient, name: T, argument: string, onIdle: () => void) {
    this.client = client
    this.name = name
    this.argument = argument
    this.onIdle = onIdle
  }

  readonly get = (): TopicState<T> => this.state

  readonly watch = (changed: () => void): (() => void) => {
    this.watchers.add(changed)
    clearTimeout(this.lingering)
    this.stop ??= this.client.listen(this.name, this.argument, {
      snapshot: (data) => this.set({ data, error: null }),
      change: (change) => {
        if (this.state.data === undefined) return
        this.set({ data: applyChange(this.name, this.state.data, change), error: null })
      },
      error: (error) => this.set({ data: this.state.data, error }),
    })
    return () => {
      this.watchers.delete(changed)
      if (this.watchers.size > 0) return
      this.lingering = setTimeout(() => {
        this.stop?.()
        this.stop = undefined
        this.onIdle()
      }, LINGER_MS)
    }
  }

  private set(state: TopicState<T>): void {
    this.state = state
    for (const changed of this.watchers) changed()
  }
}

const LINGER_MS = 5000
