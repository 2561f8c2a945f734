import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cacheExport } from '../../../engine/buildkit/cache-options.ts'

describe('cacheExport()', () => {
  const read = (attrs: Record<string, string>) =>
    cacheExport({ Type: 'registry', Attrs: { ref: 'box:5000/cache', ...attrs } }, {})

  it('takes what it can do, and refuses by name what it would leave out', () => {
    assert.notEqual(read({ mode: 'max', compression: 'uncompressed' }), undefined)
    for (const key of ['compression-level', 'force-compression', 'not-known'])
      assert.throws(() => read({ [key]: '3' }), {
        message: new RegExp(`^cache option ${key}=3 is not supported here`),
      })
    for (const Type of ['gha', 'constructor'])
      assert.throws(() => cacheExport({ Type, Attrs: { dest: 'd' } }, {}), {
        message: new RegExp(`^cache exports of type ${Type} are not supported here`),
      })
  })
})
