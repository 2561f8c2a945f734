import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import { ConflictError, UnauthorizedError } from '../../engine/errors.ts'
import type { Db } from '../db.ts'
import { TooManyRequestsError } from '../errors.ts'
import { hashPassword, verifyPassword } from './passwords.ts'
import { RateLimit } from './rate-limit.ts'
import type { Session, Sessions, SessionUser } from './sessions.ts'

/** Each hash takes 32 MiB and a thread that the engine's file work also needs. */
const MAX_HASHES_AT_ONCE = 2
const MAX_HASHES_WAITING = 20
/** Failures of one address over all names. */
const FREE_FAILURES_PER_ADDRESS = 20
/** A right password is not hashed anew for so long after its last use. */
const REMEMBER_MS = 5 * 60_000
const MAX_REMEMBERED = 1000

export interface From {
  ip: string
  userAgent: string
}

/** Who may come in: the first admin, and signing in. */
export class Accounts {
  readonly #db: Db
  readonly #sessions: Sessions
  readonly #perName = new RateLimit()
  readonly #perAddress = new RateLimit({ free: FREE_FAILURES_PER_ADDRESS })
  readonly #hashing = new Slots(MAX_HASHES_AT_ONCE, MAX_HASHES_WAITING)
  /** Keyed: what this process remembers of passwords is of no use without its key. */
  readonly #secret = randomBytes(32)
  readonly #remembered = new Map<string, { passwordHash: string; until: number }>()
  readonly #verifying = new Map<string, Promise<SessionUser>>()
  #haveUsers = false

  constructor(db: Db, sessions: Sessions) {
    this.#db = db
    this.#sessions = sessions
  }

  /** Whether nobody has an account yet. */
  async needsSetup(): Promise<boolean> {
    if (!this.#haveUsers) this.#haveUsers = (await this.#db.user.count()) > 0
    return !this.#haveUsers
  }

  /**
   * Makes the first account and signs it in.
   *
   * @throws CONFLICT when there is one already, also when two ask at the same moment
   */
  async setup(
    account: { name: string; password: string },
    from: From,
  ): Promise<{ session: Session; token: string }> {
    const taken = 'Gantry is set up already. Sign in with the account that exists.'
    if (!(await this.needsSetup())) throw new ConflictError(taken)
    const passwordHash = await this.#hashing.run(() => hashPassword(account.password))
    const user = { id: randomUUID(), name: account.name, role: 'admin' }
    // One statement looks and writes, so that of two who ask at once only one gets an account.
    const made = await this.#db.$executeRaw`
      INSERT INTO "User" ("id", "name", "passwordHash", "role", "createdAt")
      SELECT ${user.id}, ${user.name}, ${passwordHash}, ${user.role}, ${new Date()}
      WHERE NOT EXISTS (SELECT 1 FROM "User")`
    this.#haveUsers = true
    if (made !== 1) throw new ConflictError(taken)
    return this.#sessions.begin(user, from)
  }

  /**
   * @throws UNAUTHORIZED without telling whether the name or the password was wrong
   * @throws TOO_MANY_REQUESTS after repeated failures
   */
  async signIn(
    account: { name: string; password: string },
    from: From,
  ): Promise<{ session: Session; token: string }> {
    return this.#sessions.begin((await this.#check(account, from)).user, from)
  }

  /**
   * For clients that send name and password with every request, and several at once: only the first of them is hashed.
   *
   * @throws as signIn
   */
  async verify(account: { name: string; password: string }, from: From): Promise<SessionUser> {
    const key = createHmac('sha256', this.#secret)
      .update(JSON.stringify([account.name, account.password]))
      .digest('base64')
    const remembered = this.#remembered.get(key)
    if (remembered !== undefined && remembered.until > Date.now()) {
      const user = await this.#db.user.findUnique({ where: { name: account.name } })
      // the password may have been changed since, or the account be gone
      if (user?.passwordHash === remembered.passwordHash) {
        // a push that goes on for longer is not to meet, half-way, a pause that somebody else's guesses have earned
        this.#remember(key, user.passwordHash)
        return { id: user.id, name: user.name, role: user.role }
      }
    }
    this.#remembered.delete(key)
    const running = this.#verifying.get(key)
    if (running !== undefined) return await running
    const check = (async () => {
      const { passwordHash, user } = await this.#check(account, from)
      this.#remember(key, passwordHash)
      return user
    })().finally(() => this.#verifying.delete(key))
    this.#verifying.set(key, check)
    return await check
  }

  #remember(key: string, passwordHash: string): void {
    this.#remembered.delete(key)
    const [oldest] = this.#remembered.keys()
    if (this.#remembered.size >= MAX_REMEMBERED && oldest !== undefined)
      this.#remembered.delete(oldest)
    this.#remembered.set(key, { passwordHash, until: Date.now() + REMEMBER_MS })
  }

  async #check(
    account: { name: string; password: string },
    from: From,
  ): Promise<{ user: SessionUser; passwordHash: string }> {
    const key = `${from.ip} ${account.name.toLowerCase()}`
    this.#perName.check(key)
    this.#perAddress.check(from.ip)
    // Counted before the slow hash, so that many at once do not slip through together.
    this.#perName.fail(key)
    this.#perAddress.fail(from.ip)
    const user = await this.#db.user.findUnique({ where: { name: account.name } })
    const right = await this.#hashing.run(() =>
      verifyPassword(account.password, user?.passwordHash),
    )
    if (!user || !right) throw new UnauthorizedError('Wrong name or password.')
    this.#perName.succeed(key)
    this.#perAddress.succeed(from.ip)
    const { id, name, passwordHash, role } = user
    return { user: { id, name, role }, passwordHash }
  }
}

/** So many at once, so many waiting, the rest turned away. */
class Slots {
  #free: number
  readonly #maxWaiting: number
  readonly #waiting: (() => void)[] = []

  constructor(slots: number, maxWaiting: number) {
    this.#free = slots
    this.#maxWaiting = maxWaiting
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--
    else {
      if (this.#waiting.length >= this.#maxWaiting) {
        throw new TooManyRequestsError('Too many sign-ins at once. Try again in a few seconds.', 5)
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free++
    }
  }
}
