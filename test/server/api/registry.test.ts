import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RegistryEngine, RegistrySettings } from '../../../engine/contract.ts'
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
})
