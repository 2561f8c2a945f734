import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hashPassword, verifyPassword } from '../../../server/auth/passwords.ts'
import { RateLimit } from '../../../server/auth/rate-limit.ts'
import { ACCOUNT, openTestContext } from '../console.ts'

const FROM = { ip: '10.0.0.1', userAgent: 'test' }

describe('passwords', () => {
  it('verifies what it hashed, and nothing else', async () => {
    const hash = await hashPassword('pässword')
    assert.match(hash, /^scrypt\$15\$8\$1\$/)
    assert.equal(await verifyPassword('pässword', hash), true)
    // The same letters typed on another keyboard: a and a combining diaeresis.
    assert.equal(await verifyPassword('pa\u0308ssword', hash), true)
    assert.equal(await verifyPassword('password', hash), false)
    assert.equal(await verifyPassword('password', undefined), false)
    assert.equal(await verifyPassword('password', 'broken'), false)
  })
})

describe('Accounts', () => {
  it('makes the first admin once, also when several ask at the same moment', async (t) => {
    const { accounts, db } = await openTestContext(t)
    assert.equal(await accounts.needsSetup(), true)
    const asked = await Promise.allSettled(
      ['a1', 'b2', 'c3', 'd4'].map((name) => accounts.setup({ ...ACCOUNT, name }, FROM)),
    )
    assert.equal(asked.filter(({ status }) => status === 'fulfilled').length, 1)
    for (const each of asked) {
      if (each.status === 'rejected')
        assert.equal((each.reason as { code: string }).code, 'CONFLICT')
    }
    assert.equal(await db.user.count(), 1)
    assert.equal(await accounts.needsSetup(), false)
  })

  it('signs in whatever the case of the name, and keeps no token', async (t) => {
    const { accounts, sessions, db } = await openTestContext(t)
    await accounts.setup(ACCOUNT, FROM)
    const { token, session } = await accounts.signIn({ ...ACCOUNT, name: 'ADMIN' }, FROM)
    assert.equal(session.user.name, 'admin')
    assert.equal((await sessions.find(token))?.id, session.id)
    assert.equal(await sessions.find(`${token}x`), undefined)
    const rows = JSON.stringify(await db.session.findMany())
    assert.equal(rows.includes(token), false)
  })

  it('verifies who sends a password with each request, at once too, until it is another', async (t) => {
    const { accounts, db } = await openTestContext(t)
    await accounts.setup(ACCOUNT, FROM)
    const users = await Promise.all(
      Array.from({ length: 30 }, () => accounts.verify(ACCOUNT, FROM)),
    )
    assert.deepEqual([...new Set(users.map(({ name }) => name))], ['admin'])
    assert.equal((await accounts.verify(ACCOUNT, FROM)).name, 'admin')
    const passwordHash = await hashPassword('another')
    await db.user.updateMany({ data: { passwordHash } })
    await assert.rejects(accounts.verify(ACCOUNT, FROM), { code: 'UNAUTHORIZED' })
    await accounts.verify({ ...ACCOUNT, password: 'another' }, FROM)
    await db.session.deleteMany()
    await db.user.deleteMany()
    const gone = accounts.verify({ ...ACCOUNT, password: 'another' }, FROM)
    await assert.rejects(gone, { code: 'UNAUTHORIZED' })
  })

  it('lets who goes on with a right password go on, whatever somebody guesses meanwhile', async (t) => {
    const minute = 60_000
    const start = Date.now()
    t.mock.timers.enable({ apis: ['Date'], now: start })
    const { accounts } = await openTestContext(t)
    await accounts.setup(ACCOUNT, FROM)
    await accounts.verify(ACCOUNT, FROM)
    for (let passed = 4; passed <= 12; passed += 4) {
      t.mock.timers.setTime(start + passed * minute)
      const wrong = { ...ACCOUNT, password: 'wrong' }
      for (let guess = 0; guess < 6; guess++) await assert.rejects(accounts.verify(wrong, FROM))
      await assert.rejects(accounts.verify(wrong, FROM), { code: 'TOO_MANY_REQUESTS' })
      assert.equal((await accounts.verify(ACCOUNT, FROM)).name, 'admin')
    }
    // not used for a while it is a guess like any other
    t.mock.timers.setTime(start + 17.5 * minute)
    for (let guess = 0; guess < 3; guess++)
      await assert.rejects(accounts.verify({ ...ACCOUNT, password: 'wrong' }, FROM))
    await assert.rejects(accounts.verify(ACCOUNT, FROM), { code: 'TOO_MANY_REQUESTS' })
  })

  it('slows down guessing, with words that say for how long', async (t) => {
    const { accounts } = await openTestContext(t)
    await accounts.setup(ACCOUNT, FROM)
    const wrong = { ...ACCOUNT, password: 'wrong' }
    for (let i = 0; i < 5; i++) {
      await assert.rejects(accounts.signIn(wrong, FROM), { code: 'UNAUTHORIZED' })
    }
    await assert.rejects(accounts.signIn(ACCOUNT, FROM), {
      code: 'TOO_MANY_REQUESTS',
      message: /Try again in \d+ s/,
    })
    // From elsewhere the owner comes in.
    await accounts.signIn(ACCOUNT, { ...FROM, ip: '10.0.0.2' })
  })
})

describe('RateLimit', () => {
  it('doubles the pause up to a quarter of an hour, and forgets after an hour', () => {
    let now = 0
    const limit = new RateLimit({ now: () => now })
    for (let i = 0; i < 30; i++) limit.fail('k')
    now += 15 * 60_000 - 1000
    assert.throws(() => limit.check('k'), { code: 'TOO_MANY_REQUESTS' })
    now += 2000
    limit.check('k')
    now += 60 * 60_000
    for (let i = 0; i < 4; i++) limit.fail('k')
    limit.check('k')
  })
})

describe('Sessions', () => {
  it('are over when they expire, and tell it', async (t) => {
    const { accounts, sessions, db } = await openTestContext(t)
    const { token, session } = await accounts.setup(ACCOUNT, FROM)
    const ended: string[] = []
    sessions.onEnd((id) => ended.push(id))
    await sessions.sweep(Date.now() + 8 * 24 * 60 * 60_000)
    assert.deepEqual(ended, [session.id])
    assert.equal(await sessions.find(token), undefined)
    assert.equal(await db.session.count(), 0)
  })

  it('are found again by a server that did not make them', async (t) => {
    const context = await openTestContext(t)
    const { token } = await context.accounts.setup(ACCOUNT, FROM)
    const { Sessions } = await import('../../../server/auth/sessions.ts')
    const other = new Sessions(context.db)
    t.after(() => {
      other.close()
    })
    assert.equal((await other.find(token))?.user.name, 'admin')
  })
})
