import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { searchEntries, type Entry } from '../../../components/shell/palette-search.ts'

const entry = (label: string, words = ''): Entry => ({
  id: label,
  group: 'x',
  label,
  words,
  run: () => undefined,
})
const entries = [
  entry('svc-990'),
  entry('svc-99'),
  entry('Stop svc-99'),
  entry('web', 'container nginx'),
]
const find = (search: string) => searchEntries(entries, search).map(({ label }) => label)

describe('searchEntries', () => {
  it('puts the exact name first, then what begins with it', () =>
    assert.deepEqual(find('svc-99'), ['svc-99', 'svc-990', 'Stop svc-99']))
  it('wants every word, also in the further words', () => {
    assert.deepEqual(find('stop 99'), ['Stop svc-99'])
    assert.deepEqual(find('nginx'), ['web'])
    assert.deepEqual(find('nothing'), [])
  })
  it('leaves all as they are without a search', () => assert.equal(find('  ').length, 4))
})
