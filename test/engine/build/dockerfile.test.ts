import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { DockerfileError, excerpt } from '../../../engine/dockerfile/error.ts'
import type { Instruction, InstructionOf } from '../../../engine/dockerfile/instructions.ts'
import { parseDockerfile } from '../../../engine/dockerfile/parse.ts'

describe('parseDockerfile()', () => {
  it('joins continued lines, leaves comments and blank lines out and tells of the latter', () => {
    const file = parseDockerfile('FROM a\nRUN one \\\n# not this\n\n  && two \\ \n&& three\n')
    const run = only(file.stages[0]?.instructions, 'run')
    assert.deepEqual(run.command, { form: 'shell', words: ['one   && two && three'] })
    assert.deepEqual(run.location, { line: 2, endLine: 6 })
    assert.deepEqual(file.warnings, ['Empty continuation line found on line 4'])
  })

  it('takes an escaped escape character at the end of a line as text', () => {
    const [run, user] =
      parseDockerfile('FROM a\nRUN dir c:\\\\\nUSER b').stages[0]?.instructions ?? []
    assert.equal(run?.text, 'RUN dir c:\\\\')
    assert.equal(user?.kind, 'user')
  })

  it('reads parser directives at the top only, each once', () => {
    const file = parseDockerfile(
      '# escape=`\n# syntax = docker/dockerfile:1\nFROM a\nRUN b `\n c\n',
    )
    assert.equal(file.directives.escape, '`')
    assert.equal(file.directives.syntax, 'docker/dockerfile:1')
    assert.equal(file.stages[0]?.instructions[0]?.text, 'RUN b  c')
    assert.equal(parseDockerfile('FROM a\n# escape=`').directives.escape, '\\')
    assert.equal(parseDockerfile('# about\n# escape=`\nFROM a').directives.escape, '\\')
    fails('# escape=x\nFROM a', 1, /invalid escape token 'x'/)
    fails('# escape=`\n# escape=`\nFROM a', 2, /only one escape parser directive/)
    fails('\uFEFF# syntax=example/mopy:1\nversion: 3', 1, /front end example\/mopy:1 is not run/)
  })

  it('reads here-documents of RUN, COPY and ADD, with and without tabs and expansion', () => {
    const file = parseDockerfile(
      'FROM a\nRUN <<EOF\n#!/bin/sh\n  echo $x\nEOF\nCOPY <<"one" <<-two /d/\n$a\none\n\tb\n\ttwo\nUSER z\n',
    )
    const [run, copy, user] = file.stages[0]?.instructions ?? []
    assert.deepEqual(
      (run as InstructionOf<'run'>).heredocs.map(({ content, expand }) => [content, expand]),
      [['#!/bin/sh\n  echo $x\n', true]],
    )
    const { destination, inline, sources } = copy as InstructionOf<'copy'>
    assert.deepEqual(
      inline.map(({ content, expand, name }) => [name, content, expand]),
      [
        ['one', '$a\n', false],
        ['two', 'b\n', true],
      ],
    )
    assert.deepEqual([sources, destination], [[], '/d/'])
    assert.deepEqual(copy?.location, { line: 6, endLine: 10 })
    assert.equal(user?.kind, 'user')
    fails('FROM a\nRUN <<EOF\nx\n', 2, /unterminated heredoc EOF/)
  })

  it('leaves << in a command of the exec form, and in other instructions, alone', () => {
    const file = parseDockerfile('FROM a\nENV A="1<<2"\nRUN ["sh","-c","cat <<X"]\nUSER b')
    assert.deepEqual(
      file.stages[0]?.instructions.map(({ kind }) => kind),
      ['env', 'run', 'user'],
    )
  })

  it('tells the exec form from the shell form', () => {
    const [exec, shell] = parseDockerfile('FROM a\nCMD ["a", "b c"]\nCMD [ -f x ] && y').stages[0]
      ?.instructions as InstructionOf<'cmd'>[]
    assert.deepEqual(exec?.command, { form: 'exec', words: ['a', 'b c'] })
    assert.deepEqual(shell?.command, { form: 'shell', words: ['[ -f x ] && y'] })
  })

  it('reads stages with their names and platforms, and arguments before them', () => {
    const file = parseDockerfile('ARG V=1\nFROM --platform=linux/arm64 a:$V AS Build\nFROM Build\n')
    assert.deepEqual(file.args[0]?.args, [{ name: 'V', value: '1' }])
    assert.equal(file.stages[0]?.from.name, 'build')
    assert.equal(file.stages[0].from.platform, 'linux/arm64')
    assert.equal(file.stages[1]?.from.image, 'Build')
  })

  it('reads flags of every instruction that has some', () => {
    const file = parseDockerfile(
      [
        'FROM a',
        'COPY --from=b --chown=1:2 --chmod=755 --link --parents --exclude=*.md --exclude=x y z /d/',
        'ADD --checksum=sha256:0 --keep-git-dir=TRUE --unpack=false https://x/y /z',
        'RUN --mount=type=cache,target=/c --mount=type=tmpfs,target=/t --network=none --security=insecure true',
        'HEALTHCHECK --interval=1m30s --timeout=2s --start-period=3s --start-interval=500ms --retries=4 CMD a b',
      ].join('\n'),
    )
    const [copy, add, run, health] = file.stages[0]?.instructions ?? []
    holds(copy, {
      from: 'b',
      chown: '1:2',
      chmod: '755',
      link: true,
      parents: true,
      excludes: ['*.md', 'x'],
      sources: ['y', 'z'],
      destination: '/d/',
    })
    holds(add, { checksum: 'sha256:0', keepGitDir: true, unpack: false })
    holds(run, {
      mounts: ['type=cache,target=/c', 'type=tmpfs,target=/t'],
      network: 'none',
      security: 'insecure',
    })
    assert.deepEqual((health as InstructionOf<'healthcheck'>).health, {
      Interval: 90e9,
      Timeout: 2e9,
      StartPeriod: 3e9,
      StartInterval: 5e8,
      Retries: 4,
      Test: ['CMD-SHELL', 'a b'],
    })
  })

  it('reads names and values in both forms, with their quotes', () => {
    const file = parseDockerfile(
      'FROM a\nENV A="b c" D=e\\ f G=\'h i\'\nENV J k  l\nLABEL "x y"="z"',
    )
    const pairs = file.stages[0]?.instructions.map((one) => (one as InstructionOf<'env'>).pairs)
    assert.deepEqual(pairs, [
      [
        { name: 'A', value: '"b c"' },
        { name: 'D', value: 'e\\ f' },
        { name: 'G', value: "'h i'" },
      ],
      [{ name: 'J', value: 'k  l' }],
      [{ name: '"x y"', value: '"z"' }],
    ])
  })

  it('checks what a trigger of ONBUILD is', () => {
    const [onbuild] = parseDockerfile('FROM a\nONBUILD copy . /x').stages[0]?.instructions ?? []
    assert.equal((onbuild as InstructionOf<'onbuild'>).trigger, 'COPY . /x')
    fails('FROM a\nONBUILD ONBUILD RUN x', 2, /Chaining ONBUILD/)
    fails('FROM a\nONBUILD FROM x', 2, /FROM isn't allowed as an ONBUILD trigger/)
    fails('FROM a\nONBUILD COPY x', 2, /COPY requires at least two arguments/)
  })

  for (const [text, line, reason] of [
    ['', 1, /file with no instructions/],
    ['ARG A', 1, /dockerfile contains no stages to build/],
    ['USER a\nFROM b', 1, /no build stage in current context/],
    ['FROM a\nRUNN x', 2, /unknown instruction: RUNN \(did you mean RUN\?\)/],
    ['FROM a\nENVV x', 2, /did you mean ENV\?/],
    ['FROM a\nFORM b', 2, /did you mean FROM\?/],
    ['FROM a\nNONSENSE', 2, /unknown instruction: NONSENSE$/],
    ['FROM', 1, /FROM requires either one or three arguments/],
    ['FROM a AS', 1, /FROM requires either one or three arguments/],
    ['FROM a AS 1b', 1, /invalid name for build stage: "1b"/],
    ['FROM a\nCOPY x', 2, /COPY requires at least two arguments, but only 1 were provided/],
    ['FROM a\nCOPY --chmood=1 x y', 2, /unknown flag: --chmood/],
    ['FROM a\nCOPY --from=b --from=c x y', 2, /duplicate flag specified: --from/],
    ['FROM a\nCOPY --link=maybe x y', 2, /expecting boolean value for flag --link/],
    ['FROM a\nCOPY --link= x y', 2, /missing a value on flag: --link/],
    ['FROM a\nRUN --network=some x', 2, /--network=some is invalid/],
    ['FROM a\nRUN', 2, /RUN requires at least one argument/],
    ['FROM a\nENV A', 2, /ENV must have two arguments/],
    ['FROM a\nENV A=1 B', 2, /can't find = in "B"/],
    ['FROM a\nSHELL /bin/sh', 2, /SHELL requires the arguments to be in JSON form/],
    ['FROM a\nHEALTHCHECK --retries=0 CMD x', 2, /--retries must be at least 1/],
    ['FROM a\nHEALTHCHECK --interval=soon CMD x', 2, /invalid duration "soon"/],
    ['FROM a\nHEALTHCHECK MAYBE', 2, /unknown type "MAYBE" in HEALTHCHECK/],
    ['FROM a\nVOLUME [""]', 2, /VOLUME specified can not be an empty string/],
  ] as const) {
    it(`refuses ${JSON.stringify(text)} with its line and reason`, () => {
      fails(text, line, reason)
    })
  }

  it('never fails without saying where, whatever it is given', () => {
    const word = fc.oneof(
      fc.constantFrom(
        'FROM a',
        'RUN',
        'COPY',
        'ENV',
        '--mount=',
        '<<EOF',
        'EOF',
        '\\',
        '`',
        '"',
        "'",
        '$',
        '[',
        '#',
        '=',
        '\n',
        ' ',
      ),
      fc.string({ maxLength: 8 }),
    )
    fc.assert(
      fc.property(fc.array(word, { maxLength: 40 }), (words) => {
        const source = words.join('')
        try {
          parseDockerfile(source)
        } catch (error) {
          assert.ok(error instanceof DockerfileError, String(error))
          assert.ok(error.location.line >= 1 && error.location.line <= source.split('\n').length)
        }
      }),
      { numRuns: 3000 },
    )
  })
})

describe('excerpt()', () => {
  it('shows the line that is wrong among its neighbours', () => {
    assert.equal(
      excerpt('FROM a\n\nRUNN x\nUSER y', { line: 3, endLine: 3 }),
      [
        'Dockerfile:3',
        '--------------------',
        '   1 |     FROM a',
        '   2 |',
        '   3 | >>> RUNN x',
        '   4 |     USER y',
        '--------------------',
      ].join('\n'),
    )
  })
})

function only<K extends Instruction['kind']>(
  instructions: Instruction[] | undefined,
  kind: K,
): InstructionOf<K> {
  assert.equal(instructions?.length, 1)
  assert.equal(instructions[0]?.kind, kind)
  return instructions[0] as InstructionOf<K>
}

function fails(source: string, line: number, reason: RegExp): void {
  assert.throws(
    () => parseDockerfile(source),
    (error: unknown) => {
      assert.ok(error instanceof DockerfileError)
      assert.equal(error.location.line, line)
      assert.match(error.reason, reason)
      assert.ok(error.message.startsWith(`dockerfile parse error on line ${String(line)}: `))
      return true
    },
  )
}

/** Among other things, it is this. */
function holds(value: unknown, part: object): void {
  assert.deepEqual({ ...(value as object), ...part }, value)
}
