import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Uploads } from '../../../engine/registry-server/uploads.ts'

const MINUTE = 60_000

describe('Uploads', () => {
  let root: string
  let uploads: Uploads
  before(async () => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-up-'))
    uploads = await Uploads.open(root)
  })
  after(async () => {
    await uploads.close()
    fs.rmSync(root, { recursive: true, force: true })
  })

  const all = (): boolean => true
  /** One of which a hundred bytes came, and whose client then fell silent without closing its connection. */
  async function silent(): Promise<{ id: string; received: Promise<number> }> {
    const id = await uploads.begin('team/app')
    const body = new PassThrough()
    const received = uploads.append('team/app', id, body)
    received.catch(() => undefined)
    body.write(Buffer.alloc(100))
    while (uploads.sizeOf('team/app', id) < 100) await setImmediate()
    return { id, received }
  }

  it('end after a day of silence, whether or not the connection is still open', async () => {
    const { id, received } = await silent()
    await uploads.sweep(Date.now() + 23 * 60 * MINUTE)
    assert.equal(uploads.sizeOf('team/app', id), 100)
    await uploads.sweep(Date.now() + 25 * 60 * MINUTE)
    await assert.rejects(received)
    assert.throws(() => uploads.sizeOf('team/app', id), { reason: 'BLOB_UPLOAD_UNKNOWN' })
    assert.deepEqual(fs.readdirSync(path.join(root, 'uploads')), [])
  })

  it('give way after minutes of silence to others whose room they take', async () => {
    const { received } = await silent()
    uploads.giveWay(all, 100, Date.now() + 9 * MINUTE)
    assert.equal(uploads.bytesTo(all), 100)
    uploads.giveWay(all, 100, Date.now() + 11 * MINUTE)
    assert.equal(uploads.bytesTo(all), 0)
    await assert.rejects(received)
  })
})
