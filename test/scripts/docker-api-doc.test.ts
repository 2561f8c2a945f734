import assert from 'node:assert/strict'
import fs from 'node:fs'
import { describe, it } from 'node:test'
import { dockerApiDoc, DOCUMENT } from '../../scripts/docker-api-doc.ts'

describe('docs/docker-api.md', () => {
  it('says what the code does', () => {
    assert.ok(fs.readFileSync(DOCUMENT, 'utf8') === dockerApiDoc(), 'run: npm run docs:api')
  })
})
