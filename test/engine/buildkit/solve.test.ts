import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ownFrontEnd } from '../../../engine/buildkit/front-end.ts'
import { SOLVE_REQUEST } from '../../../engine/buildkit/messages.ts'
import type { SolveRequest } from '../../../engine/buildkit/messages.ts'
import type { Session } from '../../../engine/buildkit/session.ts'
import { sharedOfClients, SolveJob } from '../../../engine/buildkit/solve.ts'
import type { Engine } from '../../../engine/contract.ts'

/** A build by a client whose session answers these calls. */
function jobOf(request: Partial<SolveRequest>, methods: readonly string[] = []): SolveJob {
  const session = { supports: (method: string) => methods.includes(method) } as unknown as Session
  const shared = sharedOfClients('/nowhere')
  shared.sessions.get = () => Promise.resolve(session)
  const sent = SOLVE_REQUEST.decode(SOLVE_REQUEST.encode({ Ref: 'r', ...request }))
  return new SolveJob(sent, {} as Engine, shared, new AbortController().signal)
}

const CACHE = {
  ExportRefDeprecated: '',
  ExportAttrsDeprecated: {},
  ImportRefsDeprecated: [],
  Exports: [],
  Imports: [],
}

describe('a request to solve', () => {
  for (const [field, request, words] of [
    ['Ref', { Ref: '' }, /a build needs a ref/],
    ['Definition', { Definition: { def: [Buffer.from('x')] } }, /no LLB definitions/],
    ['Definition', { Definition: { def: [] } }, /no LLB definitions/],
    ['FrontendInputs', { FrontendInputs: { a: { def: [] } } }, /no LLB definitions/],
    ['SourcePolicy', { SourcePolicy: { rules: [{}] } }, /source policies/],
    ['SourcePolicySession', { SourcePolicySession: 's' }, /source policies/],
    ['ProxyNetwork', { ProxyNetwork: true }, /proxy network/],
    ['ExporterDeprecated', { ExporterDeprecated: 'what' }, /exporter "what"/],
    [
      'Cache.ExportRefDeprecated',
      {
        Cache: { ...CACHE, ExportRefDeprecated: 'box/a', ExportAttrsDeprecated: { mode: 'odd' } },
      },
      /unknown cache export mode odd/,
    ],
  ] as [string, Partial<SolveRequest>, RegExp][])
    it(`is refused for a ${field} that cannot be followed: ${JSON.stringify(request)}`, () => {
      assert.throws(() => jobOf(request), { message: words })
    })

  const solve = (job: SolveJob): Promise<unknown> =>
    job.solve(
      { frontend: 'dockerfile.v0', attrs: {}, cacheImports: [], inputs: {} },
      new AbortController().signal,
    )

  it('is refused for outputs that its session would add', async () => {
    const finds = ['/moby.exporter.v1.Exporter/FindExporters']
    const asked = { EnableSessionExporter: true }
    await assert.rejects(solve(jobOf(asked, finds)), { message: /outputs that a session finds/ })
    // with nobody to ask there is nothing to add
    await assert.rejects(solve(jobOf(asked)), { message: /no local sources/ })
  })

  it('takes directories from the sessions that attributes name for them', async () => {
    const asked: string[] = []
    const client = {
      stream: (method: string, { metadata }: { metadata: object }) => {
        asked.push(`${method} ${JSON.stringify(metadata)}`)
        throw new Error('asked the other session')
      },
    }
    const other = { supports: () => true, client } as unknown as Session
    const own = { supports: () => false } as unknown as Session
    const shared = sharedOfClients('/nowhere')
    shared.sessions.get = (id) => Promise.resolve(id === 'other' ? other : own)
    const sent = SOLVE_REQUEST.decode(SOLVE_REQUEST.encode({ Ref: 'r', Session: 'own' }))
    const { signal } = new AbortController()
    const job = new SolveJob(sent, {} as Engine, shared, signal)
    const attrs = { 'local-sessionid:dockerfile': 'other' }
    const front = { frontend: 'dockerfile.v0', attrs, cacheImports: [], inputs: {} }
    await assert.rejects(job.solve(front, signal), { message: 'asked the other session' })
    assert.match(asked[0] ?? '', /FileSync\/DiffCopy .*"dir-name":\["dockerfile"\]/)
  })

  it('is refused for what a client adds to a result', async () => {
    for (const [result, words] of [
      [{ metadata: { 'containerimage.config': Buffer.from('{}') } }, /containerimage\.config/],
      [{ metadata: {}, attestations: { 'linux/amd64': {} } }, /attestations of linux.amd64/],
    ] as const) {
      const job = jobOf({})
      job.return({ result })
      await assert.rejects(job.run(), { message: words })
    }
  })
})

describe('ownFrontEnd()', () => {
  it('is that for Dockerfiles, also by the image of it', () => {
    const attrs = { source: 'docker/dockerfile:1', cmdline: 'docker/dockerfile:1', target: 't' }
    assert.deepEqual(ownFrontEnd('gateway.v0', attrs), {
      frontend: 'dockerfile.v0',
      attrs: { target: 't' },
    })
    for (const source of [
      'docker.io/docker/dockerfile-upstream:master',
      'box:5000/dockerfile@sha256:0',
    ])
      assert.equal(ownFrontEnd('gateway.v0', { source }).frontend, 'dockerfile.v0')
  })

  it('refuses others by name', () => {
    const refused = (frontend: string, source: string): void => {
      const words = {
        message: `frontend ${source || frontend} is not run here, only dockerfile.v0`,
      }
      assert.throws(() => ownFrontEnd(frontend, { source }), words)
    }
    refused('gateway.v0', 'example/mopy:1')
    refused('gateway.v0', '')
    refused('yaml.v0', '')
  })
})
