import { createHash, randomBytes } from 'node:crypto'
import type { Db } from '../db.ts'
import { writtenDown } from './written-down.ts'

/** A session unused for this long is over. */
const IDLE_MS = 7 * 24 * 60 * 60_000
/** And so is any after this, used or not. */
const LONGEST_MS = 30 * 24 * 60 * 60_000
/** How stale `lastSeenAt` may be: not every request writes to the database, or tries to while that refuses. */
const TOUCH_MS = 60_000

export interface SessionUser {
  id: string
  name: string
  role: string
}

/** Someone signed in. */
export interface Session {
  /** SHA-256 of the token, hex. */
  id: string
  user: SessionUser
  createdAt: number
  expiresAt: number
}

/**
 * Sign-ins. The token is 256 random bits and only its hash is kept; sessions in use are held in memory too, so that
 * asking costs no query. This process is the only one that writes them.
 */
export class Sessions {
  readonly #db: Db
  readonly #known = new Map<string, Session & { lastSeenAt: number }>()
  readonly #endListeners = new Set<(sessionId: string) => void>()
  readonly #sweeper: NodeJS.Timeout
  readonly #writtenDown = writtenDown('when sessions were used')

  constructor(db: Db) {
    this.#db = db
    this.#sweeper = setInterval(() => void this.sweep().catch(() => undefined), 60_000)
    this.#sweeper.unref()
  }

  /** @returns the session and the token for its cookie */
  async begin(
    user: SessionUser,
    from: { ip: string; userAgent: string },
  ): Promise<{ session: Session; token: string }> {
    const token = randomBytes(32).toString('base64url')
    const now = Date.now()
    const session = {
      id: hashToken(token),
      user: { id: user.id, name: user.name, role: user.role },
      createdAt: now,
      expiresAt: now + IDLE_MS,
      lastSeenAt: now,
    }
    await this.#db.session.create({
      data: {
        id: session.id,
        userId: user.id,
        createdAt: new Date(now),
        expiresAt: new Date(session.expiresAt),
        lastSeenAt: new Date(now),
        ip: from.ip.slice(0, 64),
        userAgent: from.userAgent.slice(0, 300),
      },
    })
    this.#known.set(session.id, session)
    return { session, token }
  }

  /** The session of a cookie's token, its life prolonged; undefined when there is none or it is over. */
  async find(token: string | undefined): Promise<Session | undefined> {
    if (token === undefined || token.length < 40 || token.length > 64) return undefined
    return this.findById(hashToken(token))
  }

  async findById(id: string): Promise<Session | undefined> {
    const session = this.#known.get(id) ?? (await this.#load(id))
    if (!session) return undefined
    const now = Date.now()
    if (session.expiresAt <= now) {
      await this.#writtenDown(() => this.end(id))
      return undefined
    }
    if (now - session.lastSeenAt > TOUCH_MS) {
      session.lastSeenAt = now
      session.expiresAt = Math.min(now + IDLE_MS, session.createdAt + LONGEST_MS)
      const data = { lastSeenAt: new Date(now), expiresAt: new Date(session.expiresAt) }
      await this.#writtenDown(() => this.#db.session.updateMany({ where: { id }, data }))
    }
    return session
  }

  /** Signs out; sockets and terminals of the session are told. */
  async end(id: string): Promise<void> {
    this.#known.delete(id)
    try {
      await this.#db.session.deleteMany({ where: { id } })
    } finally {
      for (const listener of this.#endListeners) listener(id)
    }
  }

  onEnd(listener: (sessionId: string) => void): () => void {
    this.#endListeners.add(listener)
    return () => this.#endListeners.delete(listener)
  }

  /** Ends what has expired. */
  async sweep(now = Date.now()): Promise<void> {
    const over = await this.#db.session.findMany({
      where: { expiresAt: { lte: new Date(now) } },
      select: { id: true },
    })
    for (const { id } of over) await this.end(id)
  }

  close(): void {
    clearInterval(this.#sweeper)
  }

  async #load(id: string): Promise<(Session & { lastSeenAt: number }) | undefined> {
    const row = await this.#db.session.findUnique({ where: { id }, include: { user: true } })
    if (!row) return undefined
    const session = {
      id,
      user: { id: row.user.id, name: row.user.name, role: row.user.role },
      createdAt: row.createdAt.getTime(),
      expiresAt: row.expiresAt.getTime(),
      lastSeenAt: row.lastSeenAt.getTime(),
    }
    this.#known.set(id, session)
    return session
  }
}

function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
