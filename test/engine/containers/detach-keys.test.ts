import assert from 'node:assert/strict'
import { test } from 'node:test'
import { detachFilter, parseDetachKeys } from '../../../engine/containers/detach-keys.ts'

async function typed(
  keys: string,
  chunks: string[],
): Promise<{ passed: string; detached: boolean }> {
  let detached = false
  const filter = detachFilter(parseDetachKeys(keys), () => (detached = true))
  let passed = ''
  filter.on('data', (chunk: Buffer) => (passed += chunk.toString('latin1')))
  const ended = new Promise((resolve) => filter.on('end', resolve))
  for (const chunk of chunks)
    if (!filter.readableEnded && !detached) filter.write(Buffer.from(chunk, 'latin1'))
  if (!detached) filter.end()
  await ended
  return { passed, detached }
}

test('detachFilter() passes input on and swallows the sequence that detaches', async () => {
  assert.deepEqual(await typed('ctrl-p,ctrl-q', ['ls\n', '\x10\x11']), {
    passed: 'ls\n',
    detached: true,
  })
})

test('detachFilter() sees a sequence that arrives in two pieces', async () => {
  assert.deepEqual(await typed('ctrl-p,ctrl-q', ['a\x10', '\x11b']), {
    passed: 'a',
    detached: true,
  })
})

test('detachFilter() passes on a sequence begun and not finished', async () => {
  assert.deepEqual(await typed('ctrl-p,ctrl-q', ['a\x10b']), { passed: 'a\x10b', detached: false })
  assert.deepEqual(await typed('ctrl-p,ctrl-q', ['\x10\x10\x11']), {
    passed: '\x10',
    detached: true,
  })
})

test('detachFilter() finds a sequence that begins within its own beginning', async () => {
  assert.deepEqual(await typed('a,a,b', ['a', 'aa', 'bc']), { passed: 'a', detached: true })
  assert.deepEqual(await typed('a,b,a,c', ['ab', 'abac']), { passed: 'ab', detached: true })
})

test('detachFilter() holds nothing back at the end of the input', async () => {
  assert.deepEqual(await typed('ctrl-p,ctrl-q', ['a\x10']), { passed: 'a\x10', detached: false })
})

test('parseDetachKeys() refuses what is no key', () => {
  assert.deepEqual([...parseDetachKeys('a,ctrl-@,ctrl-[')], [97, 0, 27])
  assert.throws(() => parseDetachKeys('ctrl-1'), { code: 'INVALID_PARAMETER' })
  assert.throws(() => parseDetachKeys('ab'), { code: 'INVALID_PARAMETER' })
})
