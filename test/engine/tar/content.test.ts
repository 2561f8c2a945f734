import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { contentOf } from '../../../engine/tar/content.ts'
import { tarHeader } from '../../../engine/tar/header.ts'
import type { TarType } from '../../../engine/tar/header.ts'
import { encodeHeader, TAR_END, tarPadding } from '../../../engine/tar/write.ts'

describe('the content of the only file in an archive', () => {
  const archive = (content: Buffer, type: TarType = 'file'): Buffer =>
    Buffer.concat([
      encodeHeader(tarHeader({ type, name: 'f', size: type === 'file' ? content.length : 0 })),
      content,
      tarPadding(content.length),
      TAR_END,
    ])
  const inPieces = (whole: Buffer, size: number): Readable =>
    Readable.from(
      Array.from({ length: Math.ceil(whole.length / size) }, (_, n) =>
        whole.subarray(n * size, (n + 1) * size),
      ),
    )

  test('comes out byte by byte however the archive is cut', async () => {
    const content = Buffer.from(Array.from({ length: 5000 }, (_, n) => n % 251))
    for (const size of [1, 511, 4096, 100_000])
      assert.deepEqual(await buffer(contentOf(inPieces(archive(content), size), 5000)), content)
  })

  test('is an error when something else came, or not all of it', async () => {
    await assert.rejects(buffer(contentOf(Readable.from([archive(Buffer.alloc(0), 'dir')]), 0)), {
      code: 'SYSTEM',
    })
    const cut = archive(Buffer.alloc(5000)).subarray(0, 2000)
    await assert.rejects(buffer(contentOf(Readable.from([cut]), 5000)), {
      code: 'INVALID_PARAMETER',
    })
  })

  test('is as long as was told, also when the file grew, and an error when it shrank', async () => {
    const grown = Readable.from([archive(Buffer.alloc(5000, 'x'))])
    assert.deepEqual(await buffer(contentOf(grown, 1234)), Buffer.alloc(1234, 'x'))
    const shrunk = Readable.from([archive(Buffer.alloc(5000))])
    await assert.rejects(buffer(contentOf(shrunk, 5001)), { code: 'SYSTEM' })
  })

  test('lets go of the archive when nobody wants it, also before it was read', async () => {
    const tar = inPieces(archive(Buffer.alloc(5000)), 100)
    const content = contentOf(tar, 5000)
    content.destroy()
    await new Promise((resolve) => tar.once('close', resolve))
    assert.equal(tar.destroyed, true)
  })
})
