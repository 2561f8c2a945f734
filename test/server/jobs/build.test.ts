import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Readable } from 'node:stream'
import type { Engine } from '../../../engine/contract.ts'
import type { BuildEvent, BuildRequest } from '../../../engine/contract/builds.ts'
import { buildSchema } from '../../../server/api/schemas/build.ts'
import { ContextUploads } from '../../../server/builds/context-uploads.ts'
import { buildImage } from '../../../server/jobs/build.ts'
import { Jobs } from '../../../server/jobs/jobs.ts'

const ID = 'a1'.repeat(16)
const at = '2026-01-01T00:00:00.000Z'

/** A builder that says what it was asked for. */
function builder(events: BuildEvent[]): { engine: Pick<Engine, 'builds'>; asked: BuildRequest[] } {
  const asked: BuildRequest[] = []
  const builds = {
    async *build(request: BuildRequest): AsyncGenerator<BuildEvent> {
      asked.push(request)
      yield* events
      await Promise.resolve()
    },
  }
  return { engine: { builds: builds as unknown as Engine['builds'] }, asked }
}

describe('buildImage', () => {
  const form = buildSchema.parse({
    source: { kind: 'dockerfile', text: 'FROM private.example/base\n' },
    tags: ['app:1'],
    secrets: [{ id: 'token', value: 'word' }],
    network: '',
    target: '',
  })
  const context = { empty: true as const, dockerfile: 'FROM private.example/base\n' }

  it('hands on secrets and credentials as they are asked for, and what is empty not at all', async () => {
    const { asked, engine } = builder([{ kind: 'built', image: 'sha256:1', tags: ['app:1'] }])
    const registries: string[] = []
    const jobs = new Jobs()
    const job = jobs.start({
      id: ID,
      kind: 'build',
      title: 'app:1',
      user: 'ann',
      work: (report) =>
        buildImage(
          engine,
          ID,
          form,
          context,
          (registry) => {
            registries.push(registry)
            return Promise.resolve({ username: 'ann', password: 'word' })
          },
          report,
        ),
    })
    await jobs.ended(ID)
    assert.deepEqual([job.state, job.result], ['done', { images: ['app:1'] }])
    const [request] = asked
    assert.ok(request)
    assert.equal(request.id, ID)
    assert.equal(request.network, undefined)
    assert.equal(request.target, undefined)
    assert.equal(Buffer.from((await request.secret?.('token')) ?? []).toString(), 'word')
    assert.equal(await request.secret?.('other'), undefined)
    const credentials = await request.credentials?.('private.example')
    assert.equal(credentials?.username, 'ann')
    assert.deepEqual(registries, ['private.example'])
    assert.doesNotMatch(JSON.stringify(job), /word/)
    await jobs.close()
  })

  it('says which step goes on', async () => {
    const instruction = 'RUN make'
    const { engine } = builder([
      {
        kind: 'started',
        step: '0.1',
        name: '[2/5] RUN make',
        number: 2,
        total: 5,
        instruction,
        at,
      },
      { kind: 'built', image: 'sha256:1', tags: [] },
    ])
    const jobs = new Jobs()
    const job = jobs.start({
      kind: 'build',
      title: 'it',
      user: 'ann',
      work: (report) =>
        buildImage(engine, ID, form, context, () => Promise.resolve(undefined), report),
    })
    await jobs.ended(job.id)
    assert.equal(job.message, '2/5 RUN make')
    assert.deepEqual(job.result, { images: ['sha256:1'] })
    await jobs.close()
  })
})

describe('ContextUploads', () => {
  it('brings a context to the build that waits for it', async () => {
    const uploads = new ContextUploads()
    const waiting = uploads.expect(ID, 'ann', new AbortController().signal)
    const tar = Readable.from(['tar'])
    assert.throws(
      () => {
        uploads.give(ID, 'eve', tar)
      },
      { code: 'NOT_FOUND' },
    )
    uploads.give(ID, 'ann', tar)
    assert.equal(await waiting, tar)
    assert.throws(() => {
      uploads.give(ID, 'ann', tar)
    }, /No build/)
  })

  it('waits no longer than it is to, and not for a build that was cancelled', async () => {
    const uploads = new ContextUploads()
    await assert.rejects(uploads.expect(ID, 'ann', new AbortController().signal, 5), {
      code: 'UNAVAILABLE',
    })
    const abort = new AbortController()
    const waiting = uploads.expect(ID, 'ann', abort.signal)
    abort.abort(new Error('cancelled'))
    await assert.rejects(waiting, /cancelled/)
  })
})

describe('buildSchema', () => {
  it('takes addresses of the forms that the engine takes, and no others', () => {
    const parsed = (address: string): boolean =>
      buildSchema.safeParse({ source: { kind: 'address', address } }).success
    assert.ok(parsed('https://host/team/app.git#main:sub'))
    assert.ok(parsed('git@host:team/app.git'))
    assert.ok(!parsed('file:///etc'))
    assert.ok(!parsed('--upload-pack=x'))
    assert.ok(!buildSchema.safeParse({ source: { kind: 'dockerfile', text: ' \n' } }).success)
  })
})
