import assert from 'node:assert/strict'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { closeFd } from '../../../engine/native/process.ts'
import { socketPair } from '../../../engine/native/spawn.ts'
import type { ExecOptions, Shim } from '../../../engine/runtime/shim.ts'
import { connectShim } from '../../../engine/runtime/shim.ts'
import {
  encodeNumbers,
  encodeRequest,
  encodeText,
  MessageReader,
  Request,
  Saying,
} from '../../../engine/runtime/shim-protocol.ts'
import { eventually, plainProcess } from './shim-helper.ts'

interface Knowledge {
  running?: string[]
  ended?: [id: string, code: number][]
  starting?: string[]
}

/** Answers as a shim does, and cuts the link when it is told to. */
class StagedShim {
  readonly dir = fs.mkdtempSync(path.join(os.tmpdir(), 'g-staged-'))
  /** How often somebody has begun to watch. */
  watched = 0
  /** What came over the link and is not answered. */
  unanswered = 0
  knows: Knowledge = {}
  pid = 7
  readonly #server = net.createServer((socket) => {
    this.#serve(socket)
  })
  #link: net.Socket | undefined

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.listen(path.join(this.dir, 's'), resolve)
    })
  }

  cut(): void {
    this.#link?.destroy()
  }

  tell(kind: number, payload: Buffer): void {
    this.#link?.write(encodeRequest(kind, 0, payload))
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
    fs.rmSync(this.dir, { recursive: true, force: true })
  }

  #serve(socket: net.Socket): void {
    const reader = new MessageReader()
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => {
      reader.push(bytes)
      for (let request = reader.next(); request; request = reader.next()) {
        if (request.kind === Request.watch) {
          this.#link = socket
          this.watched++
          socket.write(encodeRequest(Saying.snapshot, 0, this.#snapshot()))
        } else if (socket === this.#link) this.unanswered++
        else socket.write(encodeRequest(Saying.ok, 0, encodeNumbers(99)))
      }
    })
  }

  #snapshot(): Buffer {
    const { ended = [], running = [], starting = [] } = this.knows
    return Buffer.concat([
      encodeNumbers(1, this.pid),
      encodeText(path.join(this.dir, 'exit')),
      encodeNumbers(ended.length + running.length),
      ...ended.flatMap(([id, code]) => [encodeText(id), encodeNumbers(50, 0, code)]),
      ...running.flatMap((id) => [encodeText(id), encodeNumbers(50, 1, 0)]),
      encodeNumbers(1, starting.length),
      ...starting.map(encodeText),
    ])
  }
}

const exited = (id: string, code: number): Buffer =>
  Buffer.concat([encodeText(id), encodeNumbers(50, code, 0, 0, 0)])

describe('a link that is cut', () => {
  let staged: StagedShim
  let shim: Shim
  beforeEach(async () => {
    staged = new StagedShim()
    await staged.listen()
    shim = await connectShim(staged.dir)
  })
  afterEach(async () => {
    shim.close()
    await staged.close()
  })

  const exec = (id: string, change: Partial<ExecOptions> = {}): ExecOptions => ({
    id,
    process: plainProcess(['true']),
    stdin: false,
    stdout: true,
    stderr: true,
    detach: true,
    ...change,
  })

  async function cut(knows: Knowledge = {}): Promise<void> {
    const before = staged.watched
    staged.knows = knows
    staged.cut()
    await eventually(() => staged.watched > before, 'it is linked again')
  }

  /** Whose connection the shim takes. */
  function client(): ExecOptions['client'] & { givenBack: boolean } {
    const [ours, theirs] = socketPair()
    closeFd(theirs)
    const made = {
      givenBack: false,
      take: () => ({ fd: ours, greeting: '' }),
      letGo: () => {
        closeFd(ours)
      },
      giveBack: () => {
        made.givenBack = true
        closeFd(ours)
      },
    }
    return made
  }

  it('leaves no command without an answer: it says that nothing is known of it', async () => {
    const signal = shim.signal(15)
    await eventually(() => staged.unanswered === 1, 'it is asked')
    await Promise.all([
      assert.rejects(signal, { code: 'UNAVAILABLE', message: /lost before it had answered/ }),
      cut(),
    ])
    const next = shim.signal(15)
    await eventually(() => staged.unanswered === 2, 'the next one goes over the new link')
    staged.tell(Saying.ok, encodeNumbers(1))
    await next
  })

  it('knows of each exec what the shim knows: the code, that it runs, or that it is forgotten', async () => {
    const [known, running, forgotten] = await Promise.all(
      ['known', 'running', 'forgotten'].map((id) => shim.exec(exec(id))),
    )
    assert.ok(known && running && forgotten)
    await Promise.all([
      assert.rejects(forgotten.exited, { code: 'UNAVAILABLE', message: /exec forgotten/ }),
      cut({ ended: [['known', 4]], running: ['running'] }),
    ])
    assert.equal(await known.exited, 4)
    staged.tell(Saying.exited, exited('running', 5))
    assert.equal(await running.exited, 5)
  })

  it('learns of an exec on a client’s connection whether it has started', async () => {
    const lost = client()
    const starts = {
      runs: shim.exec(exec('runs', { detach: false, client: client() })),
      comes: shim.exec(exec('comes', { detach: false, client: client() })),
      lost: shim.exec(exec('lost', { detach: false, client: lost })),
    }
    await eventually(() => staged.unanswered === 3, 'they are asked for')
    await Promise.all([
      assert.rejects(starts.lost, { code: 'UNAVAILABLE', message: /exec lost has started/ }),
      cut({ running: ['runs'], starting: ['comes'] }),
    ])
    assert.ok(lost.givenBack)
    assert.equal((await starts.runs).pid, 50)
    staged.tell(
      Saying.started,
      Buffer.concat([encodeText('comes'), encodeNumbers(51, 0), encodeText(''), encodeText('')]),
    )
    assert.equal((await starts.comes).pid, 51)
  })

  it('is that of a dead shim when another one listens there', async () => {
    staged.pid++
    staged.cut()
    assert.equal(await shim.ended, null)
    await assert.rejects(shim.signal(15), { code: 'CONFLICT', message: /is not running/ })
  })
})
