import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { BuildEngine, BuildLogEvent } from '../../../engine/contract/builds.ts'
import { getLines } from '../../../server/api/builds.ts'
import { sessionCookieName } from '../../../server/auth/cookie.ts'
import { setContext } from '../../../server/context.ts'
import { ACCOUNT, openTestContext } from '../console.ts'

describe('the console’s route to the lines of a build', () => {
  it('gives those asked for, and of a range that is none or too long says what it may be', async (t) => {
    const context = await openTestContext(t)
    const builds: Partial<BuildEngine> = {
      async *log(): AsyncGenerator<BuildLogEvent> {
        const at = new Date().toISOString()
        for (const word of ['a', 'b', 'c', 'd']) {
          const data = Buffer.from(`${word}\n`)
          yield await Promise.resolve({ kind: 'log', step: '1', stream: 'stdout', data, at })
        }
      },
    }
    Object.assign(context.engine, { builds })
    setContext(context)
    t.after(() => setContext(undefined))
    const { token } = await context.accounts.setup(ACCOUNT, { ip: '127.0.0.1', userAgent: 'test' })
    const ask = async (query: string): Promise<{ status: number; body: string }> => {
      const headers = { cookie: `${sessionCookieName(3000)}=${token}` }
      const request = new Request(`http://console/api/builds/x/lines?${query}`, { headers })
      const answer = await getLines(request, { params: Promise.resolve({ id: 'x' }) })
      return { status: answer.status, body: await answer.text() }
    }
    const { body } = await ask('from=1&to=3')
    const { lines } = JSON.parse(body) as { lines: { n: number; text: string }[] }
    assert.deepEqual(
      lines.map(({ n, text }) => [n, text]),
      [
        [1, 'b'],
        [2, 'c'],
      ],
    )
    assert.equal((await ask('from=900000&to=1000000')).status, 200)
    const refused = await ask('to=100001')
    assert.equal(refused.status, 400)
    assert.match(refused.body, /to: at most 100000 lines at once/)
    for (const wrong of ['', 'to=x', 'from=-1&to=2', 'from=0.5&to=2', 'to=Infinity'])
      assert.equal((await ask(wrong)).status, 400, wrong)
  })
})
