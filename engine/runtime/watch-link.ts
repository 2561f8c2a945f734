import type net from 'node:net'
import type { TakenConnection } from '../contract.ts'
import { ConflictError, UnavailableError } from '../errors.ts'
import { sendDescriptor } from '../native/net.ts'
import type { ExitRecord } from './shim.ts'
import type { Exited, LogNews, Message, Snapshot, Started } from './shim-protocol.ts'
import {
  ATTACH_PASSED,
  encodeRequest,
  encodeText,
  MessageReader,
  readExited,
  readLogNews,
  readSnapshot,
  readStarted,
  Request,
  Saying,
} from './shim-protocol.ts'

const NOTHING = Buffer.alloc(0)

/** What a shim says only when it is asked. */
const ANSWERS: ReadonlySet<number> = new Set([Saying.ok, Saying.error, Saying.snapshot])

/** The connection that stays: exits are pushed over it, and commands go the other way. */
export class WatchLink {
  /** null: the shim has gone without telling. Stays pending when we let go ourselves. */
  readonly ended: Promise<ExitRecord | null>
  readonly #socket: net.Socket
  readonly #fd: number
  readonly #reader = new MessageReader()
  readonly #answers: { resolve: (message: Message) => void; reject: (error: unknown) => void }[] =
    []
  readonly #execs = new Map<
    string,
    { promise: Promise<number>; resolve: (code: number) => void; reject: (error: unknown) => void }
  >()
  readonly #starts = new Map<
    string,
    { resolve: (started: Started) => void; reject: (error: unknown) => void }
  >()
  #end: (exit: ExitRecord | null) => void = () => undefined
  #closing = false
  #over = false
  readonly #logNews: LogNews[] = []
  #tellLogNews = (news: LogNews): void => {
    this.#logNews.push(news)
  }

  /** As far as anybody has told. */
  get runs(): boolean {
    return !this.#socket.destroyed && !this.#over
  }

  /** Nothing waits to be sent, so that what is sent by the descriptor is in nothing's way. */
  get isClear(): boolean {
    return !this.#socket.destroyed && this.#socket.writableLength === 0
  }

  /** @param fd that of the socket */
  constructor(socket: net.Socket, fd: number) {
    this.#socket = socket
    this.#fd = fd
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
    socket.on('data', (bytes: Buffer) => {
      this.#reader.push(bytes)
      for (let message = this.#reader.next(); message; message = this.#reader.next())
        this.#take(message)
    })
    socket.on('error', () => {
      // 'close' follows and says all there is to say
    })
    socket.on('close', () => {
      this.#lost()
    })
  }

  /** The state now; from then on exits are pushed. */
  async watch(): Promise<Snapshot> {
    const { payload } = await this.ask(encodeRequest(Request.watch))
    return readSnapshot(payload)
  }

  ask(request: Buffer): Promise<Message> {
    if (!this.#socket.destroyed) this.#socket.write(request)
    return this.answer()
  }

  /** Runs an exec whose stream is to be a client's own; the link is clear. undefined when nothing could be sent. */
  exec(
    id: string,
    flags: number,
    plan: Buffer,
    taken: TakenConnection,
  ): Promise<Started> | undefined {
    if (!this.#sendWith(taken, Request.exec, flags, plan)) return undefined
    return new Promise((resolve, reject) => {
      this.#starts.set(id, { resolve, reject })
    })
  }

  /** Joins the container's streams with a client's; the link is clear. undefined when nothing could be sent. */
  attach(flags: number, taken: TakenConnection): Promise<Message> | undefined {
    return this.#sendWith(taken, Request.attach, flags) ? this.answer() : undefined
  }

  /** False when the shim does not keep up with its requests just now, or is gone. */
  #sendWith(taken: TakenConnection, kind: number, flags: number, more: Buffer = NOTHING): boolean {
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

  /** The next answer; they come in the order of the questions. */
  answer(): Promise<Message> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) reject(new ConflictError('the container is not running'))
      else this.#answers.push({ resolve, reject })
    })
  }

  onLogNews(listener: (news: LogNews) => void): void {
    this.#tellLogNews = listener
    for (const news of this.#logNews.splice(0)) listener(news)
  }

  /** The end of an exec; ask before it is started. */
  exited(id: string): Promise<number> {
    const known = this.#execs.get(id)
    if (known) return known.promise
    let resolve: (code: number) => void = () => undefined
    let reject: (error: unknown) => void = () => undefined
    const promise = new Promise<number>((yes, no) => {
      resolve = yes
      reject = no
    })
    this.#execs.set(id, { promise, resolve, reject })
    return promise
  }

  settle(id: string, code: number): void {
    this.#execs.get(id)?.resolve(code)
    this.#execs.delete(id)
  }

  forget(id: string, reason: unknown): void {
    this.#execs.get(id)?.reject(reason)
    this.#execs.delete(id)
  }

  close(): void {
    this.#closing = true
    this.#socket.destroy()
  }

  #take(message: Message): void {
    if (message.kind === Saying.log) {
      const news = readLogNews(message.payload)
      if (news) this.#tellLogNews(news)
      return
    }
    if (ANSWERS.has(message.kind)) {
      this.#answers.shift()?.resolve(message)
      return
    }
    if (message.kind === Saying.started) {
      const started = readStarted(message.payload)
      this.#starts.get(started.id)?.resolve(started)
      this.#starts.delete(started.id)
      return
    }
    // a shim of before an upgrade also tells of execs that have started
    if (message.kind !== Saying.exited) return
    const exited: Exited = readExited(message.payload)
    if (exited.id !== '') {
      this.settle(exited.id, exited.code)
      return
    }
    this.#over = true
    this.#end({ code: exited.code, at: exited.at })
  }

  #lost(): void {
    for (const { reject } of this.#answers.splice(0))
      reject(new ConflictError('the container is not running'))
    for (const { reject } of this.#starts.values())
      reject(new ConflictError('the container is not running'))
    this.#starts.clear()
    if (!this.#closing) this.#end(null)
    for (const id of [...this.#execs.keys()])
      this.forget(id, new UnavailableError('the shim of the container is gone'))
  }
}
