import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, it } from 'node:test'
import type { Engine } from '../../../../engine/contract.ts'
import type {
  BuildChange,
  BuildLogEvent,
  BuildRequest,
} from '../../../../engine/contract/builds.ts'
import { BuildHistory } from '../../../../engine/build/history/history.ts'
import { journalFile } from '../../../../engine/build/history/journal.ts'
import { BuildHistory as ClientHistory } from '../../../../engine/buildkit/history.ts'
import {
  historyEvents,
  recordedProgress,
  updateHistory,
} from '../../../../engine/buildkit/history-events.ts'
import { openLocalEngine } from '../../../../engine/index.ts'
import { EngineProcess } from '../../../helpers/engine-process.ts'
import { importBusybox, openTestEngine, testInstance } from '../../../helpers/local-engine.ts'
import type { TestEngine } from '../../../helpers/local-engine.ts'
import { patient } from '../../../helpers/patience.ts'
import { sweepInstance } from '../../../helpers/sweep-instance.ts'
import { tarOf } from '../../images/archives.ts'

const ID = /^[0-9a-f]{32}$/

async function build(
  engine: Engine,
  dockerfile: string,
  request: Partial<BuildRequest> = {},
  signal?: AbortSignal,
): Promise<void> {
  const context = { empty: true as const, dockerfile }
  for await (const _event of engine.builds.build({ context, ...request }, signal));
}

async function logOf(engine: Engine, id: string): Promise<BuildLogEvent[]> {
  const events: BuildLogEvent[] = []
  for await (const event of engine.builds.log(id)) events.push(event)
  return events
}

function printed(events: readonly BuildLogEvent[]): string {
  return events
    .map((event) => (event.kind === 'log' ? Buffer.from(event.data).toString() : ''))
    .join('')
}

/** What is on disk of all that was printed. */
function journals(dataRoot: string): string {
  const directory = path.join(dataRoot, 'build-history')
  return fs
    .readdirSync(directory)
    .map((id) => journalFile(path.join(directory, id)))
    .filter((file) => fs.existsSync(file))
    .map((file) => fs.readFileSync(file, 'utf8'))
    .join('')
}

async function until(holds: () => unknown): Promise<void> {
  const end = Date.now() + patient(20_000)
  while (!(await holds())) {
    assert.ok(Date.now() < end, 'it did not come about')
    await sleep(20)
  }
}

