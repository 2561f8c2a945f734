import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { Engine } from '../../engine/contract.ts'
import {
  errorCode,
  errorMessage,
  ForbiddenError,
  NotFoundError,
  ConflictError,
} from '../../engine/errors.ts'
import { engineOf } from '../caller.ts'
import type { Context } from '../context.ts'
import { answer } from './answer.ts'
import type { LiveSocket, Outbox } from './outbox.ts'
import type { TerminalOpened, TerminalRequest } from './protocol.ts'
import { findShell } from './shells.ts'
import { killExec, TerminalSession } from './terminal-session.ts'

/** How long a session without any browser lives on. */
const GRACE_MS = 10 * 60_000
const MAX_PER_USER = 50
const SETTING = 'terminal:'

const sizeSchema = z.object({
  rows: z.number().int().min(1).max(1000),
  cols: z.number().int().min(1).max(1000),
})
const requestSchema = z.object({
  containerId: z.string().regex(/^[0-9a-f]{64}$/),
  kind: z.enum(['exec', 'attach']),
  command: z.array(z.string().max(65_536)).max(256).optional(),
  user: z.string().max(256).optional(),
  workdir: z.string().max(4096).optional(),
  size: sizeSchema,
}) satisfies z.ZodType<TerminalRequest>
const sessionSchema = z.string().min(1).max(128)
const inputSchema = z.union([z.string().max(65_536), z.instanceof(Uint8Array)])

/** What a restarted server has to know of an exec's terminal. */
const recordSchema = z.object({
  containerId: z.string(),
  title: z.string(),
  userId: z.string(),
  loginId: z.string(),
})
type Record = z.infer<typeof recordSchema>

/**
 * Every open terminal. A session belongs to the sign-in that opened it, lives while a browser is joined and ten
 * minutes longer, and ends with the sign-in.
 */
export class Terminals {
  readonly #context: Pick<Context, 'engine' | 'db' | 'sessions'>
  readonly #sessions = new Map<string, TerminalSession>()
  /** Execs of a server before this one: joined again on demand, killed when nobody comes. */
  readonly #orphans = new Map<string, { record: Record; timer: NodeJS.Timeout }>()
  readonly #graceMs: number

  constructor(
    context: Pick<Context, 'engine' | 'db' | 'sessions'>,
    options: { graceMs?: number } = {},
  ) {
    this.#context = context
    this.#graceMs = options.graceMs ?? GRACE_MS
  }

