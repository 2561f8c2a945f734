import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { booleanFilter } from '../../engine/filters.ts'

describe('booleanFilter()', () => {
  const read = (...values: string[]) => booleanFilter({ dangling: values }, 'dangling')

  it('takes the four words that Docker takes, however often', () => {
    assert.deepEqual([read('1'), read('true'), read('true', '1')], [true, true, true])
    assert.deepEqual([read('0'), read('false'), read('0', 'false')], [false, false, false])
    assert.equal(booleanFilter({}, 'dangling'), undefined)
  })

  it('refuses every other word, and a yes beside a no', () => {
    for (const values of [['tRuE'], ['TRUE'], ['t'], ['yes'], ['']])
      assert.throws(() => read(...values), {
        code: 'INVALID_PARAMETER',
        message: `invalid filter 'dangling=[${String(values[0])}]'`,
      })
    assert.throws(() => read('true', '0'), { message: "invalid filter 'dangling=[true 0]'" })
  })
})