describe('builds on record', () => {
  let test: TestEngine
  before(async () => {
    test = await openTestEngine()
  })
  after(() => test.close())

  const newest = async (): Promise<string> => (await test.engine.builds.list())[0]?.id ?? ''

  it('tell who built what from what, each step with its time and place, and what was printed', async () => {
    const by = test.engine.as({ kind: 'console', name: 'eve', userId: 'u1' })
    await build(by, 'FROM busybox\nENV A=1\nRUN echo said; echo wrong >&2\n', {
      tags: ['history:1'],
      buildArgs: { TOKEN: 'a-secret' },
      labels: { a: 'b' },
    })
    const record = await test.engine.builds.inspect(await newest())
    assert.match(record.id, ID)
    assert.equal(record.state, 'done')
    assert.deepEqual(record.createdBy, { Kind: 'console', Name: 'eve', UserId: 'u1' })
    assert.deepEqual(record.source, { kind: 'dockerfile' })
    assert.deepEqual(record.tags, ['history:1'])
    assert.equal(record.image, (await test.engine.images.inspect('history:1')).Id)
    assert.deepEqual([record.completedSteps, record.totalSteps, record.warnings], [3, 3, 1])
    assert.deepEqual(
      record.steps.map(({ instruction, location, state }) => [instruction, location?.line, state]),
      [
        ['FROM busybox', 1, 'done'],
        ['ENV A=1', 2, 'done'],
        ['RUN echo said; echo wrong >&2', 3, 'done'],
      ],
    )
    assert.ok(record.steps.every(({ endedAt, startedAt }) => (endedAt ?? '') >= startedAt))
    assert.deepEqual(record.buildArgs, ['TOKEN'])
    assert.equal(record.dockerfileText, 'FROM busybox\nENV A=1\nRUN echo said; echo wrong >&2\n')
    assert.match(printed(await logOf(test.engine, record.id)), /said\n/)
    const directory = path.join(test.instance.dataRoot, 'build-history', record.id)
    await until(() => {
      const text = fs.readFileSync(path.join(directory, 'record.json'), 'utf8')
      return (JSON.parse(text) as { state: string }).state === 'done'
    })
    assert.doesNotMatch(fs.readFileSync(path.join(directory, 'record.json'), 'utf8'), /a-secret/)
  })

  it('hold of what a client asked neither values of arguments nor credentials in addresses', async () => {
    await build(test.engine, 'FROM busybox\n', {
      client: {
        ref: 'secretive',
        attributes: {
          'build-arg:TOKEN': 'a-secret',
          context: 'https://me:a-secret@example.com/a.git',
          'context:more': 'https://example.com/more.tar?signature=a-secret',
          target: 'last',
        },
        tags: [],
        isInternal: false,
      },
    })
    const { client } = await test.engine.builds.inspect('secretive')
    assert.deepEqual(client?.attributes, {
      context: 'https://example.com/a.git',
      'context:more': 'https://example.com/more.tar?…',
      target: 'last',
    })
  })

  it('tell where a build failed and what its command printed last, also after the engine was started again', async () => {
    await assert.rejects(
      build(test.engine, 'FROM busybox\nRUN echo before; \\\n  echo the end >&2; exit 7\n'),
    )
    const id = await newest()
    await test.reopen()
    const [summary] = await test.engine.builds.list()
    assert.equal(summary?.id, id)
    assert.equal(summary?.state, 'failed')
    const record = await test.engine.builds.inspect(id)
    assert.deepEqual(record.failure?.location, { line: 2, endLine: 3 })
    assert.equal(record.failure?.exitCode, 7)
    assert.match(record.failure?.lastOutput ?? '', /the end/)
    assert.equal(record.steps.at(-1)?.state, 'failed')
    assert.match(printed(await logOf(test.engine, id)), /before\nthe end\n/)
  })

  it('tell of a Dockerfile that cannot be read', async () => {
    await assert.rejects(build(test.engine, 'FROM busybox\nRUNN true\n'))
    const record = await test.engine.builds.inspect(await newest())
    assert.equal(record.state, 'failed')
    assert.equal(record.failure?.location?.line, 2)
  })

  it('are followed while they are under way, from the beginning, and cancelled by whoever may', async () => {
    const id = 'ab'.repeat(16)
    const building = build(
      test.engine,
      'FROM busybox\nRUN echo first; sleep 1; echo second; sleep 60\n',
      { id, tags: ['never:1'] },
    )
    building.catch(() => undefined)
    await until(async () => (await test.engine.builds.list())[0]?.id === id)
    const events: BuildLogEvent[] = []
    for await (const event of test.engine.builds.log(id, { follow: true })) {
      events.push(event)
      if (printed(events).includes('second')) {
        await test.engine.as({ kind: 'console', name: 'eve', userId: 'u1' }).builds.cancel(id)
      }
    }
    assert.equal(printed(events), 'first\nsecond\n')
    await assert.rejects(building, /the build was cancelled by eve/)
    const record = await test.engine.builds.inspect(id)
    assert.equal(record.state, 'cancelled')
    assert.equal(record.steps.at(-1)?.state, 'cancelled')
    await assert.rejects(test.engine.builds.cancel(id), { code: 'CONFLICT' })
    await assert.rejects(test.engine.images.inspect('never:1'), { code: 'NOT_FOUND' })
    assert.deepEqual(fs.readdirSync(path.join(test.instance.dataRoot, 'builds')), [])
  })

  it('are cancelled when their reader goes', async () => {
    const abort = new AbortController()
    const building = build(test.engine, 'FROM busybox\nRUN sleep 60\n', {}, abort.signal)
    building.catch(() => undefined)
    await until(async () => (await test.engine.builds.list())[0]?.completedSteps === 1)
    abort.abort()
    await assert.rejects(building)
    assert.equal((await test.engine.builds.list())[0]?.state, 'cancelled')
  })

  it('tell watchers how they change, and go when they are taken off the record', async () => {
    const stop = new AbortController()
    const changes: BuildChange[] = []
    const watching = (async () => {
      for await (const change of test.engine.builds.watch(stop.signal)) changes.push(change)
    })()
    await build(test.engine, 'FROM busybox\n', {
      client: { ref: 'my-ref', attributes: {}, tags: [], isInternal: false },
    })
    const { id } = await test.engine.builds.inspect('my-ref')
    await test.engine.builds.pin(id, true)
    assert.equal((await test.engine.builds.inspect(id)).pinned, true)
    await test.engine.builds.forget(id)
    await assert.rejects(test.engine.builds.inspect(id), { code: 'NOT_FOUND' })
    assert.ok(!fs.existsSync(path.join(test.instance.dataRoot, 'build-history', id)))
    await until(() => changes.some((change) => 'removed' in change))
    stop.abort()
    await watching
    assert.ok(changes.some((change) => 'changed' in change && change.changed.state === 'done'))
  })

  it("are listed and told again to BuildKit's clients, who call them by their own names", async () => {
    const client = {
      ref: 'their-ref',
      attributes: { filename: 'Dockerfile' },
      tags: ['theirs:1'],
      isInternal: false,
    }
    await build(test.engine, 'FROM busybox\nRUN echo told again\n', { client, noCache: true })
    await test.reopen()
    const { builds } = test.engine
    const own = new ClientHistory()
    const listed: string[] = []
    const options = { ActiveOnly: false, Ref: '', EarlyExit: true, Filter: [], Limit: 0 }
    const signal = AbortSignal.timeout(10_000)
    for await (const { record } of historyEvents(builds, own, options, signal))
      listed.push(record.Ref)
    assert.equal(listed[0], 'their-ref')
    assert.ok(listed.length > 3)
    const progress = await recordedProgress(builds, own, 'their-ref', signal)
    let said = ''
    for await (const { logs = [] } of progress?.follow(signal) ?? [])
      for (const { msg } of logs) said += Buffer.from(msg).toString()
    assert.equal(said, 'told again\n')
    const live = new AbortController()
    const seen: string[] = []
    for await (const { record, type } of historyEvents(
      builds,
      own,
      { ...options, EarlyExit: false, Limit: 1 },
      live.signal,
    )) {
      if (seen.length === 0) void build(test.engine, 'FROM busybox\nENV live=1\n')
      seen.push(`${String(type)} ${record.Ref === 'their-ref' ? 'old' : 'new'}`)
      if (record.Ref !== 'their-ref' && record.CompletedAt) live.abort()
    }
    // 0: started, 1: complete
    assert.deepEqual(seen, ['1 old', '0 new', '1 new'])
    const change = { Pinned: false, Delete: true, Finalize: false }
    await updateHistory(builds, own, 'their-ref', change)
    await assert.rejects(builds.inspect('their-ref'), { code: 'NOT_FOUND' })
  })

  it('go on when there is no place for their record, and the log says so', async () => {
    const directory = path.join(test.instance.dataRoot, 'build-history')
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'nr_inodes=1', 'none', directory])
    try {
      await test.reopen()
      const id = '34'.repeat(16)
      await build(test.engine, 'FROM busybox\nRUN echo nobody writes this down\n', { id })
      assert.equal((await test.engine.builds.inspect(id)).state, 'done')
      assert.match(
        test.warnings.join('\n'),
        new RegExp(`^build ${id} could not be put on record, and goes on without: ENOSPC`, 'm'),
      )
    } finally {
      await test.reopenAround(() => execFileSync('umount', [directory]))
    }
  })

  it('refuse an id that is taken or none', async () => {
    const id = 'cd'.repeat(16)
    await build(test.engine, 'FROM busybox\n', { id })
    await assert.rejects(build(test.engine, 'FROM busybox\n', { id }), { code: 'CONFLICT' })
    await assert.rejects(build(test.engine, 'FROM busybox\n', { id: '../x' }), {
      code: 'INVALID_PARAMETER',
    })
  })
})