  /** Reads which terminals the server before this one left open. */
  async restore(): Promise<void> {
    const rows = await this.#context.db.setting.findMany({
      where: { key: { startsWith: SETTING } },
    })
    for (const row of rows) {
      const record = recordSchema.safeParse(parseJson(row.value))
      const execId = row.key.slice(SETTING.length)
      if (!record.success) {
        await this.#forget(execId)
        continue
      }
      const timer = setTimeout(() => void this.#killOrphan(execId), this.#graceMs)
      timer.unref()
      this.#orphans.set(execId, { record: record.data, timer })
    }
  }

  serve(socket: LiveSocket, outbox: Outbox): void {
    socket.on('terminal:open', (request, ack) => {
      void answer(ack, async () => {
        const session = await this.#open(requestSchema.parse(request), socket)
        return this.#joinSocket(session, socket, outbox)
      })
    })
    socket.on('terminal:join', (id, size, ack) => {
      void answer(ack, async () => {
        const session = await this.#find(sessionSchema.parse(id), socket)
        // A session that ends just now cannot be resized; its end is told to who joins.
        await session.resize(sizeSchema.parse(size)).catch(() => undefined)
        return this.#joinSocket(session, socket, outbox)
      })
    })
    socket.on('terminal:input', (id, data, ack) => {
      const taken = typeof ack === 'function' ? ack : () => undefined
      const input = inputSchema.safeParse(data)
      const session = this.#owned(id, socket)
      if (!session || !input.success) taken(false)
      else session.write(input.data, taken)
    })
    socket.on('terminal:resize', (id, size) => {
      const parsed = sizeSchema.safeParse(size)
      if (parsed.success)
        this.#owned(id, socket)
          ?.resize(parsed.data)
          .catch(() => undefined)
    })
    socket.on('terminal:close', (id) => {
      void this.#owned(id, socket)?.kill()
    })
    socket.on('disconnect', () => {
      for (const session of this.#sessions.values()) session.leave(socket.id)
    })
  }

  /** The sign-in is over, and its terminals with it. */
  endSession(loginId: string): void {
    for (const session of this.#sessions.values()) {
      if (session.loginId === loginId) void session.kill('You signed out.')
    }
    for (const [execId, { record }] of this.#orphans) {
      if (record.loginId === loginId) void this.#killOrphan(execId)
    }
  }

  /** The server stops: execs live on, and are found again by their records. */
  close(): void {
    for (const session of this.#sessions.values()) session.detach()
    for (const { timer } of this.#orphans.values()) clearTimeout(timer)
  }

  async #open(request: TerminalRequest, socket: LiveSocket): Promise<TerminalSession> {
    const mine = [...this.#sessions.values()].filter(({ userId }) => userId === socket.data.userId)
    if (mine.length >= MAX_PER_USER) {
      throw new ConflictError(
        `${String(MAX_PER_USER)} terminals are open already: close some of them first.`,
      )
    }
    return request.kind === 'exec'
      ? this.#openExec(request, socket)
      : this.#openAttach(request, socket)
  }

  async #openExec(request: TerminalRequest, socket: LiveSocket): Promise<TerminalSession> {
    const { execId, title, stream } = await findShell(this.#engineOf(socket), request)
    const session = this.#keep(
      new TerminalSession({
        id: execId,
        kind: 'exec',
        title,
        stream,
        userId: socket.data.userId,
        loginId: socket.data.sessionId,
        graceMs: this.#graceMs,
        resize: (size) => this.#context.engine.execs.resize(execId, size),
        exitCode: async () => (await this.#context.engine.execs.inspect(execId)).ExitCode,
        kill: () => killExec(this.#context.engine, execId),
        onEnd: () => {
          this.#sessions.delete(execId)
          void this.#forget(execId)
        },
      }),
    )
    const { containerId } = request
    const record: Record = {
      containerId,
      title,
      userId: session.userId,
      loginId: session.loginId,
    }
    const key = SETTING + execId
    const value = JSON.stringify(record)
    await this.#context.db.setting.upsert({
      where: { key },
      create: { key, value },
      update: { value },
    })
    // It may have ended while the record was written.
    if (session.ended) await this.#forget(execId)
    await session.resize(request.size).catch(() => undefined)
    return session
  }

  async #openAttach(request: TerminalRequest, socket: LiveSocket): Promise<TerminalSession> {
    const engine = this.#engineOf(socket)
    const { containerId } = request
    const { Name, State, Config } = await engine.containers.inspect(containerId)
    if (State?.Running !== true) {
      throw new ConflictError('The container is not running: start it to attach to it.')
    }
    const { stream, tty } = await engine.containers.attach(containerId, {
      stdin: Config?.OpenStdin === true,
      stdout: true,
      stderr: true,
      stream: true,
      logs: false,
    })
    const id = randomUUID()
    const session = this.#keep(
      new TerminalSession({
        id,
        kind: 'attach',
        title: `attach ${(Name ?? '').replace(/^\//, '') || containerId.slice(0, 12)}`,
        stream,
        framed: !tty,
        userId: socket.data.userId,
        loginId: socket.data.sessionId,
        graceMs: this.#graceMs,
        resize: async (size) => {
          if (tty) await engine.containers.resize(containerId, size)
        },
        exitCode: () => Promise.resolve(null),
        // Detaching leaves the container's process and its stdin alone.
        kill: () => Promise.resolve(),
        onEnd: () => this.#sessions.delete(id),
      }),
    )
    await session.resize(request.size).catch(() => undefined)
    return session
  }

  #engineOf({ data }: LiveSocket): Engine {
    return engineOf(this.#context.engine, { id: data.userId, name: data.userName })
  }

  /** A session by its ID, taken over from a server before this one if need be. */
  async #find(id: string, socket: LiveSocket): Promise<TerminalSession> {
    const session = this.#sessions.get(id)
    if (session) {
      if (session.userId !== socket.data.userId) throw notYours()
      return session
    }
    const orphan = this.#orphans.get(id)
    if (!orphan) throw new NotFoundError('This terminal is over.')
    if (orphan.record.userId !== socket.data.userId) throw notYours()
    const { record } = orphan
    let stream
    try {
      ;({ stream } = await this.#context.engine.execs.attach(id))
    } catch (error) {
      if (errorCode(error) === 'NOT_FOUND') {
        this.#dropOrphan(id)
        await this.#forget(id)
        throw new NotFoundError('This terminal is over.', { cause: error })
      }
      throw error
    }
    // Two tabs may have asked at once.
    const raced = this.#sessions.get(id)
    if (raced) {
      stream.destroy()
      return raced
    }
    this.#dropOrphan(id)
    return this.#keep(
      new TerminalSession({
        id,
        kind: 'exec',
        title: record.title,
        stream,
        userId: record.userId,
        loginId: record.loginId,
        graceMs: this.#graceMs,
        resize: (size) => this.#context.engine.execs.resize(id, size),
        exitCode: async () => (await this.#context.engine.execs.inspect(id)).ExitCode,
        kill: () => killExec(this.#context.engine, id),
        onEnd: () => {
          this.#sessions.delete(id)
          void this.#forget(id)
        },
      }),
    )
  }

  #joinSocket(session: TerminalSession, socket: LiveSocket, outbox: Outbox): TerminalOpened {
    session.join(socket, outbox)
    return { session: session.id, kind: session.kind, title: session.title }
  }

  #keep(session: TerminalSession): TerminalSession {
    this.#sessions.set(session.id, session)
    return session
  }

  #owned(id: unknown, socket: LiveSocket): TerminalSession | undefined {
    const session = typeof id === 'string' ? this.#sessions.get(id) : undefined
    return session?.userId === socket.data.userId ? session : undefined
  }

  async #killOrphan(execId: string): Promise<void> {
    this.#dropOrphan(execId)
    try {
      await killExec(this.#context.engine, execId)
    } catch (error) {
      console.warn(`gantry: terminal ${execId} could not be ended: ${errorMessage(error)}`)
    }
    await this.#forget(execId)
  }

  #dropOrphan(execId: string): void {
    clearTimeout(this.#orphans.get(execId)?.timer)
    this.#orphans.delete(execId)
  }

  async #forget(execId: string): Promise<void> {
    await this.#context.db.setting
      .deleteMany({ where: { key: SETTING + execId } })
      // The database is closed when the server stops; the record is looked at again by the next one.
      .catch(() => undefined)
  }
}

function notYours(): ForbiddenError {
  return new ForbiddenError('This terminal belongs to another user.')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
