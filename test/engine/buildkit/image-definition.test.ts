import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { definitionOf, imageIn } from '../../../engine/buildkit/image-definition.ts'
import { OP } from '../../../engine/buildkit/messages.ts'

const IMAGE = `sha256:${'ab'.repeat(32)}`

describe('imageIn()', () => {
  it('finds the image that a definition was made of', () => {
    const { def, metadata } = definitionOf(IMAGE)
    assert.equal(imageIn({ def }), IMAGE)
    const digests = def.map((op) => `sha256:${createHash('sha256').update(op).digest('hex')}`)
    assert.deepEqual(Object.keys(metadata ?? {}), digests)
    assert.equal(OP.decode(def[1] ?? Buffer.alloc(0)).inputs[0]?.digest, digests[0])
  })

  it('refuses every other definition', () => {
    const source = (identifier: string): Buffer => OP.encode({ inputs: [], source: { identifier } })
    const [own = Buffer.alloc(0), end = Buffer.alloc(0)] = definitionOf(IMAGE).def
    for (const def of [
      [],
      [own],
      [own, own],
      [own, end, end],
      [source('docker-image://busybox'), end],
      [source('gantry-image://busybox'), end],
      [source(`gantry-image://${IMAGE}/..`), end],
      [source('local://context'), end],
    ])
      assert.throws(() => imageIn({ def }), { message: /no LLB definitions/ })
    assert.throws(() => imageIn({ def: [Buffer.from([0xff])] }), { message: /malformed Op/ })
  })
})
