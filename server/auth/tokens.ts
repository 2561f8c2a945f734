import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { ConflictError, NotFoundError, UnauthorizedError } from '../../engine/errors.ts'
import { type Db, isTaken } from '../db.ts'
import type { SessionUser } from './sessions.ts'
import { writtenDown } from './written-down.ts'

/** What a token may do: look, or everything that its user may. */
export type TokenScope = 'read' | 'write'

/** A token as lists show it: never itself. */
export interface AccessToken {
  id: string
  name: string
  /** Its first characters. */
  hint: string
  scope: TokenScope
  /** Milliseconds since the epoch, as all times here. */
  createdAt: number
  /** Null: until it is revoked. */
  expiresAt: number | null
  lastUsedAt: number | null
}

const PREFIX = 'gantry_'
const FORM = /^gantry_[A-Za-z0-9_-]{43}$/
const HINT_CHARS = PREFIX.length + 4
/** How stale `lastUsedAt` may be: not every request writes to the database, or tries to while that refuses. */
const TOUCH_MS = 60_000
/** Of one user. */
const MAX_TOKENS = 200

/**
 * What programs sign in with in their user's place: `docker login -p`, `Authorization: Bearer`. 256 random bits, of which
 * only the SHA-256 is kept. Nothing is remembered between requests, so that revoking acts at once.
 */
export class AccessTokens {
  readonly #db: Db
  readonly #touched = new Map<string, number>()
  readonly #writtenDown = writtenDown('when access tokens were used')

  constructor(db: Db) {
    this.#db = db
  }

  /**
   * @returns the token, which nobody can be shown again
   * @throws CONFLICT when the user has one of this name
   */
  async make(
    user: { id: string },
    wanted: { name: string; scope: TokenScope; expiresAt: number | null },
  ): Promise<{ token: string; made: AccessToken }> {
    const { expiresAt, name, scope } = wanted
    const userId = user.id
    if ((await this.#db.accessToken.count({ where: { userId } })) >= MAX_TOKENS)
      throw new ConflictError(`You have ${MAX_TOKENS} tokens: revoke some first.`)
    const token = PREFIX + randomBytes(32).toString('base64url')
    const data = {
      id: randomUUID(),
      userId,
      name,
      scope,
      hash: hashOf(token),
      hint: token.slice(0, HINT_CHARS),
      createdAt: new Date(),
      expiresAt: expiresAt === null ? null : new Date(expiresAt),
    }
    try {
      return { token, made: shown(await this.#db.accessToken.create({ data })) }
    } catch (error) {
      if (!isTaken(error)) throw error
      throw new ConflictError(`You have a token named ${name} already.`, { cause: error })
    }
  }

  /** A user's own, newest first; expired ones too, until they are revoked. */
  async list(user: { id: string }): Promise<AccessToken[]> {
    const rows = await this.#db.accessToken.findMany({
      where: { userId: user.id },
      orderBy: { createdAt: 'desc' },
    })
    return rows.map(shown)
  }

  /** @throws NOT_FOUND, also for somebody else's */
  async revoke(user: { id: string }, id: string): Promise<void> {
    const { count } = await this.#db.accessToken.deleteMany({ where: { id, userId: user.id } })
    this.#touched.delete(id)
    if (count === 0) throw new NotFoundError('There is no such token: it may be revoked already.')
  }

  /**
   * Whom a token stands for, and what it may do.
   *
   * @throws UNAUTHORIZED when there is none such, or it has expired
   */
  async verify(token: string): Promise<{ user: SessionUser; scope: TokenScope }> {
    const row = FORM.test(token)
      ? await this.#db.accessToken.findUnique({
          where: { hash: hashOf(token) },
          include: { user: true },
        })
      : null
    if (row === null)
      throw new UnauthorizedError('The access token is not known: it may have been revoked.')
    const now = Date.now()
    if (row.expiresAt !== null && row.expiresAt.getTime() <= now)
      throw new UnauthorizedError(`The access token ${row.name} has expired.`)
    const touched = this.#touched.get(row.id) ?? row.lastUsedAt?.getTime() ?? 0
    if (now - touched > TOUCH_MS) {
      this.#touched.set(row.id, now)
      const data = { lastUsedAt: new Date(now) }
      await this.#writtenDown(() =>
        this.#db.accessToken.updateMany({ where: { id: row.id }, data }),
      )
    }
    const { id, name, role } = row.user
    return { user: { id, name, role }, scope: row.scope === 'write' ? 'write' : 'read' }
  }
}

/** Whether a password has the form of a token: it is looked up as one then, and not hashed. */
export function isAccessToken(text: string): boolean {
  return FORM.test(text)
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

function shown(row: {
  id: string
  name: string
  hint: string
  scope: string
  createdAt: Date
  expiresAt: Date | null
  lastUsedAt: Date | null
}): AccessToken {
  return {
    id: row.id,
    name: row.name,
    hint: row.hint,
    scope: row.scope === 'write' ? 'write' : 'read',
    createdAt: row.createdAt.getTime(),
    expiresAt: row.expiresAt?.getTime() ?? null,
    lastUsedAt: row.lastUsedAt?.getTime() ?? null,
  }
}
