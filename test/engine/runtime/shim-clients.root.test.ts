import assert from 'node:assert/strict'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClientConnection } from '../../../engine/contract/common.ts'
import { connectUnixStream } from '../../../engine/native/send.ts'
import { closeFd } from '../../../engine/native/process.ts'
import { socketPair } from '../../../engine/native/spawn.ts'
import type { ExecOptions } from '../../../engine/runtime/shim.ts'
import {
  encodeRequest,
  MessageReader,
  Request,
  Saying,
} from '../../../engine/runtime/shim-protocol.ts'
import type { Bench } from './shim-helper.ts'
import { eventually, openBench, plainProcess } from './shim-helper.ts'

const OUTPUT = { stdin: false, stdout: true, stderr: true }

describe('a client whose connection is given to the shim', () => {
  let bench: Bench
  before(() => {
    bench = openBench()
  })
  after(async () => {
    await bench.clean()
  })

  /** One who has left already, which nobody has noticed. */
  function leaver(): ClientConnection & { isGivenBack: boolean } {
    const [ours, theirs] = socketPair()
    closeFd(theirs)
    const client = {
      isGivenBack: false,
      take: () => ({ fd: ours, greeting: 'HTTP/1.1 101 UPGRADED\r\n\r\n' }),
      letGo: () => {
        closeFd(ours)
      },
      giveBack: () => {
        client.isGivenBack = true
        closeFd(ours)
      },
    }
    return client
  }

  const exec = (id: string, args: string[], client: ClientConnection): ExecOptions => ({
    ...OUTPUT,
    id,
    process: plainProcess(args),
    detach: false,
    client,
  })

  it('keeps nothing of the shim when it has left before it was served', async () => {
    const { shim } = await bench.launch({ process: { args: ['sleep', '1000'] } })
    const files = (): number => fs.readdirSync(`/proc/${String(shim.shimPid)}/fd`).length
    const before = files()
    for (let n = 0; n < 20; n++) assert.ok(await shim.attachClient(OUTPUT, leaver(), false))
    await eventually(() => files() === before, 'the descriptors are closed')
  })

  it('leaves an exec with the end of its input when it left while that was started', async () => {
    const { shim } = await bench.launch({ process: { args: ['sleep', '1000'] } })
    const started = await shim.exec({ ...exec('cat', ['cat'], leaver()), stdin: true })
    assert.ok(started.clientTaken)
    assert.equal(await Promise.race([started.exited, sleep(5000, 'still runs')]), 0)
  })

  it('stays where it is while the shim does not keep up with what it is asked', async () => {
    const { shim } = await bench.launch({ process: { args: ['sleep', '1000'] } })
    const clients = Array.from({ length: 60 }, leaver)
    process.kill(shim.shimPid, 'SIGSTOP')
    const all = clients.map((client, n) =>
      shim.exec(exec(`exec${String(n)}`, ['true', 'x'.repeat(20_000)], client)),
    )
    process.kill(shim.shimPid, 'SIGCONT')
    for (const { clientTaken, exited, stream } of await Promise.all(all)) {
      assert.equal(clientTaken, stream === undefined)
      stream?.resume()
      assert.equal(await exited, 0)
    }
    assert.ok(clients.some(({ isGivenBack }) => isGivenBack))
  })

  it('is told of the ends of a thousand execs by a shim that it has not listened to meanwhile', async () => {
    const { options, shim } = await bench.launch({ process: { args: ['sleep', '1000'] } })
    const fd = connectUnixStream(path.join(options.runDir, 's')) ?? -1
    fs.writeSync(fd, encodeRequest(Request.watch))
    let ended = 0
    const one = async (id: string): Promise<void> => {
      const process = plainProcess(['true'])
      const { exited } = await shim.exec({ ...OUTPUT, id, process, detach: true })
      await exited
      ended++
    }
    for (let n = 0; n < 1000; n += 8)
      await Promise.all(Array.from({ length: 8 }, (_, i) => one(`e${String(n + i)}`)))
    assert.equal(ended, 1000)
    const reader = new MessageReader()
    const watcher = new net.Socket({ fd, readable: true, writable: true })
    let told = 0
    watcher.on('data', (bytes: Buffer) => {
      reader.push(bytes)
      for (let message = reader.next(); message; message = reader.next())
        if (message.kind === Saying.exited) told++
    })
    await eventually(() => told === 1000, 'all ends are told')
    watcher.destroy()
  })
})
