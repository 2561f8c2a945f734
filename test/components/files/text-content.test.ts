import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { bytesOf, textOf } from '../../../components/files/text-content.ts'

describe('a file’s text in the editor', () => {
  const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)

  test('goes back to the bytes it came from, whatever ends its lines', () => {
    for (const text of [
      '',
      'a',
      'a\nb\n',
      'a\r\nb\r\n',
      'a\r\nb\n',
      'a\rb',
      '\uFEFFa\r\n',
      'ä€😀',
    ]) {
      const content = textOf(bytes(text))
      assert.ok(content, JSON.stringify(text))
      assert.deepEqual(bytesOf(content), bytes(text), JSON.stringify(text))
    }
  })

  test('of Windows has plain lines while it is edited, and gets its own for new ones', () => {
    const content = textOf(bytes('a\r\nb\r\n'))
    assert.deepEqual(content, { text: 'a\nb\n', crlf: true })
    assert.deepEqual(bytesOf({ text: 'a\nnew\nb\n', crlf: true }), bytes('a\r\nnew\r\nb\r\n'))
  })

  test('is none where bytes are no UTF-8 or zero', () => {
    assert.equal(textOf(Uint8Array.of(0xff, 0x61)), undefined)
    assert.equal(textOf(Uint8Array.of(0x61, 0)), undefined)
  })
})
