import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { ImageLayers, LayerFile } from '../../../engine/contract/image-layers.ts'
import { dir, file, link, symlink, tar } from '../tar/members.ts'
import { dockerArchive } from './archives.ts'
import { TestImages } from './image-engine.ts'

const whiteout = (directory: string, name: string) => file(`${directory}.wh.${name}`, '')
const opaque = (directory: string) => file(`${directory}/.wh..wh..opq`, '')

/** What one directory of a layer shows, as `mark name`. */
function marks(files: LayerFile[]): string[] {
  return files.map(({ mark, name, kind }) => `${mark} ${name}${kind === 'directory' ? '/' : ''}`)
}

describe('layers of an image', () => {
  let test: TestImages
  before(async () => {
    test = await TestImages.open()
  })
  after(() => test.close())

  async function load(name: string, ...layers: Buffer[]): Promise<ImageLayers> {
    await test.load(dockerArchive({ layers, tags: [name] }))
    return await test.images.layers(name)
  }
  const list = async (name: string, layer: number, at = '/') =>
    (await test.images.layerFiles(name, layer, at)).files

  it('tells what each adds, overwrites and removes, and what that wastes', async () => {
    const { layers, wasted, wastedBytes } = await load(
      'plain:1',
      tar(dir('etc/'), file('etc/keep', 'k'), file('etc/conf', 'first'), file('big', '0123456789')),
      tar(dir('etc/'), file('etc/conf', 'second'), file('etc/new', 'n'), whiteout('', 'big')),
      tar(file('etc/conf', '3'), whiteout('etc/', 'new'), whiteout('etc/', 'never-there')),
    )
    assert.deepEqual(
      layers.map(({ added, modified, removed, wastedBytes: waste }) => [
        added,
        modified,
        removed,
        waste,
      ]),
      [
        [3, 0, 0, 15],
        [1, 1, 1, 7],
        [0, 1, 1, 0],
      ],
    )
    assert.equal(wastedBytes, 22)
    assert.deepEqual(wasted, [
      { path: '/big', sizeBytes: 10, layer: 0, hiddenBy: 1 },
      { path: '/etc/conf', sizeBytes: 6, layer: 1, hiddenBy: 2 },
      { path: '/etc/conf', sizeBytes: 5, layer: 0, hiddenBy: 1 },
      { path: '/etc/new', sizeBytes: 1, layer: 1, hiddenBy: 2 },
    ])
    assert.equal(layers[1]?.instruction, 'layer 1')

    assert.deepEqual(marks(await list('plain:1', 1)), ['modified etc/', 'removed big'])
    assert.deepEqual(marks(await list('plain:1', 2, '/etc')), ['modified conf', 'removed new'])
    const [etc] = await list('plain:1', 1)
    assert.deepEqual(etc?.within, {
      added: 1,
      modified: 1,
      removed: 0,
      sizeBytes: 7,
      hiddenBytes: 5,
    })
    const [conf] = await list('plain:1', 1, '/etc')
    assert.deepEqual([conf?.sizeBytes, conf?.previousBytes], [6, 5])
  })

  it('lists what a removed directory held, through layers that had hidden parts of it', async () => {
    const { layers, wasted } = await load(
      'removed:1',
      tar(dir('d/'), file('d/a', 'aa'), file('d/b', 'bbb'), dir('d/sub/'), file('d/sub/c', 'cccc')),
      tar(dir('d/'), whiteout('d/', 'a'), file('d/b', 'b')),
      tar(whiteout('', 'd')),
    )
    assert.deepEqual(marks(await list('removed:1', 2)), ['removed d/'])
    assert.deepEqual(marks(await list('removed:1', 2, '/d')), ['removed sub/', 'removed b'])
    assert.deepEqual(marks(await list('removed:1', 2, '/d/sub')), ['removed c'])
    assert.equal(layers[2]?.removed, 2)
    assert.deepEqual(
      wasted.map(({ path: where, layer, hiddenBy }) => [where, layer, hiddenBy]),
      [
        ['/d/sub/c', 0, 2],
        ['/d/b', 0, 1],
        ['/d/a', 0, 1],
        ['/d/b', 1, 2],
      ],
    )
  })

  it('takes all that an opaque directory hides for removed, below it too', async () => {
    const { layers, wastedBytes } = await load(
      'opaque:1',
      tar(dir('o/'), file('o/old', '12'), file('o/both', '345'), dir('o/in/'), file('o/in/x', '6')),
      tar(dir('o/'), opaque('o'), file('o/both', 'n'), dir('o/in/'), file('o/in/y', 'nn')),
    )
    assert.deepEqual(marks(await list('opaque:1', 1, 'o')), [
      'modified in/',
      'modified both',
      'removed old',
    ])
    assert.deepEqual(marks(await list('opaque:1', 1, '/o/in')), ['removed x', 'added y'])
    assert.deepEqual([layers[1]?.added, layers[1]?.modified, layers[1]?.removed], [1, 1, 2])
    assert.equal(wastedBytes, 6)
  })

  it('counts a hard-linked file once, and as wasted only when all its names are gone', async () => {
    const base = tar(file('one', '1234567890'), link('two', 'one'), file('three', 'x'))
    const half = await load('links:1', base, tar(whiteout('', 'one')))
    assert.equal(half.wastedBytes, 0)
    assert.equal(half.layers[0]?.added, 3)
    const whole = await load(
      'links:2',
      base,
      tar(whiteout('', 'one')),
      tar(file('two', 'no link any more')),
    )
    assert.equal(whole.wastedBytes, 10)
    assert.deepEqual(whole.wasted, [{ path: '/two', sizeBytes: 10, layer: 0, hiddenBy: 2 }])
    assert.equal((await list('links:1', 0)).find(({ name }) => name === 'one')?.hardLinks, 2)
  })

  it('tells of a file in the place of a directory, and the other way round', async () => {
    const { layers, wastedBytes } = await load(
      'types:1',
      tar(dir('was-dir/'), file('was-dir/in', '123'), file('was-file', '4567')),
      tar(file('was-dir', 'f'), dir('was-file/'), file('was-file/in', 'g')),
    )
    assert.deepEqual(marks(await list('types:1', 1)), ['modified was-file/', 'modified was-dir'])
    assert.deepEqual(marks(await list('types:1', 1, 'was-file')), ['added in'])
    assert.equal(wastedBytes, 7)
    assert.deepEqual([layers[1]?.added, layers[1]?.modified, layers[1]?.removed], [1, 1, 1])
  })

  it('follows no link of a hostile layer, whether it is walked or asked for by path', async () => {
    const secret = path.join(test.root, 'secret')
    fs.mkdirSync(secret)
    fs.writeFileSync(path.join(secret, 'key'), 'do not read')
    const up = '../'.repeat(12)
    const { layers } = await load(
      'hostile:1',
      tar(dir('real/'), file('real/file', 'x'), symlink('abs', secret), symlink('rel', up)),
      tar(symlink('real', secret), symlink('self', 'self'), symlink('proc', '/proc/self/root')),
      tar(dir('abs/'), file('abs/key', 'mine')),
    )
    assert.deepEqual(
      layers.map(({ added, modified, removed }) => [added, modified, removed]),
      [
        [3, 0, 0],
        [2, 1, 1],
        [1, 0, 0],
      ],
    )
    const links = await list('hostile:1', 1)
    assert.equal(links.find(({ name }) => name === 'real')?.linkTarget, secret)
    const refused: [number, string, string][] = [
      [0, '/abs', 'NOT_FOUND'],
      [0, '/rel/etc', 'NOT_FOUND'],
      [1, '/real', 'NOT_FOUND'],
      [1, '/proc/etc', 'NOT_FOUND'],
      [1, '/self', 'NOT_FOUND'],
      [0, '/real/../../secret', 'INVALID_PARAMETER'],
      [0, '/real/file', 'NOT_FOUND'],
      [7, '/', 'NOT_FOUND'],
    ]
    for (const [layer, where, code] of refused)
      await assert.rejects(test.images.layerFiles('hostile:1', layer, where), { code }, where)
    assert.deepEqual(marks(await list('hostile:1', 2, '/abs')), ['added key'])
  })

  it('walks deep trees without a descriptor for each level', async () => {
    const deep = `${'d/'.repeat(1500)}leaf`
    const { layers, wastedBytes } = await load(
      'deep:1',
      tar(file(deep, '12345')),
      tar(whiteout('', 'd')),
    )
    assert.equal(layers[0]?.added, 1)
    assert.equal(wastedBytes, 5)
    assert.deepEqual(marks(await list('deep:1', 1, 'd/'.repeat(1500))), ['removed leaf'])
  })

  it('gives a large directory in pages', async () => {
    const names = Array.from({ length: 2500 }, (_, index) => `f${String(index).padStart(4, '0')}`)
    await load('wide:1', tar(...names.map((name) => file(name, ''))))
    const first = await test.images.layerFiles('wide:1', 0, '/')
    assert.deepEqual([first.total, first.files.length], [2500, 1000])
    const last = await test.images.layerFiles('wide:1', 0, '/', { offset: 2400, limit: 5000 })
    assert.deepEqual([last.files.length, last.files.at(-1)?.name], [100, 'f2499'])
  })

  it("says so when a layer was removed by somebody's hand", async () => {
    await load('taken:1', tar(file('a')))
    const { GraphDriver } = await test.images.inspect('taken:1')
    fs.rmSync(GraphDriver?.Data['UpperDir'] ?? '', { recursive: true })
    await assert.rejects(test.images.layerFiles('taken:1', 0, '/'), {
      code: 'SYSTEM',
      message: /^layer sha256:\w+ of image sha256:\w+ is missing on disk: .*pull the image again$/,
    })
  })

  it('says that there is no such image', async () => {
    await assert.rejects(test.images.layers('none:1'), { code: 'NOT_FOUND' })
  })
})
