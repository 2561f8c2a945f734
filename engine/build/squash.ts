import type { ImageLayer } from '../images/image.ts'
import { makeLayer } from '../images/make-layer.ts'
import type { OciHistory } from '../oci/image-config.ts'
import { timeOf } from './layer-step.ts'
import { treesOf } from './stage.ts'
import type { Build, Stage } from './stage.ts'

/**
 * Makes one layer of all that a stage has above what it was made from. Its steps stay in the history, without layers and
 * without what would let them stand in for the same steps elsewhere.
 *
 * @param whole digest of the config that the image would have with all of its layers
 * @returns the image's layers, and what its config has in place of the whole one's
 * @see moby daemon/images/image_squash.go
 */
export async function squashStage(
  build: Build,
  stage: Stage,
  whole: string,
): Promise<{
  layers: ImageLayer[]
  document: { rootfs: { type: 'layers'; diff_ids: string[] }; history: OciHistory[] }
}> {
  const { base } = stage
  const below = stage.layers.slice(0, base.layers)
  const above = stage.layers.slice(base.layers)
  const [only] = above
  const made =
    above.length > 1
      ? await makeLayer(build.store, below, build.lease, (blob, directory) =>
          build.parts.trees.squash(
            {
              upper: treesOf(build.store, above),
              lower: below.length > 0 ? treesOf(build.store, below) : [],
              blob,
              directory,
              epochSeconds: build.epochSeconds,
            },
            build.signal,
          ),
        )
      : only
  const layers = made ? [...below, made] : below
  const created = timeOf(build)
  const steps = stage.history.map(({ comment: _mark, ...step }, index) =>
    index < base.history
      ? (stage.history[index] ?? step)
      : { created: stage.madeAt ?? created, ...step, empty_layer: true },
  )
  const comment =
    base.id === undefined ? `create new from ${whole}` : `merge ${whole} to ${base.id}`
  const merged = { created, comment, ...(made ? {} : { empty_layer: true }) }
  return {
    layers,
    document: {
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
      history: [...steps, merged],
    },
  }
}
