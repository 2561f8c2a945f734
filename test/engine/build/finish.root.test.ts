import assert from 'node:assert/strict'
import { it } from 'node:test'
import { finishImage } from '../../../engine/build/finish.ts'
import type { Build, Stage } from '../../../engine/build/stage.ts'
import type { Lease } from '../../../engine/images/leases.ts'
import type { LocalImages } from '../../../engine/images/local-images.ts'
import { digestOf } from '../../../engine/oci/digest.ts'
import { OCI_MANIFEST } from '../../../engine/oci/media-types.ts'
import { TestImages } from '../images/image-engine.ts'

const STAGE = {
  config: { Labels: { a: 'b' } },
  platform: { architecture: 'amd64', os: 'linux' },
  layers: [],
  history: [{ created_by: 'LABEL a=b', empty_layer: true }],
} as unknown as Stage

async function finish({ store }: LocalImages, lease: Lease): Promise<string> {
  const build = { store, request: {}, lease, epochSeconds: 0 }
  return (await finishImage(build as unknown as Build, STAGE)).id
}

it('the image that a cached build gives is not pruned before it has its name', async () => {
  const test = await TestImages.open()
  try {
    const { images } = test
    const finished = async (meanwhile: () => Promise<unknown>): Promise<string> =>
      await images.store.leased(async (lease) => {
        const id = await finish(images, lease)
        await meanwhile()
        assert.ok(images.store.get(id), 'it is there')
        return id
      })
    const first = await finished(() => Promise.resolve())
    assert.equal(await finished(() => images.prune({})), first)
    await images.prune({})
    assert.equal(images.store.get(first), undefined)
  } finally {
    await test.close()
  }
})

it('the image that a cached build gives is the one of before, also when that was pushed or loaded meanwhile', async () => {
  const test = await TestImages.open()
  try {
    const { images } = test
    await images.store.leased(async (lease) => {
      const id = await finish(images, lease)
      const content = Buffer.from('{}')
      const descriptor = {
        mediaType: OCI_MANIFEST,
        digest: digestOf(content),
        size: content.length,
      }
      await images.store.addManifest(id, [], { descriptor, content }, lease)
      assert.equal(await finish(images, lease), id)
    })
  } finally {
    await test.close()
  }
})
