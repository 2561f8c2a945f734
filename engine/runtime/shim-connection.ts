import net from 'node:net'
import type { TakenConnection } from '../contract/common.ts'
import { UnavailableError } from '../errors.ts'
import { sendDescriptor } from '../native/send.ts'
import type { Message } from './shim-protocol.ts'
import { ATTACH_PASSED, encodeRequest, encodeText, MessageReader, Saying } from './shim-protocol.ts'

/** What a shim says only when it is asked. */
const ANSWERS: ReadonlySet<number> = new Set([Saying.ok, Saying.error, Saying.snapshot])

export interface ConnectionOwner {
  /** Something that nobody asked for just now. */
  told(message: Message): void
  /** It is over, and all that came before has been told. */
  lost(): void
}

/** One connection of a watcher: answers come in the order of the questions, what is pushed comes between them. */
export class ShimConnection {
  readonly #socket: net.Socket
  readonly #fd: number
  readonly #reader = new MessageReader()
  readonly #answers: { resolve: (message: Message) => void; reject: (error: unknown) => void }[] =
    []
  #isClosed = false

  /** @param fd a connected socket, which is this connection's from now on */
  constructor(fd: number, owner: ConnectionOwner) {
    this.#fd = fd
    // the shim never ends one half only: its end of the connection is the connection's
    this.#socket = new net.Socket({ fd, readable: true, writable: true })
    this.#socket.on('data', (bytes: Buffer) => {
      this.#reader.push(bytes)
      for (let message = this.#reader.next(); message; message = this.#reader.next()) {
        if (ANSWERS.has(message.kind)) this.#answers.shift()?.resolve(message)
        else owner.told(message)
      }
    })
    this.#socket.on('error', () => {
      // 'close' follows and says all there is to say
    })
    this.#socket.on('close', () => {
      this.#isClosed = true
      for (const { reject } of this.#answers.splice(0)) reject(unanswered())
      owner.lost()
    })
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed
  }

  /** Nothing waits to be sent, so that what is sent by the descriptor is in nothing's way. */
  get isClear(): boolean {
    return this.isOpen && this.#socket.writableLength === 0
  }

  /** @throws UNAVAILABLE when the connection is lost before the answer has come */
  ask(request: Buffer): Promise<Message> {
    if (this.isOpen) this.#socket.write(request)
    return this.answer()
  }

  /** The answer to what has been asked last. */
  answer(): Promise<Message> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) reject(unanswered())
      else this.#answers.push({ resolve, reject })
    })
  }

  /**
   * Sends a request together with a client's connection; this one is clear.
   *
   * @returns false when the shim does not keep up with its requests just now, or is gone
   */
  give(taken: TakenConnection, kind: number, flags: number, more: Buffer): boolean {
    const payload = Buffer.concat([encodeText(taken.greeting), more])
    const request = encodeRequest(kind, flags | ATTACH_PASSED, payload)
    let sent: number
    try {
      sent = sendDescriptor(this.#fd, request, taken.fd)
    } catch {
      // a connection of its own waits its turn, and finds out whether there is a shim
      return false
    }
    if (sent < request.length) this.#socket.write(request.subarray(sent))
    return true
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

function unanswered(): Error {
  return new UnavailableError('the connection to gantry-shim was lost before it had answered')
}
