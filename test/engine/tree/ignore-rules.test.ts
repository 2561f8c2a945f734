import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ignorePatterns, IgnoreRules } from '../../../engine/tree/ignore-rules.ts'

describe('ignorePatterns()', () => {
  // what moby's ignorefile.ReadAll makes of the same lines
  for (const [text, patterns] of [
    ['', []],
    ['\uFEFFa\r\n\r\n  b  \n', ['a', 'b']],
    ['# comment\n #x', ['#x']],
    ['/docs\n//a//b/./c/../d/', ['docs', 'a/b/d']],
    ['!docs/README.md\n!  /x/', ['!docs/README.md', '!x']],
    ['.\n./\n/\n..', ['.', '.', '/', '..']],
    // refused by who takes them, and not silently left out
    ['!', ['!']],
  ] as const) {
    it(`reads ${JSON.stringify(text)}`, () => {
      assert.deepEqual(ignorePatterns(text), patterns)
    })
  }
})

describe('IgnoreRules', () => {
  const parse = (text: string): IgnoreRules => new IgnoreRules(ignorePatterns(text))
  const rules = parse(
    '# comment\n*/temp*\n*/*/temp*\ntemp?\n**/*.go\n/docs\n!docs/README.md\n*.md\n!README*.md\nREADME-secret.md\n[xy].txt\nfoo/\n',
  )
  for (const [file, excluded] of [
    ['somedir/temporary.txt', true],
    ['somedir/sub/temp', true],
    ['a/b/c/temp', false],
    ['tempa', true],
    ['temp', false],
    ['x.go', true],
    ['deep/er/y.go', true],
    ['docs/a', true],
    ['docs/README.md', false],
    ['CHANGES.md', true],
    ['README.md', false],
    ['README-secret.md', true],
    ['x.txt', true],
    ['z.txt', false],
    ['foo/bar', true],
    ['foobar', false],
  ] as const) {
    it(`${excluded ? 'leaves out' : 'keeps'} ${file}`, () => {
      assert.equal(rules.excludes(file), excluded)
    })
  }

  it('keeps what only looks like a comment, and refuses what is malformed', () => {
    assert.equal(parse(' #x').excludes('#x'), true)
    assert.throws(() => parse('[a'), /syntax error in pattern "\[a"/)
    assert.throws(() => parse('!'), /illegal exclusion pattern/)
  })

  it('is not slowed down by hostile patterns', () => {
    const hostile = new IgnoreRules(['**/'.repeat(40) + '*a'.repeat(40) + 'b'])
    assert.equal(hostile.excludes(`${'a/'.repeat(100)}${'a'.repeat(200)}`), false)
  })
})