describe('BuildHistory', () => {
  let root = ''
  before(() => {
    root = fs.mkdtempSync('/tmp/g-history-')
  })
  after(() => {
    fs.rmSync(root, { recursive: true, force: true })
  })

  it('keeps the newest 200 and those that are pinned, and of addresses no credentials', async () => {
    const open = (): BuildHistory => new BuildHistory(root, (message) => assert.fail(message))
    const history = open()
    const ids: string[] = []
    for (let i = 0; i < 203; i++) {
      const context = { remote: `https://me:word@host/team/app.git#v${String(i)}` }
      const recording = history.begin({ context })
      recording.end('done')
      history.file(recording)
      await history.close()
      ids.push(recording.record.id)
      if (i === 0) await history.pin(recording.record.id, true)
    }
    const kept = await open().list()
    assert.equal(kept.length, 201)
    assert.equal(kept[0]?.id, ids.at(-1))
    assert.equal(kept.at(-1)?.id, ids[0])
    assert.ok(!kept.some(({ id }) => id === ids[1]))
    assert.deepEqual(kept[0]?.source, {
      kind: 'git',
      address: 'https://host/team/app.git#v202',
      commit: null,
    })
    const files = fs.readdirSync(path.join(root, 'build-history'))
    assert.equal(files.length, 201)
  })

  it('leaves aside a record that cannot be read, and sweeps what is none', async () => {
    const directory = path.join(root, 'build-history')
    fs.mkdirSync(path.join(directory, 'ef'.repeat(16)))
    const broken = path.join(directory, 'fe'.repeat(16))
    fs.mkdirSync(broken)
    fs.writeFileSync(path.join(broken, 'record.json'), '{')
    const warnings: string[] = []
    const history = new BuildHistory(root, (message) => warnings.push(message))
    assert.equal((await history.list()).length, 201)
    assert.equal(warnings.length, 1)
    assert.ok(fs.existsSync(broken))
    assert.ok(!fs.existsSync(path.join(directory, 'ef'.repeat(16))))
  })
})

