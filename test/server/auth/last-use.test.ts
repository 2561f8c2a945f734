import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AccessTokens } from '../../../server/auth/tokens.ts'
import type { Db } from '../../../server/db.ts'
import { ACCOUNT, openTestContext } from '../console.ts'

const FROM = { ip: '10.0.0.1', userAgent: 'test' }
const TWO_MINUTES_MS = 120_000
const WEEK_MS = 7 * 24 * 3600 * 1000

/** The database refuses as on a full disk, until the returned function is called. */
async function fillUp(db: Db, table: string): Promise<() => Promise<void>> {
  for (const verb of ['UPDATE', 'DELETE'])
    await db.$executeRawUnsafe(
      `CREATE TRIGGER full_${verb} BEFORE ${verb} ON ${table}
       BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`,
    )
  return async () => {
    for (const verb of ['UPDATE', 'DELETE']) await db.$executeRawUnsafe(`DROP TRIGGER full_${verb}`)
  }
}

describe('when something was last used', () => {
  it('fails no request of a session where the disk is full, and is told once', async (t) => {
    const { accounts, db, sessions } = await openTestContext(t)
    const { token } = await accounts.setup(ACCOUNT, FROM)
    const { mock } = t.mock.method(console, 'warn', () => undefined)
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const empty = await fillUp(db, 'Session')
    for (let i = 0; i < 3; i++) {
      t.mock.timers.tick(TWO_MINUTES_MS)
      assert.equal((await sessions.find(token))?.user.name, ACCOUNT.name)
    }
    assert.equal(mock.callCount(), 1)
    assert.match(
      String(mock.calls[0]?.arguments[0]),
      /when sessions were used cannot be written down/,
    )
    await empty()
    t.mock.timers.tick(TWO_MINUTES_MS)
    await sessions.find(token)
    assert.equal((await db.session.findFirst())?.lastSeenAt.getTime(), Date.now())
    await fillUp(db, 'Session')
    t.mock.timers.tick(WEEK_MS + 1)
    assert.equal(await sessions.find(token), undefined)
    assert.equal(mock.callCount(), 2)
  })

  it('fails no request with a token, and is written once a minute at most', async (t) => {
    const { accounts, db, tokens } = await openTestContext(t)
    const { session } = await accounts.setup(ACCOUNT, FROM)
    const wanted = { name: 'ci', scope: 'write', expiresAt: null } as const
    const { token } = await tokens.make(session.user, wanted)
    const { mock } = t.mock.method(console, 'warn', () => undefined)
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const empty = await fillUp(db, 'AccessToken')
    for (let i = 0; i < 3; i++) {
      assert.equal((await tokens.verify(token)).user.name, ACCOUNT.name)
      t.mock.timers.tick(TWO_MINUTES_MS)
    }
    assert.equal(mock.callCount(), 1)
    await empty()
    await db.$executeRawUnsafe('CREATE TABLE written (at)')
    await db.$executeRawUnsafe(
      'CREATE TRIGGER counted AFTER UPDATE ON AccessToken BEGIN INSERT INTO written VALUES (1); END',
    )
    for (let i = 0; i < 3; i++) await tokens.verify(token)
    // as after a restart
    await new AccessTokens(db).verify(token)
    const [row] = await db.$queryRawUnsafe<{ n: bigint }[]>('SELECT count(*) AS n FROM written')
    assert.equal(Number(row?.n), 1)
    assert.equal((await db.accessToken.findFirst())?.lastUsedAt?.getTime(), Date.now())
  })
})
