import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { ContainerCreateConfig } from '../../../engine/contract/containers.ts'
import { importBusybox, openTestEngine, type TestEngine } from '../../helpers/local-engine.ts'

describe('create() while its image is being removed', () => {
  let host: TestEngine
  before(async () => {
    host = await openTestEngine({ image: false })
    await importBusybox(host.engine, 'app:1')
    await importBusybox(host.engine, 'base:1')
  })
  after(() => host.close())

  const left = (): string[] =>
    ['containers', 'snapshots', 'volumes'].flatMap((name) => {
      const directory = path.join(host.instance.dataRoot, name)
      return fs.existsSync(directory) ? fs.readdirSync(directory) : []
    })

  const standing = { Image: 'app:1', Cmd: ['true'], Volumes: { '/data': {} } }
  const mounting: ContainerCreateConfig = {
    ...standing,
    Image: 'base:1',
    HostConfig: { Mounts: [{ Type: 'image', Source: 'app:1', Target: '/app' }] },
  }

  /** Both at once, the one that is named `first` some turns of the event loop ahead. */
  async function race(
    config: ContainerCreateConfig,
    first: 'create' | 'remove',
    turns: number,
    remove: () => Promise<unknown>,
  ): Promise<{ id: string | undefined; errors: string[] }> {
    const wait = async (who: string): Promise<void> => {
      for (let left = who === first ? 0 : turns; left > 0; left--) await turn()
    }
    const [made, removed] = await Promise.allSettled([
      wait('create').then(() => host.engine.containers.create(config)),
      wait('remove').then(remove),
    ])
    const errors = [made, removed].flatMap((each) =>
      each.status === 'rejected' ? [(each.reason as { code: string }).code] : [],
    )
    return { id: made.status === 'fulfilled' ? made.value.Id : undefined, errors }
  }

  test('the volume of an image that a removed container leaves is pruned at once', async () => {
    const { Id } = await host.engine.containers.create(standing)
    const [mount] = (await host.engine.containers.inspect(Id)).Mounts ?? []
    await host.engine.containers.remove(Id)
    const { VolumesDeleted } = await host.engine.volumes.prune()
    assert.deepEqual(VolumesDeleted, [mount?.Name])
  })

  for (const [how, config] of [
    ['stands on', standing],
    ['mounts', mounting],
  ] as const) {
    for (const first of ['create', 'remove'] as const) {
      test(`one of them is refused, ${first} of what ${how} it ahead, and nothing half made is left`, async () => {
        for (let turns = 0; turns < 12; turns++) {
          const remove = (): Promise<unknown> => host.engine.images.remove('app:1')
          const { errors, id } = await race(config, first, turns, remove)
          if (id === undefined) {
            assert.deepEqual(errors, ['NOT_FOUND'])
            assert.deepEqual(left(), [])
            await importBusybox(host.engine, 'app:1')
            continue
          }
          assert.deepEqual(errors, ['CONFLICT'])
          assert.deepEqual((await host.engine.images.inspect('app:1')).RepoTags, ['app:1'])
          await host.engine.containers.remove(id, { volumes: true })
        }
      })
    }
  }

  test('a prune passes over the image, or the container is not made', async () => {
    for (let turns = 0; turns < 12; turns++) {
      const prune = (): Promise<unknown> => host.engine.images.prune({ dangling: ['false'] })
      const { errors, id } = await race(standing, 'create', turns, prune)
      if (id === undefined) {
        assert.deepEqual(errors, ['NOT_FOUND'])
        assert.deepEqual(left(), [])
        await importBusybox(host.engine, 'app:1')
        continue
      }
      assert.equal((await host.engine.images.inspect('app:1')).RepoTags?.[0], 'app:1')
      await host.engine.containers.remove(id, { volumes: true })
    }
  })
})
