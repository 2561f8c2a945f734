import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sortKeys, usualOrder } from '../../components/images/image-order.ts'
import { orderText, parseOrder } from '../../components/page/list-order.ts'

describe('parseOrder()', () => {
  it('reads what it can sort by, and takes the newest first for anything else in the URL', () => {
    assert.deepEqual(parseOrder('-size', sortKeys, usualOrder), { key: 'size', descending: true })
    assert.equal(orderText({ key: 'size', descending: true }), '-size')
    for (const text of ['', 'weight', '__proto__', '-constructor']) {
      assert.deepEqual(parseOrder(text, sortKeys, usualOrder), { key: 'created', descending: true })
    }
  })
})
