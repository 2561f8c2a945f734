import type { Socket } from 'socket.io'
import type { ClientToServer, ServerToClient } from './protocol.ts'

export interface SocketData {
  sessionId: string
  userId: string
  userName: string
}

export type LiveSocket = Socket<ClientToServer, ServerToClient, Record<string, never>, SocketData>

/** Packets that may wait in Engine.IO's buffer before a browser counts as slow. */
const MAX_WAITING = 16

/**
 * What waits for one browser. While its connection takes data, changes go straight out. When it does not, changes of a
 * topic are merged into one until it does again: the buffer in front of a slow browser has a size that its topics
 * bound, not its slowness.
 */
export class Outbox {
  readonly #socket: LiveSocket
  readonly #waiting = new Map<string, () => void>()
  #listening = false

  constructor(socket: LiveSocket) {
    this.#socket = socket
  }

  get congested(): boolean {
    // Engine.IO's types call it private; its documentation does not ("Socket#writeBuffer").
    const { writeBuffer } = this.#socket.conn as unknown as { writeBuffer: unknown[] }
    return writeBuffer.length >= MAX_WAITING
  }

  /** Has `send` called as soon as the browser takes data, once per key however often it is asked for. */
  whenFree(key: string, send: () => void): void {
    if (!this.congested && this.#waiting.size === 0) {
      send()
      return
    }
    this.#waiting.set(key, send)
    if (this.#listening) return
    this.#listening = true
    this.#socket.conn.once('drain', () => {
      this.#listening = false
      this.#flush()
    })
  }

  forget(key: string): void {
    this.#waiting.delete(key)
  }

  #flush(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const [key, send] of waiting) this.whenFree(key, send)
  }
}
