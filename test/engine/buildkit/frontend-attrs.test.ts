import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readFrontendAttrs } from '../../../engine/buildkit/frontend-attrs.ts'

describe('readFrontendAttrs()', () => {
  it('refuses by name what a build here would leave out', () => {
    const read = (attrs: Record<string, string>) =>
      readFrontendAttrs(attrs, { cacheImports: [], entitlements: [] })
    assert.equal(read({ filename: 'Dockerfile', 'vcs:revision': '1' }).filename, 'Dockerfile')
    for (const key of ['contextsubdir', 'not-known'])
      assert.throws(() => read({ [key]: 'value' }), { message: new RegExp(`^${key}=value: `) })
  })
})
