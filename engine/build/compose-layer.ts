import type { ImageLayer } from '../images/image.ts'
import { makeLayer } from '../images/make-layer.ts'
import type { ComposeJob, ComposePart } from '../store/compose/job.ts'
import { treesOf } from './stage.ts'
import type { Build, Stage } from './stage.ts'

/** What the next layer of a stage is put together from. */
export function composeJob(
  build: Build,
  stage: Stage,
  parts: ComposePart[],
): Omit<ComposeJob, 'output'> {
  return {
    lower: treesOf(build.store, stage.layers),
    parts,
    epochSeconds: build.epochSeconds,
    limits: build.store.layers.limits,
  }
}

/** Puts a stage's next layer together; undefined: it changes nothing. */
export async function composeLayer(
  build: Build,
  stage: Stage,
  job: Omit<ComposeJob, 'output'>,
): Promise<{ layer: ImageLayer | undefined; digest: string }> {
  const { trees } = build.parts
  let digest = ''
  const layer = await makeLayer(build.store, stage.layers, build.lease, async (blob, directory) => {
    const composed = await trees.compose({ ...job, output: { blob, directory } }, build.signal)
    digest = composed.digest
    if (composed.packed === undefined) throw new Error('a layer was asked for')
    return composed.packed
  })
  return { layer, digest }
}
