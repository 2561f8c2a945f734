import assert from 'node:assert/strict'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connectUnixStream } from '../../../engine/native/send.ts'
import { closeFd } from '../../../engine/native/process.ts'

describe('connectUnixStream()', () => {
  let root: string
  before(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-net'))
  })
  after(() => fs.rmSync(root, { recursive: true }))

  it('connects at once, and does not wait where the queue is full', async () => {
    const server = net.createServer().listen({ path: path.join(root, 's'), backlog: 2 })
    await new Promise((resolve) => server.once('listening', resolve))
    const fds: number[] = []
    try {
      // nobody accepts before this turn of the loop is over
      for (let fd = connectUnixStream(path.join(root, 's')); fd !== undefined;) {
        fds.push(fd)
        fd = fds.length < 100 ? connectUnixStream(path.join(root, 's')) : undefined
      }
      assert.equal(fds.length, 3)
    } finally {
      for (const fd of fds) closeFd(fd)
      await new Promise((resolve) => server.close(resolve))
    }
  })

  it('says when nobody listens', () => {
    assert.throws(() => connectUnixStream(path.join(root, 'nobody')), { errno: 2 })
    assert.throws(() => connectUnixStream(path.join(root, 'x'.repeat(200))), { errno: 36 })
  })
})
