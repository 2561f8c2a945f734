import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { expand, expandWords } from '../../../engine/dockerfile/expand.ts'

const VALUES: Record<string, string> = {
  a: 'one',
  b: 'two words',
  empty: '',
  path: '/usr/local/lib/x.tar.gz',
  foo: 'foobarfoo',
}
const lookup = (name: string): string | undefined => VALUES[name]

describe('expand()', () => {
  for (const [word, expected] of [
    ['$a', 'one'],
    ['${a}x', 'onex'],
    ['$ax', ''],
    ['-$a-$a-', '-one-one-'],
    ['\\$a', '$a'],
    ["'$a'", '$a'],
    ['"$b"', 'two words'],
    ['"\\$a\\"\\x"', '$a"\\x'],
    ['a\\ b', 'a b'],
    ['$', '$'],
    ['$ a', '$ a'],
    ['${none:-x}', 'x'],
    ['${empty:-x}', 'x'],
    ['${empty-x}', ''],
    ['${none-x}', 'x'],
    ['${a:+x}', 'x'],
    ['${empty:+x}', ''],
    ['${empty+x}', 'x'],
    ['${none+x}', ''],
    ['${none:-${a}-$b}', 'one-two words'],
    ['${none:-"}"}', '}'],
    ['${a:?no}', 'one'],
    ['${path##*/}', 'x.tar.gz'],
    ['${path#*/}', 'usr/local/lib/x.tar.gz'],
    ['${path%.*}', '/usr/local/lib/x.tar'],
    ['${path%%.*}', '/usr/local/lib/x'],
    ['${path%/*}', '/usr/local/lib'],
    ['${path#nothing}', '/usr/local/lib/x.tar.gz'],
    ['${foo/foo/F}', 'Fbarfoo'],
    ['${foo//foo/F}', 'FbarF'],
    ['${foo//o}', 'fbarf'],
    ['${foo/b?r/-}', 'foo-foo'],
    ['${foo/\\*/-}', 'foobarfoo'],
    ['${path//\\//_}', '_usr_local_lib_x.tar.gz'],
  ] as const) {
    it(`makes ${JSON.stringify(expected)} of ${word}`, () => {
      assert.equal(expand(word, lookup), expected)
    })
  }

  it('uses the escape character that the file chose', () => {
    assert.equal(expand('C:\\$a`$a', lookup, '`'), 'C:\\one$a')
  })

  it('says what is wrong with a substitution', () => {
    assert.throws(() => expand('${none:?it is needed}', lookup), /none: it is needed/)
    assert.throws(() => expand('${none?}', lookup), /none: is not allowed to be unset/)
    assert.throws(() => expand('${a', lookup), /missing '}'/)
    assert.throws(() => expand('${}', lookup), /bad substitution/)
    assert.throws(() => expand('${a:=x}', lookup), /unsupported modifier \(:=\)/)
    assert.throws(() => expand("'a", lookup), /matching single-quote/)
    assert.throws(() => expand('"a', lookup), /matching double-quote/)
    assert.throws(() => expand('${x:-'.repeat(500), lookup), /missing|nested/)
  })

  it('ends with an answer or a refusal in words, whatever it is given', () => {
    const piece = fc.constantFrom(
      '$',
      '{',
      '}',
      'a',
      ':',
      '-',
      '+',
      '?',
      '#',
      '%',
      '/',
      '*',
      '"',
      "'",
      '\\',
      ' ',
      'foo',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        try {
          assert.equal(typeof expand(pieces.join(''), lookup), 'string')
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'INVALID_PARAMETER')
        }
      }),
      { numRuns: 3000 },
    )
  })

  it('is not slowed down by hostile patterns', () => {
    const long = 'a'.repeat(5000)
    const pattern = '*a'.repeat(30)
    assert.equal(
      expand(`\${v##${pattern}b}`, () => long),
      long,
    )
  })
})

describe('expandWords()', () => {
  it('parts words at white space of unquoted variables, and not of quoted ones', () => {
    assert.deepEqual(expandWords('$b "$b" c\\ d', lookup), ['two', 'words', 'two words', 'c d'])
  })

  it('keeps empty words that are quoted', () => {
    assert.deepEqual(expandWords('a "" $none', lookup), ['a', ''])
  })
})
