import assert from 'node:assert/strict'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import type { Caller } from '../../../engine/contract.ts'
import { peerOf } from '../../../engine/api/peer.ts'

describe('peerOf()', () => {
  it("tells of each connection the program that made it, also when the pid is another one's by now", async (t) => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
    const server = net.createServer().listen(path.join(dir, 's'))
    const own = fs.readFileSync('/proc/self/comm', 'utf8')
    t.after(() => {
      fs.writeFileSync('/proc/self/comm', own)
      server.close()
      fs.rmSync(dir, { recursive: true, force: true })
    })
    const connected = async (): Promise<Caller> => {
      const client = net.connect(path.join(dir, 's'))
      const [accepted] = (await once(server, 'connection')) as [net.Socket]
      try {
        return peerOf(accepted)
      } finally {
        client.destroy()
        accepted.destroy()
      }
    }
    // as execve() does it, and as it is when the kernel gives a pid out again
    const seen: Caller[] = []
    for (const name of ['docker', 'compose']) {
      fs.writeFileSync('/proc/self/comm', name)
      seen.push(await connected())
    }
    const { pid } = process
    const [uid, gid] = [process.getuid?.(), process.getgid?.()]
    assert.deepEqual(
      seen.map((caller) => caller.kind === 'socket' && [caller.command, caller.pid]),
      [
        ['docker', pid],
        ['compose', pid],
      ],
    )
    assert.deepEqual(
      seen.map((caller) => caller.kind === 'socket' && [caller.uid, caller.gid]),
      [
        [uid, gid],
        [uid, gid],
      ],
    )
  })
})
