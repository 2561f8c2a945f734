import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cleanPath, joined, parentOf, wrongName } from '../../../components/files/paths.ts'

test('paths are cleaned, joined and taken apart without leaving the root', () => {
  assert.equal(cleanPath(''), '/')
  assert.equal(cleanPath('etc//nginx/./'), '/etc/nginx')
  assert.equal(cleanPath('/a/../../../b'), '/b')
  assert.equal(joined('/', 'a'), '/a')
  assert.equal(joined('/a', 'b'), '/a/b')
  assert.equal(parentOf('/a'), '/')
  assert.equal(parentOf('/a/b'), '/a')
})

test('names that no file can have are told', () => {
  assert.equal(wrongName('a b'), undefined)
  for (const name of ['a/b', '.', '..', 'ä'.repeat(128)]) assert.ok(wrongName(name), name)
})