describe('BuildHistory on a disk that fails', () => {
  const root = fs.mkdtempSync('/tmp/g-history-')
  const directory = path.join(root, 'build-history')
  const warnings: string[] = []
  const open = (): BuildHistory => new BuildHistory(root, (message) => warnings.push(message))
  after(() => {
    fs.rmSync(root, { recursive: true, force: true })
  })

  it('reads its records once the disk lets it', async () => {
    fs.writeFileSync(directory, 'in the way')
    const history = open()
    await assert.rejects(history.list(), { code: 'ENOTDIR' })
    fs.rmSync(directory)
    fs.mkdirSync(directory)
    assert.deepEqual(await history.list(), [])
  })

  it('tells how a build ended that a full one could not take, and writes it when there is room', async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'none', directory])
    try {
      const history = open()
      const { end, record } = begun(history)
      const ballast = path.join(directory, 'ballast')
      assert.throws(() => {
        fs.writeFileSync(ballast, Buffer.alloc(1 << 20))
      })
      end('done')
      await history.close()
      assert.match(warnings.join('\n'), new RegExp(`build ${record.id} could not be put on record`))
      assert.deepEqual(
        [(await history.inspect(record.id)).state, (await history.list())[0]?.state],
        ['done', 'done'],
      )
      await assert.rejects(history.pin(record.id, true), /ENOSPC/)
      assert.equal((await history.list())[0]?.pinned, false)
      fs.rmSync(ballast)
      const next = begun(history)
      next.end('done')
      await history.close()
      for (const one of [history, open()]) {
        assert.equal((await one.inspect(record.id)).state, 'done')
        assert.equal((await one.list()).length, 2)
      }
    } finally {
      execFileSync('umount', [directory])
    }
  })

  it('puts a build that it had no place for on record once there is one', async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'nr_inodes=1', 'none', directory])
    try {
      warnings.length = 0
      const history = open()
      const id = '12'.repeat(16)
      const { end } = begun(history, id)
      assert.deepEqual(warnings, [`build ${id} could not be put on record, and goes on without`])
      assert.throws(() => history.begin({ id, context: { empty: true } }), { code: 'CONFLICT' })
      end('done')
      await history.close()
      assert.equal((await history.inspect(id)).state, 'done')
      assert.equal((await history.list())[0]?.id, id)
      for await (const event of history.log(id, { follow: true })) assert.fail(event.kind)
      assert.throws(() => history.begin({ id, context: { empty: true } }), { code: 'CONFLICT' })
      await assert.rejects(history.pin(id, true), /ENOSPC/)
      execFileSync('mount', ['-o', 'remount,nr_inodes=100', directory])
      await history.pin(id, true)
      for (const one of [history, open()]) assert.equal((await one.list())[0]?.pinned, true)
    } finally {
      execFileSync('umount', [directory])
    }
  })

  function begun(history: BuildHistory, id?: string) {
    const context = { remote: 'https://host/app.git' }
    const recording = history.begin({ context, ...(id !== undefined && { id }) })
    recording.journal.flush()
    return {
      record: recording.record,
      end: (state: 'done'): void => {
        recording.end(state)
        history.file(recording)
      },
    }
  }
})

describe('a build whose engine is killed', () => {
  it('is on record as interrupted, with what it had done and printed', async () => {
    const root = fs.mkdtempSync('/tmp/g-')
    const instance = testInstance(root)
    const program = new EngineProcess(instance)
    try {
      const remote = await program.start()
      await importBusybox(remote)
      const context = {
        tar: Readable.from([tarOf({ Dockerfile: 'FROM busybox\nRUN echo heard of; sleep 60\n' })]),
      }
      const building = (async () => {
        for await (const event of remote.builds.build({ context, tags: ['cut:1'] }))
          if (event.kind === 'log') {
            // what came in the last 50 ms may be lost
            await until(() => journals(instance.dataRoot).includes('"text":"heard of'))
            await program.kill()
          }
      })()
      await building.catch(() => undefined)
      const engine = await openLocalEngine(instance)
      try {
        const [summary] = await engine.builds.list()
        assert.equal(summary?.state, 'interrupted')
        assert.ok((summary?.endedAt ?? '') >= (summary?.startedAt ?? ''))
        const record = await engine.builds.inspect(summary?.id ?? '')
        assert.equal(record.createdBy.Kind, 'socket')
        assert.deepEqual(record.tags, ['cut:1'])
        assert.deepEqual(
          record.steps.map(({ state }) => state),
          ['done', 'cancelled'],
        )
        assert.equal(printed(await logOf(engine, record.id)), 'heard of\n')
      } finally {
        await engine.close()
      }
    } finally {
      await program.kill()
      await sweepInstance(instance)
      fs.rmSync(root, { recursive: true, force: true })
    }
  })
})
