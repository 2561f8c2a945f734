import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { MockRegistry } from '../registry/mock-registry.ts'
import { dockerArchive, registryImage, tarOf } from './archives.ts'
import { collect, TestImages } from './image-engine.ts'

const ROUNDS = 18
const CHILD = fileURLToPath(new URL('./crash-child.ts', import.meta.url))

describe('an engine killed with -9 while it loads, pushes, pulls, saves and removes', () => {
  let test: TestImages
  let registry: MockRegistry
  let archive: string
  const many = Object.fromEntries(
    Array.from({ length: 300 }, (_, i) => [`d${i % 10}/f${i}`, randomBytes(500)]),
  )
  const layers = [tarOf({ base: 'base' }), tarOf(many), tarOf({ big: randomBytes(1 << 20) })]
  before(async () => {
    registry = await MockRegistry.start()
    registry.add('app:1', registryImage({ layers: [...layers, tarOf({ last: 'x' })] }))
    registry.pace = 2
    test = await TestImages.open()
    await test.images.close()
    archive = path.join(test.root, 'archive.tar')
    fs.writeFileSync(
      archive,
      dockerArchive(
        { layers, tags: ['one:1', 'two:2'] },
        { layers: layers.slice(1), tags: ['three'] },
      ),
    )
  })
  after(async () => {
    await test.close()
    await registry.close()
  })

  it('opens with whole images or none of them, nothing half made, and does the work at the next try', async () => {
    const reference = `${registry.host}/app:1`
    for (let round = 0; round < ROUNDS; round++) {
      const child = spawn(
        process.execPath,
        ['--import', 'tsx', CHILD, test.root, archive, reference],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      )
      await once(child.stdout, 'data')
      await new Promise((resolve) => setTimeout(resolve, (round * 173) % 1600))
      assert.equal(child.exitCode, null, 'the child ended by itself')
      child.kill('SIGKILL')
      await once(child, 'exit')

      await test.reopen()
      const images = await test.images.list()
      const inspected = await Promise.all(images.map(({ Id }) => test.images.inspect(Id)))
      const chains = new Set<string>()
      for (const { Id = '', RootFS, GraphDriver } of inspected) {
        const data = GraphDriver?.Data ?? {}
        const trees = [data['UpperDir'] ?? '', ...(data['LowerDir']?.split(':') ?? [])]
        assert.equal(trees.length, RootFS?.Layers?.length)
        for (const tree of trees) {
          assert.ok(fs.statSync(tree).isDirectory())
          chains.add(tree)
          if (fs.existsSync(path.join(tree, 'd0')))
            assert.equal(fs.readdirSync(path.join(tree, 'd9')).length, 30, `half a layer of ${Id}`)
        }
      }
      // a container made just before keeps its image's layers
      const { layers: layersOnDisk, temporary } = test.onDisk()
      if (test.images.snapshots.list().length === 0) assert.equal(layersOnDisk, chains.size)
      assert.equal(temporary, 0)
      for (const id of test.images.snapshots.list()) await test.images.removeWritable(id)

      if (round % 6 === 5) {
        await test.load(fs.readFileSync(archive))
        // takes up what a push was compressing, as the pull does with what it was fetching
        await test.images.tag('one:1', reference.replace(/app:1$/, 'made'), '1')
        await collect(test.images.push(reference.replace(/app:1$/, 'made:1')))
        await collect(test.images.pull(reference))
        assert.equal((await test.images.list()).length, 3)
        for (const { Id } of await test.images.list()) await test.images.remove(Id, { force: true })
        const { partial, ...rest } = test.onDisk()
        assert.deepEqual(rest, { layers: 0, temporary: 0, blobs: 0 })
        // a plain layer whose compressed form a killed push had just put in its place: kept a week, for who fetches it
        assert.ok(partial <= layers.length, `${partial} began and were not taken up`)
      }
      await test.images.close()
    }
  })
})
