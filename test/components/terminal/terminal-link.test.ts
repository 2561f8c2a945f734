import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, test } from 'node:test'
import { TerminalLink, type TerminalSocket } from '../../../components/terminal/terminal-link.ts'

type Ack = (answer: unknown) => void

/** A socket whose other end is the test. */
class FakeSocket {
  connected = true
  readonly sent: unknown[][] = []
  readonly #listeners = new EventEmitter()
  on = this.#listeners.on.bind(this.#listeners)
  off = this.#listeners.off.bind(this.#listeners)
  emit = (...message: unknown[]) => this.sent.push(message)
  receive = (event: string, ...args: unknown[]) => this.#listeners.emit(event, ...args)
  answer(event: string, answer: unknown) {
    const message = this.sent.findLast(([name]) => name === event)
    ;(message?.at(-1) as Ack)(answer)
  }
  drop() {
    this.connected = false
    this.receive('disconnect')
  }
  back() {
    this.connected = true
    this.receive('connect')
  }
}

function setUp(session: string | null = null) {
  const socket = new FakeSocket()
  const log: string[] = []
  const link = new TerminalLink(
    socket as unknown as TerminalSocket,
    { rows: 24, cols: 80 },
    {
      output: (data) => log.push(new TextDecoder().decode(data)),
      reset: () => log.push('[reset]'),
      opened: ({ session, title }) => log.push(`[opened ${session} ${title}]`),
      state: ({ phase }) => log.push(`[${phase}]`),
    },
    session,
  )
  return { socket, link, log }
}

const bytes = (text: string) => new TextEncoder().encode(text)
const opened = (session: string) => ({ ok: true, value: { session, kind: 'exec', title: 'bash' } })
const request = { containerId: 'c', kind: 'exec' as const }

describe('TerminalLink', () => {
  test('keeps output that overtakes the answer', () => {
    const { socket, link, log } = setUp()
    link.open(request)
    socket.receive('terminal:output', 's1', bytes('$ '))
    socket.receive('terminal:output', 'other', bytes('no'))
    socket.answer('terminal:open', opened('s1'))
    socket.receive('terminal:output', 's1', bytes('ls').buffer)
    assert.deepEqual(log, ['[opening]', '[opened s1 bash]', '[open]', '$ ', 'ls'])
  })

  test('joins again after a lost connection, and shows the replay once', () => {
    const { socket, link, log } = setUp()
    link.open(request)
    socket.answer('terminal:open', opened('s1'))
    socket.receive('terminal:output', 's1', bytes('old'))
    socket.drop()
    link.input('lost')
    socket.back()
    socket.receive('terminal:output', 's1', bytes('old and new'))
    socket.answer('terminal:join', opened('s1'))
    assert.deepEqual(log.slice(3), [
      'old',
      '[reconnecting]',
      '[reset]',
      'old and new',
      '[opened s1 bash]',
      '[open]',
    ])
    assert.ok(!socket.sent.some(([event]) => event === 'terminal:input'))
  })

  test('resets before a replay that follows the answer too', () => {
    const { socket, link, log } = setUp('s1')
    link.join()
    socket.answer('terminal:join', opened('s1'))
    socket.receive('terminal:output', 's1', bytes('all'))
    assert.deepEqual(log, ['[reconnecting]', '[reset]', '[opened s1 bash]', '[open]', 'all'])
  })

  test('says that the session is over when it cannot be joined, and keeps the screen', () => {
    const { socket, link, log } = setUp('s1')
    link.join()
    socket.answer('terminal:join', { ok: false, code: 'NOT_FOUND', message: 'no such session' })
    assert.deepEqual(log, ['[reconnecting]', '[ended]'])
    assert.deepEqual(link.state, {
      phase: 'ended',
      exitCode: null,
      message: null,
    })
  })

  test('ends with the exit code and starts again', () => {
    const { socket, link } = setUp()
    link.open(request)
    socket.receive('terminal:end', 's1', { exitCode: 7 })
    socket.answer('terminal:open', opened('s1'))
    assert.deepEqual(link.state, { phase: 'ended', exitCode: 7, message: null })
    link.open(request)
    socket.answer('terminal:open', opened('s2'))
    assert.equal(link.session, 's2')
    assert.equal(link.state.phase, 'open')
  })

  test('sends a long paste in pieces, each when the last was taken', () => {
    const { socket, link } = setUp()
    link.open(request)
    socket.answer('terminal:open', opened('s1'))
    const pieces = () =>
      socket.sent
        .filter(([event]) => event === 'terminal:input')
        .map((message) => message[2] as string)
    const text = `${'a'.repeat(5000)}${'😀'.repeat(3000)}`
    link.input(text)
    link.input('end')
    assert.equal(pieces().length, 1)
    for (let i = 1; i < 4; i++) socket.answer('terminal:input', true)
    assert.equal(pieces().join(''), `${text}end`)
    assert.ok(pieces().every((piece) => piece.length <= 4096 && !/^[\udc00-\udfff]/.test(piece)))
    socket.answer('terminal:input', true)
    link.input('x')
    assert.equal(pieces().at(-1), 'x')
  })

  test('forgets the rest of a paste at Ctrl+C, or when the server does not take it', () => {
    const { socket, link } = setUp()
    link.open(request)
    socket.answer('terminal:open', opened('s1'))
    const inputs = () => socket.sent.filter(([event]) => event === 'terminal:input')
    link.input('a'.repeat(9000))
    const [first] = inputs()
    link.input('\x03')
    assert.equal(inputs().at(-1)?.[2], '\x03')
    ;(first?.at(-1) as Ack)(true)
    assert.equal(inputs().length, 2)
    link.input('b'.repeat(9000))
    ;(inputs().at(-1)?.at(-1) as Ack)(false)
    assert.equal(inputs().length, 3)
  })

  test('tells the server its size only when it changes', () => {
    const { socket, link } = setUp()
    link.open(request)
    socket.answer('terminal:open', opened('s1'))
    link.resize({ rows: 24, cols: 80 })
    link.resize({ rows: 30, cols: 100 })
    const sizes = socket.sent.filter(([event]) => event === 'terminal:resize')
    assert.deepEqual(sizes, [['terminal:resize', 's1', { rows: 30, cols: 100 }]])
  })
})
