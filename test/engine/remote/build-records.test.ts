import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import type { BuildEngine, BuildEvent, BuildRequest } from '../../../engine/contract/builds.ts'
import { BuildError } from '../../../engine/errors.ts'
import { openRemoteEngine } from '../../../engine/remote/remote-engine.ts'
import { openDoor } from '../api/door.ts'

const at = '2026-01-02T03:04:05.000Z'
const STARTED: BuildEvent = {
  kind: 'started',
  step: '1',
  name: '[1/1] FROM scratch',
  number: 1,
  total: 1,
  instruction: 'FROM scratch',
  at,
}
const IMAGE = `sha256:${'1'.repeat(64)}`
const ID = '0123456789abcdef0123456789abcdef'
const REQUEST: BuildRequest = {
  id: ID,
  context: { empty: true, dockerfile: 'FROM scratch\n' },
  tags: ['docker.io/library/app:1'],
}

/** A remote engine over our own door over a builder that only builds, with a directory for records. */
async function over(t: TestContext, build: BuildEngine['build']) {
  const records = fs.mkdtempSync(path.join(os.tmpdir(), 'g-records'))
  const door = await openDoor(t, { builds: { build } })
  const open = () => openRemoteEngine({ url: `unix://${door.socketPath}`, records })
  const engine = await open()
  t.after(async () => {
    await engine.close()
    fs.rmSync(records, { recursive: true, force: true })
  })
  return { as: engine.as, builds: engine.builds, close: () => engine.close(), open }
}

async function drain(events: AsyncIterable<BuildEvent>): Promise<void> {
  for await (const event of events) void event
}

describe('builds that are asked for through a remote engine', () => {
  it('are on record here with their steps and their log, also when it is opened again', async (t) => {
    const { as, builds, close, open } = await over(t, async function* () {
      yield STARTED
      yield { kind: 'log', step: '1', stream: 'stdout', data: Buffer.from('hello\n'), at }
      yield { kind: 'finished', step: '1', cached: false, result: IMAGE, at }
      yield { kind: 'built', image: IMAGE, tags: [] }
    })
    const changes = builds.watch()[Symbol.asyncIterator]()
    const first = changes.next()
    await drain(as({ kind: 'console', name: 'ann', userId: 'u1' }).builds.build(REQUEST))
    assert.equal((await first).done, false)
    await changes.return?.()
    const [listed] = await builds.list()
    assert.deepEqual([listed?.id, listed?.state, listed?.completedSteps], [ID, 'done', 1])
    assert.equal(listed?.createdBy.Name, 'ann')
    assert.equal((await builds.inspect(ID)).dockerfileText, 'FROM scratch\n')
    await close()
    const again = await open()
    try {
      const log: string[] = []
      for await (const event of again.builds.log(ID))
        log.push(event.kind === 'log' ? Buffer.from(event.data).toString() : event.kind)
      assert.ok(log.includes('hello\n') && log.includes('started'))
      await again.builds.pin(ID, true)
      assert.equal((await again.builds.inspect(ID)).pinned, true)
      await again.builds.forget(ID)
      assert.deepEqual(await again.builds.list(), [])
    } finally {
      await again.close()
    }
  })

  it('are on record as failed with the words of the other side', async (t) => {
    const { builds } = await over(t, async function* () {
      yield STARTED
      throw new BuildError('the command is at fault', { exitCode: 3 })
    })
    await assert.rejects(drain(builds.build(REQUEST)), /the command is at fault/)
    const { failure, state } = await builds.inspect(ID)
    assert.equal(state, 'failed')
    assert.match(failure?.message ?? '', /the command is at fault/)
    assert.equal(failure?.exitCode, 3)
  })

  it(
    'are cancelled there when they are cancelled here, or nobody reads them any more',
    { timeout: 20_000 },
    async (t) => {
      let stopped = 0
      const { builds } = await over(t, async function* (_request, signal) {
        yield STARTED
        await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()))
        stopped++
      })
      const running = drain(builds.build(REQUEST))
      running.catch(() => undefined)
      while ((await builds.list())[0]?.totalSteps !== 1) await new Promise((r) => setTimeout(r, 10))
      await builds.cancel(ID)
      await assert.rejects(running, /the build was cancelled by/)
      assert.equal((await builds.inspect(ID)).state, 'cancelled')
      const other = 'f'.repeat(32)
      for await (const event of builds.build({ ...REQUEST, id: other }))
        if (event.kind === 'started') break
      assert.equal((await builds.inspect(other)).state, 'cancelled')
      while (stopped < 2) await new Promise((r) => setTimeout(r, 10))
    },
  )

  it('are over for who cancels or closes, also when their reader neither reads nor goes', async (t) => {
    const stopped: string[] = []
    const { builds, close, open } = await over(t, async function* ({ dockerfile }, signal) {
      yield STARTED
      yield { kind: 'log', step: '1', stream: 'stdout', data: Buffer.from('unread\n'), at }
      await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()))
      stopped.push(dockerfile ?? '')
    })
    const stuck = async (id: string) => {
      const events = builds.build({ ...REQUEST, id })[Symbol.asyncIterator]()
      await events.next()
      return events
    }
    const soon = async (what: Promise<unknown>) => {
      const late = new Promise((resolve) => setTimeout(resolve, 5000, 'late').unref())
      assert.notEqual(await Promise.race([what, late]), 'late')
    }
    const first = await stuck(ID)
    await soon(builds.cancel(ID))
    assert.equal((await builds.inspect(ID)).state, 'cancelled')
    // what a reader who comes back is told then is not put on record any more
    await assert.rejects(async () => {
      for (;;) if ((await first.next()).done === true) return
    }, /the build was cancelled by/)
    await stuck('e'.repeat(32))
    await soon(close())
    while (stopped.length < 2) await new Promise((r) => setTimeout(r, 10))
    const again = await open()
    t.after(() => again.close())
    assert.deepEqual(
      (await again.builds.list()).map(({ completedSteps, id, state }) => [
        ...[id.charAt(0), state],
        completedSteps,
      ]),
      [
        ['e', 'interrupted', 0],
        ['0', 'cancelled', 0],
      ],
    )
  })

  it('are told not to be kept when there is no place for them', async (t) => {
    const door = await openDoor(t, {})
    const engine = await openRemoteEngine({ url: `unix://${door.socketPath}` })
    t.after(() => engine.close())
    await assert.rejects(engine.builds.list(), {
      code: 'NOT_IMPLEMENTED',
      message: `the engine at unix://${door.socketPath} keeps no records of builds: the Docker API has no call for it`,
    })
  })
})
