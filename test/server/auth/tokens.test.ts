import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setContext } from '../../../server/context.ts'
import { getHost } from '../../../server/api/host.ts'
import { deleteToken, getTokens, postToken } from '../../../server/api/tokens.ts'
import { ACCOUNT, openTestConsole, type TestConsole } from '../console.ts'

const DAY_MS = 24 * 60 * 60_000

async function openWithUser(t: TestContext): Promise<{
  opened: TestConsole
  user: { id: string }
  cookie: string
}> {
  const opened = await openTestConsole(t)
  const cookie = await opened.signIn()
  setContext(opened.context)
  t.after(() => setContext(undefined))
  const row = await opened.context.db.user.findFirstOrThrow()
  return { opened, user: { id: row.id }, cookie }
}

const WRITE = { name: 'ci', scope: 'write', expiresAt: null } as const

describe('access tokens', () => {
  it('are told once, kept as a hash, and stand for their user until revoked', async (t) => {
    const { opened, user } = await openWithUser(t)
    const { db, tokens } = opened.context
    const { made, token } = await tokens.make(user, WRITE)
    assert.match(token, /^gantry_[A-Za-z0-9_-]{43}$/)
    assert.ok(!JSON.stringify(await db.accessToken.findMany()).includes(token))
    assert.ok(!JSON.stringify(await tokens.list(user)).includes(token.slice(20)))
    assert.equal((await tokens.list(user))[0]?.lastUsedAt, null)
    assert.equal((await tokens.verify(token)).user.name, ACCOUNT.name)
    assert.notEqual((await tokens.list(user))[0]?.lastUsedAt, null)
    await assert.rejects(tokens.make(user, WRITE), { code: 'CONFLICT' })
    await assert.rejects(tokens.revoke({ id: 'somebody else' }, made.id), { code: 'NOT_FOUND' })
    await tokens.revoke(user, made.id)
    await assert.rejects(tokens.verify(token), { code: 'UNAUTHORIZED' })
    await assert.rejects(tokens.verify('gantry_short'), { code: 'UNAUTHORIZED' })
  })

  it('are over at their time, and with their user', async (t) => {
    const { opened, user } = await openWithUser(t)
    const { db, tokens } = opened.context
    const brief = await tokens.make(user, { ...WRITE, expiresAt: Date.now() + DAY_MS })
    await tokens.verify(brief.token)
    await db.accessToken.updateMany({ data: { expiresAt: new Date(Date.now() - 1) } })
    await assert.rejects(tokens.verify(brief.token), /ci has expired/)
    const other = await tokens.make(user, { ...WRITE, name: 'other' })
    await db.user.delete({ where: { id: user.id } })
    await assert.rejects(tokens.verify(other.token), { code: 'UNAUTHORIZED' })
  })

  it('open the Docker API and the console’s own as bearer tokens, as far as their scope goes', async (t) => {
    const { opened, user } = await openWithUser(t)
    const { tokens } = opened.context
    const write = (await tokens.make(user, WRITE)).token
    const read = (await tokens.make(user, { ...WRITE, name: 'look', scope: 'read' })).token
    const ask = (token: string, method: string, where: string): Promise<Response> =>
      fetch(opened.url + where, { method, headers: { authorization: `Bearer ${token}` } })
    assert.equal((await ask(write, 'GET', '/api/engine/containers/json')).status, 200)
    assert.equal((await ask(read, 'GET', '/api/engine/containers/json')).status, 200)
    const refused = await ask(read, 'DELETE', '/api/engine/containers/x')
    assert.equal(refused.status, 403)
    assert.match(await refused.text(), /may only read/)
    assert.notEqual((await ask(write, 'DELETE', '/api/engine/containers/x')).status, 403)
    assert.equal((await ask(`gantry_${'A'.repeat(43)}`, 'GET', '/api/engine/info')).status, 401)
    assert.equal(opened.mock.callers.at(-1)?.kind, 'console')

    const request = (token: string, method = 'GET'): Request =>
      new Request('http://console/', { method, headers: { authorization: `Bearer ${token}` } })
    assert.equal((await getHost(request(read))).status, 200)
    assert.equal((await getHost(request('nonsense'))).status, 401)
  })

  it('that may only read take over no connection, whatever its method', async (t) => {
    const { opened, user } = await openWithUser(t)
    const { token } = await opened.context.tokens.make(user, { ...WRITE, scope: 'read' })
    const { WebSocket } = await import('ws')
    const socket = new WebSocket(
      `${opened.url.replace('http', 'ws')}/api/engine/containers/x/attach/ws?stdin=1`,
      { headers: { authorization: `Bearer ${token}` } },
    )
    const error = await new Promise<Error>((resolve) => socket.once('error', resolve))
    assert.match(error.message, /403/)
  })

  it('are made, listed and revoked from a browser, and not with a token', async (t) => {
    const { opened, user, cookie } = await openWithUser(t)
    const request = (headers: Record<string, string>, body?: unknown): Request =>
      new Request('http://console/api/tokens', {
        method: body === undefined ? 'GET' : 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
    const wanted = { name: 'laptop', scope: 'read', expiresInDays: 30 }
    const answer = await postToken(request({ cookie }, wanted))
    const { made, token } = (await answer.json()) as {
      token: string
      made: { id: string; expiresAt: number }
    }
    assert.ok(Math.abs(made.expiresAt - Date.now() - 30 * DAY_MS) < 60_000)
    const listed = (await (await getTokens(request({ cookie }))).json()) as { id: string }[]
    assert.deepEqual(
      listed.map(({ id }) => id),
      [made.id],
    )
    const full = await opened.context.tokens.make(user, WRITE)
    const bearer = { authorization: `Bearer ${full.token}` }
    assert.equal((await postToken(request(bearer, { ...wanted, name: 'more' }))).status, 403)
    const gone = await deleteToken(request({ cookie }, {}), {
      params: Promise.resolve({ id: made.id }),
    })
    assert.equal(gone.status, 200)
    await assert.rejects(opened.context.tokens.verify(token), { code: 'UNAUTHORIZED' })
    for (const authorization of ['Bearer', `Bearer ${'x'.repeat(300)}`, `Bearer ${token} x`])
      assert.equal((await getTokens(request({ authorization, cookie }))).status, 401)
    const bad = await postToken(request({ cookie }, { ...wanted, name: ' ' }))
    assert.equal(bad.status, 400)
  })
})
