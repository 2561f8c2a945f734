import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { freeBuffer } from '../../engine/free-buffer.ts'

describe('freeBuffer()', () => {
  it('gives the memory back at once, without a collection', () => {
    const before = process.memoryUsage().arrayBuffers
    const buffers = Array.from({ length: 40 }, () => Buffer.alloc(1 << 20, 'x'))
    for (const buffer of buffers) freeBuffer(buffer)
    assert.ok(process.memoryUsage().arrayBuffers - before < 1 << 20)
    assert.deepEqual([...new Set(buffers.map(({ length }) => length))], [0])
  })

  it('leaves what shares its memory with others', () => {
    const pooled = Buffer.from('small ones share a pool')
    const whole = Buffer.alloc(100, 'x')
    for (const part of [pooled, whole.subarray(1), Buffer.from(new SharedArrayBuffer(8))]) {
      const { length } = part
      freeBuffer(part)
      assert.equal(part.length, length)
    }
    assert.equal(whole.length, 100)
  })
})
