import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { dockerArchive, registryImage, tarOf } from '../images/archives.ts'
import { collect, TestImages } from '../images/image-engine.ts'
import { MockRegistry } from '../registry/mock-registry.ts'

const CHILD = path.join(import.meta.dirname, 'store-child.ts')
/** Kills of each kind; GANTRY_TEST_KILLS=50 is for a quiet hour. */
const KILLS = Number(process.env['GANTRY_TEST_KILLS'] ?? 2)
const LAYER_BYTES = 2 << 20

describe('an engine killed with -9 in the middle of a transfer', () => {
  const layers = ['a', 'b', 'c'].map((name) => tarOf({ [name]: randomBytes(LAYER_BYTES) }))
  const image = registryImage({ layers })
  const total = [...image.blobs.values()].reduce((sum, { length }) => sum + length, 0)
  const names = ['a', 'b', 'c']
  let registry: MockRegistry
  let archive: string
  let moments: string[] = []
  before(async () => {
    registry = await MockRegistry.start()
    registry.add('app:1', image)
    archive = path.join(fs.mkdtempSync('/tmp/g-store'), 'archive.tar')
    fs.writeFileSync(archive, dockerArchive({ layers, tags: ['made:1'] }))
  })
  after(async () => {
    await registry.close()
    fs.rmSync(path.dirname(archive), { recursive: true, force: true })
  })

  it('goes on with a pull from the bytes that it had', async (t) => {
    const name = `${registry.host}/app:1`
    registry.pace = 8
    await killed(1200, 'pull', name, async (test) => {
      const held = heldBytes(test)
      await test.reopen()
      await whole(test)
      const before = registry.sentBytes
      registry.pace = 0
      await collect(test.images.pull(name))
      registry.pace = 8
      const fetched = registry.sentBytes - before
      moments.push(`${held} of ${total} were there, ${fetched} came`)
      // config and manifest are asked for again
      assert.ok(fetched <= total - held + 4096, moments.at(-1))
      assert.equal(await whole(test), 1)
    })
    tell(t)
  })

  it('sends no blob again that a push had brought', async (t) => {
    const name = `${registry.host}/made:1`
    registry.writePace = 4
    await killed(
      1200,
      'push',
      name,
      async (test) => {
        const there = new Set(
          [...registry.homes].filter(([, homes]) => homes.has('made')).map(([digest]) => digest),
        )
        await test.reopen()
        assert.equal(await whole(test), 1)
        registry.writePace = 0
        registry.log.length = 0
        await collect(test.images.push(name))
        registry.writePace = 4
        const uploads = registry.log.filter((line) => line.startsWith('POST')).length
        moments.push(`${there.size} of 4 blobs were there, ${uploads} were sent`)
        assert.equal(uploads, 4 - there.size, moments.at(-1))
        assert.ok(registry.manifests.has('made/manifests/1'))
        registry.homes.clear()
        registry.manifests.delete('made/manifests/1')
      },
      async (test) => {
        await test.load(fs.readFileSync(archive))
        await test.images.tag('made:1', `${registry.host}/made`, '1')
        await test.images.remove('made:1')
      },
    )
    tell(t)
  })

  it('has a load whole or not at all, and takes it again', async (t) => {
    await killed(2000, 'load', archive, async (test) => {
      await test.reopen()
      const found = await whole(test)
      const { layers: unpacked, temporary } = test.onDisk()
      assert.deepEqual([unpacked, temporary], [found * 3, 0])
      moments.push(found === 1 ? 'it was whole' : 'nothing was there')
      assert.deepEqual(await test.load(fs.readFileSync(archive)), ['Loaded image: made:1'])
      assert.equal(await whole(test), 1)
    })
    tell(t)
  })

  /** Has a child do it, kills it within the time, and lets it be taken up again; nothing is left at the end. */
  async function killed(
    withinMs: number,
    verb: string,
    what: string,
    again: (test: TestImages) => Promise<void>,
    prepare: (test: TestImages) => Promise<void> = () => Promise.resolve(),
  ): Promise<void> {
    moments = []
    for (let round = 0; round < KILLS; round++) {
      const test = await TestImages.open()
      try {
        await prepare(test)
        await test.images.close()
        const child = spawn(process.execPath, ['--import', 'tsx', CHILD, test.root, verb, what], {
          stdio: ['ignore', 'pipe', 'inherit'],
        })
        const exited = once(child, 'exit')
        await once(child.stdout, 'data')
        await new Promise((resolve) => setTimeout(resolve, Math.random() * withinMs))
        child.kill('SIGKILL')
        await exited
        await again(test)
        for (const { Id } of await test.images.list()) await test.images.remove(Id, { force: true })
        const { partial, ...left } = test.onDisk()
        assert.deepEqual(left, { layers: 0, temporary: 0, blobs: 0 })
        // plain layers in whose place compressed ones came just before: what nobody names goes after a week
        if (verb !== 'push') assert.equal(partial, 0)
        assert.deepEqual(test.warnings, [])
      } finally {
        await test.close()
      }
    }
  }

  /** Every image there is has all its files. */
  async function whole(test: TestImages): Promise<number> {
    const images = await test.images.list()
    for (const { Id } of images) {
      const { GraphDriver } = await test.images.inspect(Id)
      const { LowerDir = '', UpperDir = '' } = GraphDriver?.Data ?? {}
      const trees = [...LowerDir.split(':').reverse(), UpperDir]
      for (const [index, tree] of trees.entries())
        assert.equal(fs.statSync(path.join(tree, names[index] ?? '')).size, LAYER_BYTES)
    }
    return images.length
  }

  function tell(t: { diagnostic: (message: string) => void }): void {
    for (const moment of moments) t.diagnostic(moment)
  }
})

function heldBytes(test: TestImages): number {
  return ['blobs/partial', 'blobs/sha256']
    .flatMap((directory) =>
      fs
        .readdirSync(path.join(test.root, directory))
        .map((name) => path.join(test.root, directory, name)),
    )
    .reduce((sum, file) => sum + fs.statSync(file).size, 0)
}
