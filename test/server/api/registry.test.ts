import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { DistributionEngine } from '../../../engine/contract/distribution.ts'
import type { RegistryEngine, RegistrySettings } from '../../../engine/contract/registry.ts'
import { NotImplementedError, UnauthorizedError } from '../../../engine/errors.ts'
import type { HostRoute } from '../../../server/api/registries.ts'
import { getCatalog, getTags } from '../../../server/api/registry-content.ts'
import {
  collectRegistryGarbage,
  getRegistrySettings,
  putRegistrySettings,
} from '../../../server/api/registry.ts'
import { sessionCookieName } from '../../../server/auth/cookie.ts'
import { setContext } from '../../../server/context.ts'
import { ACCOUNT, openTestContext } from '../console.ts'

describe('the console’s routes to the registry', () => {
  it('read and set its rules and have them applied, for who is signed in', async (t) => {
    const context = await openTestContext(t)
    let kept: RegistrySettings = {}
    const registry: Partial<RegistryEngine> = {
      settings: () => Promise.resolve(kept),
      setSettings: (settings) => {
        kept = settings
        return Promise.resolve()
      },
      collectGarbage: () => Promise.resolve({ removed: ['team/app:old'] }),
    }
    Object.assign(context.engine, { registry })
    setContext(context)
    t.after(() => setContext(undefined))
    const { token } = await context.accounts.setup(ACCOUNT, { ip: '127.0.0.1', userAgent: 'test' })
    const request = (method: string, body?: unknown, cookie = token): Request =>
      new Request('http://console/api/registry', {
        method,
        headers: {
          'Content-Type': 'application/json',
          cookie: `${sessionCookieName(3000)}=${cookie}`,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
    const settings = { quotas: [{ namespace: 'team', bytes: 1 }] }
    assert.equal((await putRegistrySettings(request('PUT', settings, 'x'))).status, 401)
    assert.deepEqual(await (await putRegistrySettings(request('PUT', settings))).json(), settings)
    assert.deepEqual(await (await getRegistrySettings(request('GET'))).json(), settings)
    const collected = await collectRegistryGarbage(request('POST'))
    assert.deepEqual(await collected.json(), { removed: ['team/app:old'] })
  })

  it('tell a registry’s refusal as what it is, for 401 would end the browser’s own session', async (t) => {
    const context = await openTestContext(t)
    const distribution: Partial<DistributionEngine> = {
      tags: () => Promise.reject(new UnauthorizedError('unauthorized: wrong password')),
      catalog: () => Promise.reject(new NotImplementedError('box:5000 lists nothing')),
    }
    Object.assign(context.engine, { distribution })
    setContext(context)
    t.after(() => setContext(undefined))
    const { token } = await context.accounts.setup(ACCOUNT, { ip: '127.0.0.1', userAgent: 'test' })
    const ask = (query: string): Request =>
      new Request(`http://console/?${query}`, {
        headers: { cookie: `${sessionCookieName(3000)}=${token}` },
      })
    const route = (host: string): HostRoute => ({ params: Promise.resolve({ host }) })
    const refused = await getTags(ask('repository=a'), route('box%3A5000'))
    assert.equal(refused.status, 403)
    assert.match(await refused.text(), /box:5000 refuses: unauthorized: wrong password/)
    assert.equal((await getCatalog(ask(''), route('box:5000'))).status, 501)
    assert.equal((await getTags(ask('repository=a'), route('no host'))).status, 400)
  })
})
