import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ContainerSummary } from '../../../engine/types/docker.ts'
import type { LogBatch, StatsSample, TopicName } from '../../../server/live/protocol.ts'
import { openTestConsole, until, type TestSocket } from '../console.ts'
import { idOf } from '../mock-engine.ts'

const WEB = idOf(0xabc)

function running(id: string, name: string): ContainerSummary {
  return { Id: id, Names: [`/${name}`], State: 'running' }
}

async function subscribe<T>(socket: TestSocket, topic: TopicName, argument = ''): Promise<T> {
  const answer = (await socket.emitWithAck('subscribe', topic, argument)) as
    { ok: true; value: T } | { ok: false; message: string }
  if (!answer.ok) throw new Error(answer.message)
  return answer.value
}

/** Everything of a topic that arrives. */
function collect<T>(socket: TestSocket, topic: TopicName): T[] {
  const changes: T[] = []
  socket.on('topic', (name: TopicName, _argument: string, change: unknown) => {
    if (name === topic) changes.push(change as T)
  })
  return changes
}

describe('live topics', () => {
  it('are for those signed in, and end with the session', async (t) => {
    const { connect, signIn, context } = await openTestConsole(t)
    const stranger = connect()
    const refused = await new Promise<Error>((resolve) => stranger.once('connect_error', resolve))
    assert.match(refused.message, /sign in/i)
    const cookie = await signIn()
    const foreign = connect(cookie, { origin: 'http://evil.example' })
    await new Promise((resolve) => foreign.once('connect_error', resolve))
    const socket = connect(cookie)
    await new Promise<void>((resolve) => socket.once('connect', resolve))
    const gone = new Promise((resolve) => socket.once('disconnect', resolve))
    const [session] = await context.db.session.findMany()
    await context.sessions.end(session!.id)
    assert.equal(await gone, 'io server disconnect')
  })

  it('open one upstream for many browsers and close it after the last', async (t) => {
    const { connect, signIn, mock, live } = await openTestConsole(t)
    mock.rows = [running(WEB, 'web')]
    const cookie = await signIn()
    const sockets = [1, 2, 3, 4].map(() => connect(cookie))
    const pasts = await Promise.all(
      sockets.map((socket) => subscribe<StatsSample[]>(socket, 'stats', WEB)),
    )
    assert.equal(pasts.length, 4)
    const changes = sockets.map((socket) => collect<StatsSample[]>(socket, 'stats'))
    await until(() => changes.every((list) => list.length >= 3), 'everyone got samples')
    assert.equal(mock.opened.stats, 1)
    const sample = changes[0]!.at(-1)![0]!
    assert.equal(Math.round(sample.cpu), 50)
    assert.equal(sample.memory, 700)
    assert.equal(sample.networkRxRate, 100)
    assert.equal(sample.pidsLimit, null)
    for (const socket of sockets) socket.close()
    // The hub's linger is longer than a test: what happens after it is the channel's own test.
    assert.deepEqual(live.hub.open(), [`stats ${WEB}`])
  })

  it('send of the container list only rows that differ', async (t) => {
    const { connect, signIn, mock } = await openTestConsole(t)
    mock.rows = [running(WEB, 'web'), running(idOf(2), 'db')]
    const socket = connect(await signIn())
    const changes = collect<{ changed: ContainerSummary[]; removed: string[] }>(
      socket,
      'containers',
    )
    assert.equal((await subscribe<ContainerSummary[]>(socket, 'containers')).length, 2)
    await until(() => mock.openStreams.events === 1, 'events are followed')
    mock.rows = [{ ...running(WEB, 'web'), State: 'exited' }]
    // A burst is read once.
    const before = mock.opened.list
    for (const Action of ['kill', 'die', 'stop'])
      mock.emit({ Type: 'container', Action, Actor: { ID: WEB } })
    await until(() => changes.length > 0, 'the change came')
    assert.equal(mock.opened.list - before, 1)
    assert.deepEqual(changes, [
      { changed: [{ ...running(WEB, 'web'), State: 'exited' }], removed: [idOf(2)] },
    ])
  })

  it('arrive once however often and fast one socket asks for them', async (t) => {
    const { connect, signIn, mock } = await openTestConsole(t)
    mock.rows = [running(WEB, 'web')]
    const socket = connect(await signIn())
    const changes = collect<{ changed: ContainerSummary[] }>(socket, 'containers')
    const answers = [subscribe(socket, 'containers'), subscribe(socket, 'containers')]
    socket.emit('unsubscribe', 'containers', '')
    await Promise.all([...answers, subscribe(socket, 'containers')])
    await until(() => mock.openStreams.events === 1, 'events are followed')
    mock.rows = [{ ...running(WEB, 'web'), State: 'exited' }]
    mock.emit({ Type: 'container', Action: 'die', Actor: { ID: WEB } })
    await until(() => changes.length > 0, 'the change came')
    await new Promise((resolve) => setTimeout(resolve, 200))
    assert.equal(changes.length, 1)
  })

  it('join the log of before and of now, over a stop and a start', async (t) => {
    const { connect, signIn, mock } = await openTestConsole(t)
    mock.rows = [running(WEB, 'web')]
    const socket = connect(await signIn())
    const changes = collect<LogBatch>(socket, 'logs')
    const stamp = (i: number): string => `2026-01-01T00:00:00.${String(i).padStart(9, '0')}Z`
    const asking = subscribe<LogBatch>(socket, 'logs', WEB)
    await until(() => mock.logStreams.length === 1, 'the log is open')
    mock.logStreams[0]!.write(`${stamp(1)} one\r\n${stamp(2)} tw`)
    mock.logStreams[0]!.write('o\r\n')
    assert.deepEqual((await asking).lines, [
      { time: stamp(1), stream: 'stdout', text: 'one' },
      { time: stamp(2), stream: 'stdout', text: 'two' },
    ])
    mock.rows[0]!.State = 'exited'
    mock.logStreams[0]!.end(`${stamp(3)} three\n`)
    await until(() => changes.some(({ ended }) => ended === true), 'the end came')
    mock.rows[0]!.State = 'running'
    await until(() => mock.openStreams.events === 1, 'events are followed')
    mock.emit({ Type: 'container', Action: 'start', Actor: { ID: WEB } })
    await until(() => mock.logStreams.length === 2, 'the log is open again')
    // The second stream begins a little earlier than the first ended.
    mock.logStreams[1]!.write(`${stamp(3)} three\n${stamp(4)} four\n`)
    await until(
      () => changes.some(({ lines }) => lines.some(({ text }) => text === 'four')),
      'four came',
    )
    const texts = changes.flatMap(({ lines }) => lines.map(({ text }) => text))
    assert.deepEqual(texts, ['three', 'four'])
  })

  it('refuse what is no topic, a wrong argument and too many at once', async (t) => {
    const { connect, signIn, mock } = await openTestConsole(t)
    const socket = connect(await signIn())
    await assert.rejects(subscribe(socket, 'bogus' as TopicName), /malformed/)
    await assert.rejects(subscribe(socket, 'stats', '../x'), /full container ID/)
    await assert.rejects(subscribe(socket, 'host', 'x'), /no argument/)
    await assert.rejects(subscribe(socket, 'stats', idOf(77)), /No such container/)
    mock.rows = Array.from({ length: 70 }, (_, i) => running(idOf(i), `c${i}`))
    const all = await Promise.allSettled(mock.rows.map((row) => subscribe(socket, 'stats', row.Id)))
    assert.ok(all.some(({ status }) => status === 'rejected'))
    assert.ok(all.filter(({ status }) => status === 'fulfilled').length <= 64)
  })

  it('keep nothing in memory for a browser that does not read', async (t) => {
    const { connect, signIn, mock, live } = await openTestConsole(t)
    mock.rows = [running(WEB, 'web')]
    const cookie = await signIn()
    const slow = connect(cookie)
    const fast = connect(cookie)
    await Promise.all([subscribe(slow, 'logs', WEB), subscribe(fast, 'logs', WEB)])
    const received = collect<LogBatch>(fast, 'logs')
    const missed = collect<LogBatch>(slow, 'logs')
    const slowId = slow.id!
    // The browser's own socket stops reading.
    const raw = (
      slow.io.engine.transport as unknown as { ws: { _socket: { pause(): void; resume(): void } } }
    ).ws._socket
    raw.pause()
    let sequence = 0
    const stream = mock.logStreams[0]!
    const text = 'x'.repeat(1000)
    for (let round = 0; round < 25; round++) {
      for (let i = 0; i < 1000; i++) {
        stream.write(
          `2026-01-01T00:00:${String(round).padStart(2, '0')}.${String(i).padStart(9, '0')}Z ${sequence++} ${text}\n`,
        )
      }
      await until(
        () =>
          received
            .flatMap(({ lines }) => lines)
            .at(-1)
            ?.text.startsWith(`${sequence - 1} `) === true,
        'the fast one has all',
        10_000,
      )
    }
    // 25 MB were printed. What waits for the slow one is bounded.
    const conn = live.io.sockets.sockets.get(slowId)!.conn as unknown as { writeBuffer: unknown[] }
    assert.ok(conn.writeBuffer.length <= 17, `${conn.writeBuffer.length} packets wait`)
    raw.resume()
    await until(
      () =>
        missed
          .flatMap(({ lines }) => lines)
          .at(-1)
          ?.text.startsWith(`${sequence - 1} `) === true,
      'the slow one is up to date',
    )
    const lines = missed.reduce((sum, batch) => sum + batch.lines.length + batch.skipped, 0)
    assert.equal(lines, sequence)
    assert.ok(missed.some(({ skipped }) => skipped > 0))
  })
})
