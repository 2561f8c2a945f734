import assert from 'node:assert/strict'
import fs from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { openTestEngine, type TestEngine } from '../../helpers/local-engine.ts'

describe('a volume filled from the image', () => {
  let host: TestEngine
  before(async () => {
    host = await openTestEngine()
  })
  after(() => host.close())

  test('is filled once, and whole for each of the containers that are made with it at the same time', async () => {
    for (const made of [true, false]) {
      const name = `shared-${String(made)}`
      if (made) await host.engine.volumes.create({ Name: name })
      const config = { Image: 'busybox', HostConfig: { Binds: [`${name}:/bin`] } }
      const seen = await Promise.all(
        Array.from({ length: 4 }, async () => {
          const { Id } = await host.engine.containers.create(config)
          const { Mountpoint } = await host.engine.volumes.inspect(name)
          const count = fs.readdirSync(Mountpoint).length
          await host.engine.containers.remove(Id)
          return count
        }),
      )
      assert.ok((seen[0] ?? 0) > 200, String(seen[0]))
      assert.deepEqual(new Set(seen).size, 1, String(seen))
    }
  })
})
