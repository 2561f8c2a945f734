import { setTimeout } from 'node:timers/promises'
import type { TakenConnection } from '../contract/common.ts'
import { ConflictError, NotFoundError, UnavailableError } from '../errors.ts'
import type { ExitRecord } from './exit-record.ts'
import { ShimConnection } from './shim-connection.ts'
import type { LogNews, Message, Snapshot, Started } from './shim-protocol.ts'
import {
  encodeRequest,
  readExited,
  readLogNews,
  readSnapshot,
  readStarted,
  Request,
  Saying,
} from './shim-protocol.ts'
import { connectDescriptor, isNobodyThere } from './shim-socket.ts'

const NOTHING = Buffer.alloc(0)

/** How long after a connection that came to nothing the next is tried. */
const AGAIN_MS = 50

/** Rotations, whose telling may have been lost, are what somebody waits for. */
const LOG_NEWS_LOST: LogNews = { what: 'rotated', errno: 0, lost: 0 }

interface WaitingExec {
  promise: Promise<number>
  resolve: (code: number) => void
  reject: (error: unknown) => void
  /** Its start was answered: a shim that does not know it has forgotten it. */
  hasStarted: boolean
  /** The connection that was there when it was asked about. */
  connection: ShimConnection
}

/**
 * The link to a running shim: ends are pushed over it, and commands go the other way.
 *
 * A shim cuts the connection of an engine that has not read for long, because it keeps nothing for it: a lost connection
 * says nothing about the container. It is made anew, and what the shim then knows is compared with what is awaited here.
 * Only where nobody listens any more the shim is dead.
 */
