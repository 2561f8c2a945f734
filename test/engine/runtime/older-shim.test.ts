import assert from 'node:assert/strict'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { it } from 'node:test'
import { connectShim } from '../../../engine/runtime/shim.ts'
import { encodeRequest, Saying } from '../../../engine/runtime/shim-protocol.ts'

/** SAY_STARTED, which shims said to watchers until the engine had no use for it. */
const STARTED = 68

it('a command is answered by a shim of before an upgrade, whatever that tells meanwhile', async (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'g-older'))
  const server = net.createServer((client) => {
    // no pids, no exit path, no execs
    client.once('data', () => {
      client.write(encodeRequest(Saying.snapshot, 0, Buffer.alloc(4 + 4 + 5 + 4)))
      client.once('data', () => {
        client.write(encodeRequest(STARTED, 0, Buffer.alloc(4 + 1 + 4)))
        client.write(encodeRequest(Saying.ok, 0, Buffer.alloc(4)))
      })
    })
  })
  t.after(() => {
    server.close()
    fs.rmSync(dir, { recursive: true })
  })
  await new Promise<void>((resolve) => server.listen(path.join(dir, 's'), resolve))
  const shim = await connectShim(dir)
  try {
    await assert.doesNotReject(shim.signal(15))
  } finally {
    shim.close()
  }
})
