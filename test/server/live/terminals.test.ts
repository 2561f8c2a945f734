import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import type { Answer, TerminalOpened } from '../../../server/live/protocol.ts'
import { Terminals } from '../../../server/live/terminals.ts'
import { openTestConsole, until, type TestConsole, type TestSocket } from '../console.ts'
import { idOf } from '../mock-engine.ts'

const WEB = idOf(0xabc)
const SIZE = { rows: 24, cols: 80 }

async function start(
  t: Parameters<typeof openTestConsole>[0],
): Promise<TestConsole & { socket: TestSocket; cookie: string }> {
  const test = await openTestConsole(t)
  test.mock.rows = [{ Id: WEB, Names: ['/web'], State: 'running' }]
  const cookie = await test.signIn()
  return { ...test, cookie, socket: test.connect(cookie) }
}

async function open(socket: TestSocket, command?: string[]): Promise<TerminalOpened> {
  const answer = (await socket.emitWithAck('terminal:open', {
    containerId: WEB,
    kind: 'exec',
    size: SIZE,
    ...(command ? { command } : {}),
  })) as Answer<TerminalOpened>
  if (!answer.ok) throw new Error(answer.message)
  return answer.value
}

function output(socket: TestSocket): () => string {
  const chunks: Buffer[] = []
  socket.on('terminal:output', (_session: string, data: Uint8Array) =>
    chunks.push(Buffer.from(data)),
  )
  return () => Buffer.concat(chunks).toString()
}

describe('terminals', () => {
  it('find the best shell that is there', async (t) => {
    const { socket, mock } = await start(t)
    mock.missingPrograms = new Set(['bash', 'zsh'])
    const { title, kind } = await open(socket)
    assert.equal(title, 'ash')
    assert.equal(kind, 'exec')
    assert.deepEqual(mock.calls, ['exec bash', 'exec zsh', 'exec ash'])
  })

  it('say which shells were tried when there is none', async (t) => {
    const { socket, mock } = await start(t)
    mock.missingPrograms = new Set(['bash', 'zsh', 'ash', 'sh'])
    await assert.rejects(open(socket), /no shell \(tried bash, zsh, ash, sh\)/)
    await assert.rejects(open(socket, ['bash']), /executable file not found/)
  })

  it('live on without a browser and replay to the next, without asking the terminal again', async (t) => {
    const { socket, mock, connect, cookie } = await start(t)
    const { session } = await open(socket)
    const { far } = mock.execs.get(session)!
    far.write('\x1b[32mgreen\x1b[0m \x1b[6nprompt$ ')
    const seen = output(socket)
    await until(() => seen().includes('prompt$'), 'the first sees it')
    socket.close()
    far.write('while away')
    const next = connect(cookie)
    const text = output(next)
    const answer = (await next.emitWithAck('terminal:join', session, {
      rows: 30,
      cols: 100,
    })) as Answer<TerminalOpened>
    assert.equal(answer.ok, true)
    await until(() => text().includes('while away'), 'the replay came')
    assert.equal(text(), '\x1bc\x1b[32mgreen\x1b[0m prompt$ while away')
    assert.equal(mock.resized.at(-1), '30x100')
  })

  it('take input with an acknowledgement, and tell their end', async (t) => {
    const { socket, mock } = await start(t)
    const { session } = await open(socket)
    const seen = output(socket)
    assert.equal(await socket.emitWithAck('terminal:input', session, 'ls\n'), true)
    await until(() => seen().includes('ls\n'), 'the echo came')
    assert.equal(await socket.emitWithAck('terminal:input', 'nowhere', 'ls\n'), false)
    const ended = new Promise<unknown>((resolve) =>
      socket.once('terminal:end', (_id, end) => resolve(end)),
    )
    const exec = mock.execs.get(session)!
    exec.exit = 3
    exec.far.end()
    assert.deepEqual(await ended, { exitCode: 3 })
    assert.equal(await socket.emitWithAck('terminal:input', session, 'x'), false)
  })

  it('leave no connection to the database behind, however many are opened', async (t) => {
    const { socket, context } = await start(t)
    const file = path.join(context.env.instance.dataRoot, 'console.db')
    const connections = (): number =>
      fs.readdirSync('/proc/self/fd').filter((fd) => {
        try {
          return fs.readlinkSync(`/proc/self/fd/${fd}`) === file
        } catch {
          // the descriptor of the listing itself
          return false
        }
      }).length
    const before = connections()
    assert.ok(before > 0)
    for (let i = 0; i < 5; i++) await open(socket)
    assert.equal(connections(), before)
  })

  it('belong to their user', async (t) => {
    const { socket, context, connect } = await start(t)
    const { session } = await open(socket)
    await context.db.user.create({
      data: { id: 'u2', name: 'eve', passwordHash: 'x', role: 'admin', createdAt: new Date() },
    })
    const { token } = await context.sessions.begin(
      { id: 'u2', name: 'eve', role: 'admin' },
      { ip: '', userAgent: '' },
    )
    const eve = connect(`gantry_session=${token}`)
    const joined = (await eve.emitWithAck('terminal:join', session, SIZE)) as Answer<unknown>
    assert.equal(joined.ok, false)
    assert.equal(await eve.emitWithAck('terminal:input', session, 'x'), false)
  })

  it('end with the sign-in', async (t) => {
    const { socket, mock, context } = await start(t)
    const { session } = await open(socket)
    const [login] = await context.db.session.findMany()
    await context.sessions.end(login!.id)
    await until(() => mock.execs.get(session)!.near.destroyed, 'the stream is closed')
    assert.equal(await context.db.setting.count(), 0)
  })

  it('are found again by a restarted server, and only by their user', async (t) => {
    const { socket, mock, context, live, connect, cookie } = await start(t)
    const { session } = await open(socket)
    // The server goes without a word: the record is all the next one has.
    live.terminals.close()
    const [row] = await context.db.setting.findMany()
    assert.equal(row?.key, `terminal:${session}`)
    const next = new Terminals(context)
    t.after(() => {
      next.close()
    })
    await next.restore()
    live.io.on('connection', (each) => {
      each.removeAllListeners('terminal:join')
      next.serve(each, {
        congested: false,
        whenFree: (_key: string, send: () => void) => send(),
        forget: () => undefined,
      } as never)
    })
    const again = connect(cookie)
    const text = output(again)
    const answer = (await again.emitWithAck(
      'terminal:join',
      session,
      SIZE,
    )) as Answer<TerminalOpened>
    assert.equal(answer.ok && answer.value.title, 'bash')
    await until(() => text().includes('replayed'), 'the replay came')
    assert.equal(mock.execs.get(session)!.exit, null)
  })
})
