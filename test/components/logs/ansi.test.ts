import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cssColor, parseAnsi, plainText } from '../../../components/logs/ansi.ts'

const E = '\x1b['

describe('parseAnsi()', () => {
  test('leaves a line without sequences alone', () => {
    assert.deepEqual(parseAnsi('hello'), [{ text: 'hello' }])
    assert.deepEqual(parseAnsi(''), [])
  })

  test('reads colours, weight and resets', () => {
    assert.deepEqual(parseAnsi(`${E}1;31mred${E}0m plain ${E}92mgreen${E}39m.`), [
      { text: 'red', style: { bold: true, fg: 1 } },
      { text: ' plain ' },
      { text: 'green', style: { fg: 10 } },
      { text: '.' },
    ])
  })

  test('reads 256 colours and true colour in both spellings', () => {
    const spans = parseAnsi(`${E}38;5;208ma${E}48;2;1;2;3mb${E}38:2::255:0:16mc${E}m`)
    assert.deepEqual(spans[0]?.style, { fg: 208 })
    assert.deepEqual(spans[1]?.style, { fg: 208, bg: '#010203' })
    assert.deepEqual(spans[2]?.style, { fg: '#ff0010', bg: '#010203' })
  })

  test('takes out cursor moves, titles and hyperlinks, also unfinished ones', () => {
    assert.equal(
      plainText(`${E}2K${E}1Ga\x1b]0;title\x07b\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\${E}?25l`),
      'ablink',
    )
    assert.equal(plainText(`x${E}38;5`), 'x')
    assert.equal(plainText('y\x1b]0;never ended'), 'y')
    assert.equal(plainText('bell\x07 and \x1b(B'), 'bell and ')
  })

  test('shows what a carriage return left, and sets tabs', () => {
    assert.equal(plainText('10%\r50%\r100%\r'), '100%')
    assert.equal(plainText('a\tb\tc'), 'a       b       c')
    const text = `${E}32mab${E}0m\tc`
    assert.equal(
      parseAnsi(text)
        .map((s) => s.text)
        .join(''),
      plainText(text),
    )
  })

  test('ignores private sequences that end in m', () => {
    assert.deepEqual(parseAnsi(`${E}>4;1mtext`), [{ text: 'text' }])
  })

  test('is not slow on hostile input', () => {
    // a time that only what is quadratic takes
    const started = performance.now()
    parseAnsi(`${E}${'1;'.repeat(100_000)}mx`)
    parseAnsi('\x1b]'.repeat(50_000))
    parseAnsi('\x1b['.repeat(50_000))
    assert.ok(performance.now() - started < 15_000)
  })
})

test('cssColor() gives theme colours, the cube and greys', () => {
  assert.equal(cssColor(1), 'var(--ansi-1)')
  assert.equal(cssColor(196), 'rgb(255 0 0)')
  assert.equal(cssColor(232), 'rgb(8 8 8)')
  assert.equal(cssColor('#abcdef'), '#abcdef')
})
