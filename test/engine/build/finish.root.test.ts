import assert from 'node:assert/strict'
import { it } from 'node:test'
import { finishImage } from '../../../engine/build/finish.ts'
import type { Build, Stage } from '../../../engine/build/stage.ts'
import { TestImages } from '../images/image-engine.ts'

it('the image that a cached build gives is not pruned before it has its name', async () => {
  const test = await TestImages.open()
  try {
    const { images } = test
    const platform = { architecture: 'amd64', os: 'linux' }
    const history = [{ created_by: 'LABEL a=b', empty_layer: true }]
    const stage = {
      config: { Labels: { a: 'b' } },
      platform,
      layers: [],
      history,
    } as unknown as Stage
    const finish = async (meanwhile: () => Promise<unknown>): Promise<string> =>
      await images.store.leased(async (lease) => {
        const build = { store: images.store, request: {}, lease, epochSeconds: 0 }
        const { id } = await finishImage(build as unknown as Build, stage)
        await meanwhile()
        assert.ok(images.store.get(id), 'it is there')
        return id
      })
    const first = await finish(() => Promise.resolve())
    assert.equal(await finish(() => images.prune({})), first)
    await images.prune({})
    assert.equal(images.store.get(first), undefined)
  } finally {
    await test.close()
  }
})
