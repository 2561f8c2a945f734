import { io, type Socket } from 'socket.io-client'
import type {
  Answer,
  ClientToServer,
  ServerToClient,
  TopicName,
  Topics,
} from '@/server/live/protocol.ts'

export type LiveSocket = Socket<ServerToClient, ClientToServer>

/** `since` is when the state began, in ms since the epoch. */
export interface Connection {
  state: 'connecting' | 'live' | 'lost'
  since: number
}

export interface TopicListener<T extends TopicName> {
  /** The whole, after subscribing and again after each reconnection. */
  snapshot: (value: Topics[T]['snapshot']) => void
  change: (value: Topics[T]['change']) => void
  error?: (message: string) => void
}

/**
 * The browser's one Socket.IO connection. Every topic is asked for once however many listen, and asked for again
 * after a reconnection.
 *
 *     listen ──► subscribe ──ack──► snapshot ──► change, change … ──(lost, back)──► subscribe ──ack──► snapshot …
 *
 * Someone who joins a topic that already runs makes it be asked for again, so that everyone's next snapshot is whole:
 * the client keeps no copy of the data itself.
 */
export class LiveClient {
  readonly socket: LiveSocket
  private connection: Connection = { state: 'connecting', since: Date.now() }
  private readonly watchers = new Set<() => void>()
  private readonly topics = new Map<string, Subscription>()

  constructor() {
    this.socket = io({
      path: '/live',
      autoConnect: false,
      transports: ['websocket', 'polling'],
      // A restarted server is back within seconds, and a console is of no use without it.
      reconnectionDelayMax: 2000,
    })
    this.socket.on('connect', () => {
      this.setState('live')
      for (const topic of this.topics.values()) this.ask(topic)
    })
    this.socket.on('disconnect', (reason) => {
      this.setState('lost')
      // The server asked us to go (signed out, restarting): Socket.IO does not come back by itself then.
      if (reason === 'io server disconnect') setTimeout(() => this.socket.connect(), 1000)
    })
    this.socket.on('connect_error', (error) => {
      if (this.connection.state === 'live') this.setState('lost')
      else if (Date.now() - this.connection.since > 3000) this.setState('lost')
      if (/unauthori[sz]ed|sign in/i.test(error.message)) {
        window.location.assign(
          `/login?next=${encodeURIComponent(window.location.pathname + window.location.search)}`,
        )
      }
    })
    this.socket.on('topic', (name, argument, change) => {
      const topic = this.topics.get(keyOf(name, argument))
      if (topic?.ready !== true) return
      for (const listener of topic.listeners) listener.change(change)
    })
  }

  connect(): void {
    this.socket.connect()
  }

  close(): void {
    this.socket.disconnect()
  }

  /** For useSyncExternalStore. */
  readonly watchConnection = (changed: () => void): (() => void) => {
    this.watchers.add(changed)
    return () => this.watchers.delete(changed)
  }
  readonly getConnection = (): Connection => this.connection

  /** Begins to listen to a topic. @returns how to stop */
  listen<T extends TopicName>(name: T, argument: string, listener: TopicListener<T>): () => void {
    const key = keyOf(name, argument)
    let topic = this.topics.get(key)
    if (topic === undefined) {
      topic = { name, argument, listeners: new Set(), ready: false, asking: false, round: 0 }
      this.topics.set(key, topic)
    }
    const joined = topic
    // The map's key carries the topic's name, so what arrives under it has the listener's type.
    const entry = listener as unknown as AnyListener
    joined.listeners.add(entry)
    // An answer that is on its way will serve this listener too.
    if (this.socket.connected && !joined.asking) this.ask(joined)
    return () => {
      joined.listeners.delete(entry)
      if (joined.listeners.size > 0 || this.topics.get(key) !== joined) return
      this.topics.delete(key)
      if (this.socket.connected) this.socket.emit('unsubscribe', name, argument)
    }
  }

  private ask(topic: Subscription): void {
    const round = ++topic.round
    topic.ready = false
    topic.asking = true
    this.socket.emit('subscribe', topic.name, topic.argument, (answer: Answer<unknown>) => {
      // An older answer, or nobody is interested any more.
      if (round !== topic.round) return
      topic.ready = answer.ok
      topic.asking = false
      for (const listener of topic.listeners) {
        if (answer.ok) listener.snapshot(answer.value)
        else listener.error?.(answer.message)
      }
    })
  }

  private setState(state: Connection['state']): void {
    if (this.connection.state === state) return
    this.connection = { state, since: Date.now() }
    for (const changed of this.watchers) changed()
  }
}

interface AnyListener {
  snapshot: (value: unknown) => void
  change: (value: unknown) => void
  error?: (message: string) => void
}

interface Subscription {
  name: TopicName
  argument: string
  listeners: Set<AnyListener>
  /** The snapshot came: changes from now on build on it. */
  ready: boolean
  /** Asked for, not yet answered. */
  asking: boolean
  round: number
}

function keyOf(name: TopicName, argument: string): string {
  return `${name} ${argument}`
}
