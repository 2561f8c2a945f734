import { execFileSync } from 'node:child_process'
import { tarOf } from '../../images/archives.ts'
import { dir, file, link, type Case } from './case.ts'
import { gzipSync } from 'node:zlib'

const TREE = {
  'd/a': 'a',
  'd/sub/b': 'b',
  'd/run.sh': { text: '#!/bin/sh\n', mode: 0o755 },
  f: 'f',
  'g.txt': 'g',
  'h.txt': 'h',
}

/** COPY and ADD. */
export const copies: Case[] = [
  {
    name: 'a file to a name',
    dockerfile: 'FROM BASE\nCOPY f /x',
    context: TREE,
    tree: { '/x': file('f') },
  },
  {
    name: 'a file into a directory',
    dockerfile: 'FROM BASE\nCOPY f /n/',
    context: TREE,
    tree: { '/n': dir(), '/n/f': file('f') },
  },
  {
    name: 'a file to a path whose parents are missing',
    dockerfile: 'FROM BASE\nCOPY f /n/m/x',
    context: TREE,
    tree: { '/n': dir(), '/n/m': dir(), '/n/m/x': file('f') },
  },
  {
    name: 'a file into a directory that is there',
    dockerfile: 'FROM BASE\nRUN mkdir /n\nCOPY f /n',
    context: TREE,
    tree: { '/n': dir(), '/n/f': file('f') },
  },
  {
    name: 'the contents of a directory',
    dockerfile: 'FROM BASE\nCOPY d /n/',
    context: TREE,
    tree: {
      '/n': dir(),
      '/n/a': file('a'),
      '/n/sub': dir(),
      '/n/sub/b': file('b'),
      '/n/run.sh': file('#!/bin/sh\n', 0o755),
    },
  },
  {
    name: 'several sources, one of them a pattern',
    dockerfile: 'FROM BASE\nCOPY f *.txt /n/',
    context: TREE,
    tree: { '/n': dir(), '/n/f': file('f'), '/n/g.txt': file('g'), '/n/h.txt': file('h') },
  },
  {
    name: 'a pattern of one character and of a set',
    dockerfile: 'FROM BASE\nCOPY [gx].t?t /n/',
    context: TREE,
    tree: { '/n': dir(), '/n/g.txt': file('g') },
  },
  {
    name: 'names with white space, as JSON',
    dockerfile: 'FROM BASE\nCOPY ["a b", "/c d/"]',
    context: { 'a b': 'x' },
    tree: { '/c d': dir(), '/c d/a b': file('x') },
  },
  {
    name: 'relative to the working directory',
    dockerfile: 'FROM BASE\nWORKDIR /w\nCOPY f .\nCOPY f sub/x',
    context: TREE,
    tree: { '/w': dir(), '/w/f': file('f'), '/w/sub': dir(), '/w/sub/x': file('f') },
  },
  {
    name: 'variables in sources and destination',
    dockerfile: 'FROM BASE\nENV F=f D=/n\nCOPY $F ${D}/',
    context: TREE,
    tree: { '/n': dir(), '/n/f': file('f') },
  },
  {
    name: 'over a file',
    dockerfile: 'FROM BASE\nRUN echo old > /x && chmod 600 /x\nCOPY f /x',
    context: TREE,
    tree: { '/x': file('f') },
  },
  {
    name: 'into what is there, keeping what is not named',
    dockerfile:
      'FROM BASE\nRUN mkdir -p /n/sub && echo k > /n/sub/kept && chmod 700 /n\nCOPY d /n/',
    context: { 'd/sub/b': 'b' },
    tree: { '/n': dir(0o700), '/n/sub': dir(), '/n/sub/b': file('b'), '/n/sub/kept': file('k\n') },
  },
  {
    name: 'through a link to a directory of the image',
    dockerfile: 'FROM BASE\nRUN mkdir /real && ln -s /real /alias\nCOPY f /alias/',
    context: TREE,
    tree: { '/real': dir(), '/real/f': file('f'), '/alias': link('/real') },
  },
  {
    name: 'a link of the image that leads up stays inside',
    dockerfile: 'FROM BASE\nRUN ln -s ../../../../in /up && mkdir /in\nCOPY f /up/f',
    context: TREE,
    tree: { '/in': dir(), '/in/f': file('f'), '/up': link('../../../../in') },
  },
  {
    name: 'links in a directory are kept, a link that is named is followed',
    dockerfile: 'FROM BASE\nCOPY d /n/\nCOPY l /y',
    context: {
      'd/to': { link: 'a' },
      'd/a': 'a',
      'd/out': { link: '/etc/passwd' },
      l: { link: 'd/a' },
    },
    tree: {
      '/n': dir(),
      '/n/a': file('a'),
      '/n/to': link('a'),
      '/n/out': link('/etc/passwd'),
      '/y': file('a'),
    },
  },
  {
    name: 'a link that leads out of the context',
    dockerfile: 'FROM BASE\nCOPY l /y',
    context: { l: { link: '/../../../../proc/version' } },
    fails: /COPY failed|no such file|not found/i,
  },
  {
    name: '.. ends at the context',
    dockerfile: 'FROM BASE\nCOPY ../../f /x',
    context: TREE,
    tree: { '/x': file('f') },
    notClassic: 'forbids it',
  },
  {
    name: 'what is not there',
    dockerfile: 'FROM BASE\nCOPY nope /x',
    context: TREE,
    fails: /COPY failed: file not found in build context.*nope/,
  },
  {
    name: 'several sources to what is no directory',
    dockerfile: 'FROM BASE\nCOPY f g.txt /x',
    context: TREE,
    fails: /more than one source file/,
  },
  {
    name: 'a directory that is made for the contents of another has nothing of that',
    dockerfile:
      'FROM BASE AS made\nRUN mkdir -m 700 /d && echo x > /d/f && chown 1:2 /d\nFROM BASE\nCOPY --from=made /d /n\nCOPY --from=made --chown=3:4 /d /m',
    tree: {
      '/n': dir(),
      '/n/f': file('x\n'),
      '/m': dir(0o755, '3:4'),
      '/m/f': file('x\n', 0o644, '3:4'),
    },
  },
  {
    name: 'a pattern goes through no link',
    dockerfile: 'FROM BASE\nCOPY */f /n/',
    context: { 'd/f': 'f', z: { link: 'e' }, 'e/g': 'g', 'e/f': { link: 'g' } },
    tree: { '/n': dir(), '/n/f': file('g') },
  },
  {
    name: 'owners by number',
    dockerfile: 'FROM BASE\nCOPY --chown=1:2 f /n/\nCOPY --chown=3 f /m',
    context: TREE,
    tree: {
      '/n': dir(0o755, '1:2'),
      '/n/f': file('f', 0o644, '1:2'),
      '/m': file('f', 0o644, '3:3'),
    },
  },
  {
    name: 'owners by name',
    dockerfile:
      'FROM BASE\nRUN echo "u:x:5:6::/:" > /etc/passwd && echo "g:x:8:" > /etc/group\nCOPY --chown=u:g f /a',
    context: TREE,
    tree: {
      '/etc/passwd': file('u:x:5:6::/:\n'),
      '/etc/group': file('g:x:8:\n'),
      '/a': file('f', 0o644, '5:8'),
    },
  },
  {
    name: 'an owner that the image does not know',
    dockerfile: 'FROM BASE\nCOPY --chown=who f /x',
    context: TREE,
    fails: /who/,
  },
  {
    name: 'modes: octal',
    dockerfile: 'FROM BASE\nCOPY --chmod=640 f /x\nCOPY --chmod=4755 d/a /s',
    context: TREE,
    tree: { '/x': file('f', 0o640), '/s': file('a', 0o4755) },
    notClassic: 'only BuildKit has it',
  },
  {
    name: 'modes: symbolic',
    dockerfile: 'FROM BASE\nCOPY --chmod=u=rwX,go= d /n/\nCOPY --chmod=+x f /x',
    context: { 'd/sub/b': 'b', f: 'f' },
    tree: {
      '/n': dir(),
      '/n/sub': dir(0o700),
      '/n/sub/b': file('b', 0o600),
      '/x': file('f', 0o755),
    },
    notClassic: 'only BuildKit has it',
  },
  {
    name: 'modes: directories that are made get those in octal',
    dockerfile:
      'FROM BASE\nCOPY --chmod=750 d /n/m\nCOPY --chmod=750 f /o/x\nCOPY --chmod=go= f /p/x',
    context: { 'd/a': 'a', f: 'f' },
    tree: {
      '/n': dir(0o750),
      '/n/m': dir(0o750),
      '/n/m/a': file('a', 0o750),
      '/o': dir(0o750),
      '/o/x': file('f', 0o750),
      '/p': dir(),
      '/p/x': file('f', 0o600),
    },
    notClassic: 'only BuildKit has it',
  },
  {
    name: 'a mode that is none',
    dockerfile: 'FROM BASE\nCOPY --chmod=u=q f /x',
    context: TREE,
    fails: /invalid chmod/,
    notClassic: 'only BuildKit has it',
  },
  {
    name: 'what is excluded',
    dockerfile: 'FROM BASE\nCOPY --exclude=*.log --exclude=sub --exclude=Dockerfile . /n/',
    context: { a: 'a', 'b.log': 'b', 'sub/c': 'c', 'k/d.log': 'd' },
    tree: { '/n': dir(), '/n/a': file('a'), '/n/k': dir(), '/n/k/d.log': file('d') },
    notClassic: 'only BuildKit has it',
  },
  {
    name: 'with the parents of the sources',
    dockerfile: 'FROM BASE\nCOPY --parents d/sub/b f /n/\nCOPY --parents d/./sub/b /m/',
    context: TREE,
    tree: {
      '/n': dir(),
      '/n/d': dir(),
      '/n/d/sub': dir(),
      '/n/d/sub/b': file('b'),
      '/n/f': file('f'),
      '/m': dir(),
      '/m/sub': dir(),
      '/m/sub/b': file('b'),
    },
    notClassic: 'only BuildKit has it',
  },
  {
    name: 'patterns of any depth with parents',
    dockerfile: 'FROM BASE\nCOPY --parents **/*.c /n/',
    context: { 'a.c': '1', 'x/b.c': '2', 'x/y/c.c': '3', 'x/y/d.h': '4' },
    tree: {
      '/n': dir(),
      '/n/a.c': file('1'),
      '/n/x': dir(),
      '/n/x/b.c': file('2'),
      '/n/x/y': dir(),
      '/n/x/y/c.c': file('3'),
    },
    notClassic: 'only BuildKit has it',
  },
  {
    name: 'links with parents are kept and not gone through',
    dockerfile: 'FROM BASE\nCOPY --parents **/*.c /n/\nCOPY --parents a/l.c /m/',
    context: { 'a/x.c': '1', 'a/l.c': { link: 'x.c' }, 'a/up': { link: '..' } },
    tree: {
      '/n': dir(),
      '/n/a': dir(),
      '/n/a/x.c': file('1'),
      '/n/a/l.c': link('x.c'),
      '/m': dir(),
      '/m/a': dir(),
      '/m/a/l.c': link('x.c'),
    },
    notClassic: 'only BuildKit has it',
  },
  {
    name: 'a layer that does not look at what is below',
    dockerfile: 'FROM BASE\nRUN mkdir /real && ln -s real /alias\nCOPY --link f /alias/',
    context: TREE,
    tree: { '/real': dir(), '/alias': dir(), '/alias/f': file('f') },
    notClassic: 'only BuildKit has it',
  },
  {
    name: 'a pattern that fits nothing copies nothing',
    dockerfile: 'FROM BASE\nCOPY f nope* /n/',
    context: TREE,
    tree: { '/n': dir(), '/n/f': file('f') },
  },
  {
    name: 'here-documents as files',
    dockerfile:
      'FROM BASE\nENV W=world\nCOPY <<one <<"two" /n/\nhello $W\none\nkept $W\ntwo\nCOPY <<-EOF /t\n\t\ttabs "go"\n\tEOF',
    tree: {
      '/n': dir(),
      '/n/one': file('hello world\n'),
      '/n/two': file('kept $W\n'),
      '/t': file('tabs "go"\n'),
    },
    notClassic: 'only BuildKit has them',
  },
  {
    name: 'escapes and quotes in here-documents',
    dockerfile: 'FROM BASE\nENV W=w\nCOPY <<E /x\na "$W" \\$W \'$W\' \\"q\\" ${W:-n} c:\\d\nE',
    tree: { '/x': file('a "w" $W \'w\' \\"q\\" w c:\\d\n') },
    notClassic: 'only BuildKit has them',
  },
  {
    name: 'a trigger that copies from a stage that nothing else needs',
    dockerfile:
      'FROM BASE AS extra\nRUN echo x > /x\nFROM BASE AS parent\nONBUILD COPY --from=extra /x /y\nFROM parent',
    tree: { '/y': file('x\n') },
    notClassic: 'takes triggers of images only',
  },
  {
    name: 'a trigger that copies from its own stage',
    dockerfile: 'FROM BASE AS parent\nONBUILD COPY --from=me /x /y\nFROM parent AS me',
    fails: /only stages above/,
    notClassic: 'takes triggers of images only',
  },
  {
    name: 'from a stage by name and by number; its owners are kept',
    dockerfile:
      'FROM BASE AS one\nRUN mkdir /o && echo x > /o/x && chown 7:8 /o/x\nFROM BASE\nCOPY --from=one /o/x /a\nCOPY --from=0 /o /b/',
    tree: { '/a': file('x\n', 0o644, '7:8'), '/b': dir(), '/b/x': file('x\n', 0o644, '7:8') },
    notClassic: 'gives all to root',
  },
  {
    name: 'from an image',
    dockerfile: 'FROM scratch\nCOPY --from=BASE /bin/true /t/',
    tree: { '/t': dir(), '/t/true': expectAny() },
  },
  {
    name: 'from a stage, what its upper layers changed and deleted',
    dockerfile: [
      'FROM BASE AS s',
      'RUN mkdir -p /o/d && echo 1 > /o/one && echo 2 > /o/two && echo 3 > /o/d/three',
      'RUN rm /o/one && echo new > /o/two && rm -r /o/d && mkdir /o/d && echo 4 > /o/d/four',
      'FROM BASE',
      'COPY --from=s /o /n/',
    ].join('\n'),
    tree: { '/n': dir(), '/n/two': file('new\n'), '/n/d': dir(), '/n/d/four': file('4\n') },
  },
  {
    name: 'from a stage that is not there',
    dockerfile: 'FROM BASE\nCOPY --from=9 /x /y',
    fails: /9/,
  },
  {
    name: 'ADD unpacks an archive, compressed or not',
    dockerfile: 'FROM BASE\nADD a.tar b.tgz /n/',
    context: {
      'a.tar': { tar: tarOf({ 'x/one': '1' }) },
      'b.tgz': { tar: gzipSync(tarOf({ two: '2' })) },
    },
    tree: { '/n': dir(), '/n/x': dir(), '/n/x/one': file('1'), '/n/two': file('2') },
  },
  {
    name: 'ADD unpacks bzip2 and xz',
    dockerfile: 'FROM BASE\nADD a.tar.xz b.tbz2 /n/',
    context: {
      'a.tar.xz': { tar: execFileSync('xz', { input: tarOf({ one: '1' }) }) },
      'b.tbz2': { tar: execFileSync('bzip2', { input: tarOf({ two: '2' }) }) },
    },
    tree: { '/n': dir(), '/n/one': file('1'), '/n/two': file('2') },
  },
  {
    name: 'ADD of a broken archive',
    dockerfile: 'FROM BASE\nADD a.tar.xz /n/',
    context: {
      'a.tar.xz': { tar: execFileSync('xz', { input: tarOf({ one: '1' }) }).subarray(0, 60) },
    },
    fails: /ADD failed: broken xz data/,
    notClassic: 'copies it',
  },
  {
    name: 'ADD copies what only has the name of an archive',
    dockerfile: 'FROM BASE\nADD not.tar /n/',
    context: { 'not.tar': 'text' },
    tree: { '/n': dir(), '/n/not.tar': file('text') },
  },
  {
    name: 'COPY leaves an archive as it is',
    dockerfile: 'FROM scratch\nCOPY a.tar /n/',
    context: { 'a.tar': { tar: tarOf({ one: '1' }) } },
    tree: { '/n': dir(), '/n/a.tar': expectAny() },
  },
  {
    name: 'ADD --unpack=false leaves it, too',
    dockerfile: 'FROM scratch\nADD --unpack=false a.tar /n/',
    context: { 'a.tar': { tar: tarOf({ one: '1' }) } },
    tree: { '/n': dir(), '/n/a.tar': expectAny() },
    notClassic: 'newer than it',
  },
  {
    name: 'ADD of an address',
    dockerfile: 'FROM BASE\nADD SERVER/file.txt /n/\nADD SERVER/file.txt /x',
    tree: { '/n': dir(), '/n/file.txt': file('served\n', 0o600), '/x': file('served\n', 0o600) },
    notClassic: "cannot reach the test's server from everywhere",
  },
  {
    name: 'ADD of an address with its checksum',
    dockerfile: 'FROM BASE\nADD --checksum=sha256:CHECKSUM --chmod=644 SERVER/file.txt /x',
    tree: { '/x': file('served\n') },
    notClassic: 'newer than it',
  },
  {
    name: 'ADD of an address with a wrong checksum',
    dockerfile: `FROM BASE\nADD --checksum=sha256:${'0'.repeat(64)} SERVER/file.txt /x`,
    fails: /ADD failed: digest mismatch/,
    notClassic: 'newer than it',
  },
  {
    name: 'ADD of an address that is not there',
    dockerfile: 'FROM BASE\nADD SERVER/nope /x',
    fails: /ADD failed: .*404/,
    notClassic: 'other words',
  },
  {
    name: 'a name that means a deletion in layers',
    dockerfile: 'FROM BASE\nCOPY d /n/',
    context: { 'd/.wh.x': 'x' },
    fails: /\.wh\.x/,
    notClassic: 'takes it for a deletion',
  },
  {
    name: 'the ignore file, with exceptions',
    dockerfile: 'FROM BASE\nCOPY . /n/',
    context: {
      '.dockerignore': 'Dockerfile\n.dockerignore\n*.md\n!README.md\ndeep\n!deep/kept\n',
      'a.md': 'a',
      'README.md': 'r',
      'deep/x': 'x',
      'deep/kept': 'k',
    },
    notClassic: 'there the client applies it',
    tree: { '/n': dir(), '/n/README.md': file('r'), '/n/deep': dir(), '/n/deep/kept': file('k') },
  },
  {
    name: 'an ignore file of its own for a Dockerfile',
    dockerfile: 'FROM BASE\nCOPY x y /n/',
    context: {
      'other.Dockerfile': 'FROM BASE\nCOPY . /n/',
      'other.Dockerfile.dockerignore': '*\n!x',
      '.dockerignore': 'x',
      x: 'x',
      y: 'y',
    },
    request: { dockerfile: 'other.Dockerfile' },
    tree: { '/n': dir(), '/n/x': file('x') },
    notClassic: 'only BuildKit has it',
  },
  {
    name: 'a Dockerfile elsewhere',
    dockerfile: 'FROM nope',
    context: { 'd/D': 'FROM BASE\nCOPY f /x', f: 'f' },
    request: { dockerfile: 'd/D' },
    tree: { '/x': file('f') },
  },
  {
    name: 'a Dockerfile that is not there',
    dockerfile: 'FROM BASE',
    request: { dockerfile: 'nope' },
    fails: /Cannot locate specified Dockerfile: nope/,
  },
]

/** Its content is the base's business. */
function expectAny(): string {
  return '*'
}
