import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { gzipFile } from '../../../engine/store/gzip.ts'

const MIB = 1 << 20

describe('a compressed file', () => {
  let root = ''
  before(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-gzip-'))
  })
  after(() => {
    fs.rmSync(root, { recursive: true, force: true })
  })

  async function compressed(content: Buffer): Promise<Buffer> {
    const source = path.join(root, 'source')
    const target = path.join(root, 'target')
    fs.writeFileSync(source, content)
    fs.rmSync(target, { force: true })
    const seen: number[] = []
    const { digest, size } = await gzipFile(
      source,
      target,
      (bytes) => seen.push(bytes),
      new AbortController().signal,
    )
    const bytes = fs.readFileSync(target)
    assert.equal(digest, `sha256:${createHash('sha256').update(bytes).digest('hex')}`)
    assert.equal(size, bytes.length)
    assert.equal(seen.at(-1), content.length)
    assert.ok(gunzipSync(bytes).equals(content))
    return bytes
  }

  it('is the same each time, for pieces of any kind in any order, and for none', async () => {
    const text = Buffer.from('a line of some text, and another one\n'.repeat(150_000))
    const mixed = Buffer.concat([text, randomBytes(9 * MIB), text])
    assert.ok((await compressed(mixed)).equals(await compressed(mixed)))
    await compressed(Buffer.alloc(0))
    await compressed(Buffer.from('x'))
    await compressed(randomBytes(4 * MIB))
  })

  it('stores what cannot be compressed, and compresses the rest', async () => {
    const dense = randomBytes(8 * MIB)
    assert.ok((await compressed(dense)).length < dense.length * 1.001)
    const text = Buffer.from('a line of some text, and another one\n'.repeat(200_000))
    assert.ok((await compressed(text)).length < text.length / 20)
  })
})
