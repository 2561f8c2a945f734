import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseOrder } from '../../components/images/image-order.ts'

describe('parseOrder()', () => {
  it('reads what it can sort by, and takes the newest first for anything else in the URL', () => {
    assert.deepEqual(parseOrder('-size'), { key: 'size', descending: true })
    for (const text of ['', 'weight', '__proto__', '-constructor']) {
      assert.deepEqual(parseOrder(text), { key: 'created', descending: true })
    }
  })
})
