import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  cacheIn,
  cacheManifest,
  formatCache,
  parseCache,
} from '../../../engine/build/cache-config.ts'
import type { CachedStep } from '../../../engine/build/cache-config.ts'
import type { Descriptor } from '../../../engine/oci/descriptor.ts'
import { BUILDKIT_CACHE_CONFIG } from '../../../engine/oci/media-types.ts'

const hex = (sign: string): string => sign.repeat(64)
const descriptor = (sign: string, mediaType = 'application/vnd.oci.image.layer.v1.tar+gzip') =>
  ({ mediaType, digest: `sha256:${hex(sign)}`, size: 1 }) as Descriptor

const steps: CachedStep[] = [
  {
    key: hex('a'),
    parent: undefined,
    createdAt: '2026-01-01T00:00:00Z',
    layer: { diffId: `sha256:${hex('1')}`, blob: descriptor('2') },
  },
  { key: hex('b'), parent: hex('a'), createdAt: '2026-01-02T00:00:00Z', layer: null },
  {
    key: hex('c'),
    parent: hex('b'),
    createdAt: '2026-01-03T00:00:00Z',
    layer: { diffId: `sha256:${hex('3')}`, blob: descriptor('4') },
  },
]

describe('a cache in the format of BuildKit', () => {
  it('holds steps with what they stand upon, also those that wrote nothing', () => {
    const { config, layers } = formatCache(steps)
    const parsed = parseCache(config, layers)
    assert.deepEqual(
      parsed.map(({ layer, ...step }) => ({ ...step, layer: layer?.diffId })),
      steps.map(({ layer, ...step }) => ({ ...step, layer: layer?.diffId })),
    )
    const raw = JSON.parse(config.toString()) as { layers: { parent: number }[] }
    assert.deepEqual(
      raw.layers.map(({ parent }) => parent),
      [-1, 0],
    )
  })

  it('is found in a manifest and in an index, and nowhere else', () => {
    const { layers } = formatCache(steps)
    const config = descriptor('5', BUILDKIT_CACHE_CONFIG)
    for (const asIndex of [false, true]) {
      const found = cacheIn(cacheManifest(config, layers, asIndex).content)
      assert.equal(found?.config.digest, config.digest)
      assert.deepEqual(
        found.layers.map(({ digest }) => digest),
        layers.map(({ digest }) => digest),
      )
    }
    const image = { schemaVersion: 2, config: descriptor('6', 'x'), layers: [] }
    assert.equal(cacheIn(Buffer.from(JSON.stringify(image))), undefined)
  })

  it('is read as BuildKit writes it, and refused when it is broken', () => {
    const theirs = {
      layers: [{ blob: `sha256:${hex('2')}`, parent: -1 }],
      records: [
        { digest: `sha256:${hex('d')}`, layers: [{ layer: 0 }] },
        { digest: `sha256:${hex('e')}`, inputs: [[{ link: 0, selector: 's' }]] },
        { digest: `sha256:${hex('f')}`, layers: [{ layer: 9 }] },
      ],
    }
    assert.deepEqual(parseCache(Buffer.from(JSON.stringify(theirs)), [descriptor('2')]), [])
    assert.throws(
      () => parseCache(Buffer.from('{"records":[{"digest":"x"}]}'), []),
      /invalid cache/,
    )
    assert.throws(() => parseCache(Buffer.from('no'), []), /not JSON/)
  })
})
