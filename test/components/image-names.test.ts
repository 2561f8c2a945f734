import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { tagBeside, tagsOf } from '../../components/images/image-name.ts'
import { instructionOf } from '../../components/images/instruction.ts'
import { treeRows, type Listings } from '../../components/images/layers/tree-rows.ts'
import type { LayerFile } from '../../engine/contract/image-layers.ts'

describe('tagsOf()', () => {
  it('puts tags of no registry in particular first', () => {
    assert.deepEqual(
      tagsOf({ RepoTags: ['127.0.0.1:5000/a:1', 'localhost/b:1', 'team/c:1', 'd:1'] }),
      ['team/c:1', 'd:1', '127.0.0.1:5000/a:1', 'localhost/b:1'],
    )
    assert.deepEqual(tagsOf({ RepoTags: ['<none>:<none>'] }), [])
  })
})

describe('tagBeside()', () => {
  it('leaves out the repository that the first tag has already said', () => {
    assert.equal(tagBeside('host:5000/a/b:2', 'host:5000/a/b:1'), ':2')
    assert.equal(tagBeside('host:5000/a/b:2', 'host:5000/a/bc:1'), 'host:5000/a/b:2')
    assert.equal(tagBeside('a:2', undefined), 'a:2')
  })
})

describe('instructionOf()', () => {
  it('tells what a builder wrote as it stands in a Dockerfile', () => {
    const told: [string, string, string][] = [
      ['/bin/sh -c #(nop)  CMD ["sh"]', 'CMD', '["sh"]'],
      ['/bin/sh -c #(nop) ADD file:1a2b in / ', 'ADD', 'file:1a2b in /'],
      ['/bin/sh -c apt-get update', 'RUN', 'apt-get update'],
      ['|2 A=1 B=2 /bin/sh -c make all', 'RUN', 'make all'],
      ['RUN /bin/sh -c make # buildkit', 'RUN', 'make'],
      ['RUN |1 V=3 /bin/sh -c make v # buildkit', 'RUN', 'make v'],
      ['COPY . /app # buildkit', 'COPY', '. /app'],
      ['EXPOSE map[53/udp:{} 80/tcp:{}]', 'EXPOSE', '53/udp 80/tcp'],
      ['EXPOSE map[8080/tcp:{}] map[9090/tcp:{}]', 'EXPOSE', '8080/tcp 9090/tcp'],
      ['bazel build ...', '', 'bazel build ...'],
      ['', '', ''],
    ]
    for (const [text, verb, rest] of told) assert.deepEqual(instructionOf(text), { verb, rest })
  })
})

describe('treeRows()', () => {
  const entry = (name: string, more: Partial<LayerFile> = {}): LayerFile => ({
    name,
    kind: 'file',
    mark: 'added',
    sizeBytes: 1,
    mode: 0o644,
    uid: 0,
    gid: 0,
    modified: 0,
    hardLinks: 1,
    ...more,
  })
  const folder = (name: string, removed: number): LayerFile =>
    entry(name, {
      kind: 'directory',
      mark: 'modified',
      within: { added: 0, modified: 0, removed, sizeBytes: 0, hiddenBytes: 0 },
    })
  const listings: Listings = new Map([
    ['', { files: [folder('a', 1), folder('b', 0), entry('c')], total: 5 }],
    ['a', { files: [entry('gone', { mark: 'removed' })], total: 1 }],
  ])

  it('shows what is open, what is being read, and how much more there is', () => {
    const rows = treeRows(listings, new Set(['', 'a', 'b']), new Set())
    assert.deepEqual(
      rows.map(({ depth, kind, path }) => [kind, path, depth]),
      [
        ['file', 'a', 0],
        ['file', 'a/gone', 1],
        ['file', 'b', 0],
        ['waiting', 'b', 1],
        ['file', 'c', 0],
        ['more', '', 0],
      ],
    )
  })

  it('leaves out kinds that are not wanted, with the directories that hold nothing else', () => {
    const rows = treeRows(listings, new Set(['']), new Set(['added', 'modified']))
    assert.deepEqual(
      rows.map(({ path }) => path),
      ['a', ''],
    )
  })
})