export class WatchLink {
  /** null: the shim has gone without telling. Stays pending when we let go ourselves. */
  readonly ended: Promise<ExitRecord | null>
  #connection: ShimConnection
  /** The running shim, once there is one to come back to. */
  #shim: { socketPath: string; pid: number } | undefined
  /** While there is no connection: settled when there is one again, or never will be. */
  #restored: Promise<void> | undefined
  readonly #execs = new Map<string, WaitingExec>()
  readonly #starts = new Map<
    string,
    { resolve: (started: Started) => void; reject: (error: unknown) => void }
  >()
  #end: (exit: ExitRecord | null) => void = () => undefined
  /** The container has ended, the shim is dead, or we have let go. */
  #over = false
  #closing = false
  readonly #logNews: LogNews[] = []
  #tellLogNews = (news: LogNews): void => {
    this.#logNews.push(news)
  }

  /** @param fd a socket connected to the shim, which is the link's from now on */
  constructor(fd: number) {
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
    this.#connection = this.#connected(fd)
  }

  /**
   * Links with the shim that listens there, which may take until it has room for us.
   *
   * @param giveUp ends the waiting
   * @throws NOT_FOUND when there is none, UNAVAILABLE when given up
   */
  static async open(
    socketPath: string,
    giveUp?: AbortSignal,
  ): Promise<{ link: WatchLink; snapshot: Snapshot }> {
    for (;;) {
      let link: WatchLink | undefined
      const close = (): void => link?.close()
      try {
        link = new WatchLink(await connectDescriptor(socketPath))
        giveUp?.addEventListener('abort', close)
        return { link, snapshot: await link.watch() }
      } catch (cause) {
        link?.close()
        if (isNobodyThere(cause))
          throw new NotFoundError(`no shim listens at ${socketPath}`, { cause })
        if (giveUp?.aborted === true)
          throw new UnavailableError(`the shim at ${socketPath} is not waited for`, { cause })
        await setTimeout(AGAIN_MS)
      } finally {
        giveUp?.removeEventListener('abort', close)
      }
    }
  }

  /** As far as anybody has told. */
  get runs(): boolean {
    return !this.#over
  }

  get isClear(): boolean {
    return this.#connection.isClear
  }

  /** From here on the container runs, and the link with its shim outlives its connection. */
  keep(socketPath: string, pid: number): void {
    this.#shim = { socketPath, pid }
    if (!this.#connection.isOpen) this.#lost(this.#connection)
  }

  /** The state now; from then on ends are pushed. */
  async watch(): Promise<Snapshot> {
    return snapshotOf(await this.ask(encodeRequest(Request.watch)))
  }

  /** @throws CONFLICT when the container is over, UNAVAILABLE when the answer was lost */
  async ask(request: Buffer): Promise<Message> {
    if (this.#restored) await this.#restored
    return this.#answered(this.#connection.ask(request))
  }

  /** What is said without being asked: how a start went. */
  answer(): Promise<Message> {
    return this.#connection.answer()
  }

  /** Runs an exec whose stream is to be a client's own; the link is clear. undefined when nothing could be sent. */
  exec(
    id: string,
    flags: number,
    plan: Buffer,
    taken: TakenConnection,
  ): Promise<Started> | undefined {
    if (!this.#connection.give(taken, Request.exec, flags, plan)) return undefined
    return new Promise((resolve, reject) => {
      this.#starts.set(id, { resolve, reject })
    })
  }

  /** Joins the container's streams with a client's; the link is clear. undefined when nothing could be sent. */
  attach(flags: number, taken: TakenConnection): Promise<Message> | undefined {
    if (!this.#connection.give(taken, Request.attach, flags, NOTHING)) return undefined
    return this.#answered(this.#connection.answer())
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
    const connection = this.#connection
    this.#execs.set(id, { promise, resolve, reject, hasStarted: false, connection })
    return promise
  }

  /** The start of an exec was answered: it runs, or has already ended. */
  started(id: string): void {
    const exec = this.#execs.get(id)
    if (!exec) return
    exec.hasStarted = true
    // whoever compared meanwhile did not know whether it would start
    if (exec.connection !== this.#connection) void this.compare()
  }

  forget(id: string, reason: unknown): void {
    this.#execs.get(id)?.reject(reason)
    this.#execs.delete(id)
  }

  /** Settles what is awaited here by what the shim knows. */
  async compare(): Promise<void> {
    try {
      this.#compare(await this.watch())
    } catch {
      // a new connection begins with this, and that there will be none settles it, too
    }
  }

  close(): void {
    this.#closing = true
    this.#over = true
    this.#connection.destroy()
  }

  async #answered(answer: Promise<Message>): Promise<Message> {
    try {
      return await answer
    } catch (cause) {
      await this.#restored
      if (this.#over) throw new ConflictError('the container is not running', { cause })
      throw cause
    }
  }

  #connected(fd: number): ShimConnection {
    const connection: ShimConnection = new ShimConnection(fd, {
      told: (message) => {
        this.#take(message)
      },
      lost: () => {
        this.#lost(connection)
      },
    })
    return connection
  }

  #take(message: Message): void {
    // a shim of before an upgrade also tells of execs that have started, by another number
    switch (message.kind) {
      case Saying.log: {
        const news = readLogNews(message.payload)
        if (news) this.#tellLogNews(news)
        break
      }
      case Saying.started:
        this.#begun(readStarted(message.payload))
        break
      case Saying.exited: {
        const { at, code, id } = readExited(message.payload)
        if (id !== '') {
          this.#settle(id, code)
          break
        }
        this.#over = true
        this.#end({ code, at })
      }
    }
  }

  #begun(started: Started): void {
    this.#starts.get(started.id)?.resolve(started)
    this.#starts.delete(started.id)
  }

  #settle(id: string, code: number): void {
    this.#execs.get(id)?.resolve(code)
    this.#execs.delete(id)
  }

  #lost(connection: ShimConnection): void {
    if (connection !== this.#connection || this.#restored) return
    if (this.#over) this.#letGo()
    // before the container runs it is the launch that fails
    else if (this.#shim) this.#restored = this.#restore(this.#shim)
  }

  async #restore(shim: { socketPath: string; pid: number }): Promise<void> {
    while (!this.#closing) {
      try {
        const connection = this.#connected(await connectDescriptor(shim.socketPath))
        if (await this.#takeUp(connection, shim.pid)) return
        break
      } catch (error) {
        if (isNobodyThere(error)) break
        await setTimeout(AGAIN_MS)
      }
    }
    this.#over = true
    this.#letGo()
    if (!this.#closing) this.#end(null)
  }

  /** @returns false when it is another shim that listens there */
  async #takeUp(connection: ShimConnection, shimPid: number): Promise<boolean> {
    try {
      const snapshot = snapshotOf(await connection.ask(encodeRequest(Request.watch)))
      if (this.#closing || snapshot.shimPid !== shimPid) {
        connection.destroy()
        return false
      }
      // from here on its loss is heard
      if (!connection.isOpen) throw new UnavailableError('lost again')
      this.#connection = connection
      this.#restored = undefined
      this.#compare(snapshot)
      this.#tellLogNews(LOG_NEWS_LOST)
      return true
    } catch (error) {
      connection.destroy()
      throw error
    }
  }

  #compare({ execs, starting }: Snapshot): void {
    const known = new Map(execs.map((exec) => [exec.id, exec]))
    for (const [id, { reject }] of this.#starts) {
      const exec = known.get(id)
      if (exec) this.#begun(exec)
      else if (!starting.includes(id)) {
        this.#starts.delete(id)
        reject(new UnavailableError(`gantry-shim could not tell whether exec ${id} has started`))
      }
    }
    for (const [id, { hasStarted }] of this.#execs) {
      const exec = known.get(id)
      if (exec?.code !== undefined) this.#settle(id, exec.code)
      else if (!exec && hasStarted)
        this.forget(id, new UnavailableError(`how exec ${id} ended is not known any more`))
    }
  }

  #letGo(): void {
    for (const { reject } of this.#starts.values())
      reject(new ConflictError('the container is not running'))
    this.#starts.clear()
    for (const id of [...this.#execs.keys()])
      this.forget(id, new UnavailableError('the shim of the container is gone'))
  }
}

/** @throws UNAVAILABLE when the shim has no room for another watcher */
function snapshotOf(answer: Message): Snapshot {
  if (answer.kind === Saying.snapshot) return readSnapshot(answer.payload)
  throw new UnavailableError('gantry-shim takes no further watcher')
}
