import type { TopicName, Topics } from './protocol.ts'

export type Snapshot<T extends TopicName> = Topics[T]['snapshot']
export type Change<T extends TopicName> = Topics[T]['change']

/** Where a topic's data comes from: one upstream, opened for the first who asks, closed some time after the last left. */
export interface Source<T extends TopicName> {
  /**
   * Begins; resolves once `snapshot` has something to say. Each change is published after the snapshot holds it.
   *
   * @throws when there is no such thing (NOT_FOUND) or the engine cannot be reached
   */
  open(publish: (change: Change<T>) => void): Promise<void>
  snapshot(): Snapshot<T>
  close(): void
}

/** How changes that a slow browser has not taken yet become one; what is too much is left out. */
export type Merge<T extends TopicName> = (older: Change<T>, newer: Change<T>) => Change<T>
