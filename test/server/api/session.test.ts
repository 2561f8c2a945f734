import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import {
  deleteSession,
  getSession,
  getSetup,
  postSession,
  postSetup,
} from '../../../server/api/session.ts'
import { setContext } from '../../../server/context.ts'
import { ACCOUNT, openTestContext } from '../console.ts'

async function start(t: TestContext): Promise<void> {
  setContext(await openTestContext(t))
  t.after(() => {
    setContext(undefined)
  })
}

function request(
  method: string,
  body?: unknown,
  cookie?: string,
  headers: Record<string, string> = {},
): Request {
  return new Request('http://gantry/api', {
    method,
    headers: {
      'x-gantry-address': '10.0.0.9',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(cookie === undefined ? {} : { cookie }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

function cookieOf(response: Response): string {
  return response.headers.get('set-cookie')?.split(';')[0] ?? ''
}

describe('the session routes', () => {
  it('go from set-up over sign-out to sign-in', async (t) => {
    await start(t)
    assert.deepEqual(await (await getSetup(request('GET'))).json(), { needed: true })
    const made = await postSetup(request('POST', ACCOUNT))
    assert.equal(made.status, 200)
    assert.match(made.headers.get('set-cookie') ?? '', /HttpOnly; SameSite=Lax/)
    const first = cookieOf(made)
    assert.equal((await getSession(request('GET', undefined, first))).status, 200)
    assert.deepEqual(await (await getSetup(request('GET'))).json(), { needed: false })
    assert.equal((await postSetup(request('POST', { ...ACCOUNT, name: 'eve' }))).status, 409)

    await deleteSession(request('DELETE', undefined, first))
    assert.equal((await getSession(request('GET', undefined, first))).status, 401)

    const again = await postSession(
      request('POST', ACCOUNT, undefined, { 'x-forwarded-proto': 'https' }),
    )
    assert.equal(again.status, 200)
    assert.match(again.headers.get('set-cookie') ?? '', /Secure/)
    const answer = (await again.json()) as { user: { name: string; role: string } }
    assert.equal(answer.user.name, 'admin')
    assert.equal(answer.user.role, 'admin')
  })

  it('say in words what is wrong with an account or a body', async (t) => {
    await start(t)
    const answers: [unknown, RegExp][] = [
      [{ name: '', password: 'long enough' }, /name: Choose a name/],
      [{ name: 'a b', password: 'long enough' }, /name: Letters, digits/],
      [{ name: 'admin', password: 'short' }, /password: At least 8/],
      [{ name: 'administrator', password: 'Administrator' }, /must not be the name/],
      [{ name: 'admin', password: 'aaaaaaaaaaaa' }, /Too easy/],
    ]
    for (const [body, words] of answers) {
      const response = await postSetup(request('POST', body))
      assert.equal(response.status, 400)
      assert.match(((await response.json()) as { message: string }).message, words)
    }
    const broken = new Request('http://gantry/api', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{',
    })
    assert.equal((await postSetup(broken)).status, 400)
    // A form of another site cannot send JSON without asking.
    const form = new Request('http://gantry/api', { method: 'POST', body: JSON.stringify(ACCOUNT) })
    assert.equal((await postSetup(form)).status, 400)
  })

  it('answer a wrong password and a wrong name alike, then ask for patience', async (t) => {
    await start(t)
    await postSetup(request('POST', ACCOUNT))
    const texts = new Set<string>()
    for (const name of ['admin', 'nobody']) {
      const response = await postSession(request('POST', { name, password: 'wrong one' }))
      assert.equal(response.status, 401)
      texts.add(await response.text())
    }
    assert.equal(texts.size, 1)
    for (let i = 0; i < 4; i++)
      await postSession(request('POST', { name: 'admin', password: 'wrong' }))
    const limited = await postSession(request('POST', ACCOUNT))
    assert.equal(limited.status, 429)
    assert.ok(Number(limited.headers.get('retry-after')) > 0)
  })
})
