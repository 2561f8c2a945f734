import type { Image } from '../images/image.ts'
import { digestOf } from '../oci/digest.ts'
import { timeOf } from './layer-step.ts'
import { squashStage } from './squash.ts'
import type { Build, Stage } from './stage.ts'

/**
 * Takes a stage in as an image. When all of it is as an image that is here, but for when it was made, it is that image:
 * a build of which everything was cached changes nothing.
 */
export async function finishImage(build: Build, stage: Stage): Promise<Image> {
  const { store } = build
  const labels = build.request.labels ?? {}
  const config =
    Object.keys(labels).length === 0
      ? stage.config
      : { ...stage.config, Labels: { ...stage.config.Labels, ...labels } }
  const { architecture, os, variant } = stage.platform
  const base = {
    architecture,
    ...(variant === undefined ? {} : { variant }),
    os,
    ...(stage.osVersion === undefined ? {} : { 'os.version': stage.osVersion }),
    ...(stage.author === undefined ? {} : { author: stage.author }),
    config: withoutEmpty(config),
    rootfs: { type: 'layers' as const, diff_ids: stage.layers.map(({ diffId }) => diffId) },
  }
  const documentOf = (created: string, madeAt: (step: number) => string): Buffer => {
    const history = stage.history.map((step, index) => ({ created: madeAt(index), ...step }))
    return Buffer.from(JSON.stringify({ created, ...base, history }))
  }
  const isSquashed = build.request.squash === true
  if (build.request.noCache !== true && !isSquashed) {
    // most likely the one that was made last
    const same = store.all().findLast((image) => {
      const { created, history } = image.config
      if (created === undefined || !isOfSteps(image, stage)) return false
      const again = documentOf(created, (step) => history[step]?.created ?? created)
      return digestOf(again) === image.id
    })
    if (same) {
      // while it has no name a prune may come
      build.lease.blobs.add(same.id)
      return same
    }
  }
  const created = timeOf(build)
  const content = documentOf(created, () => stage.madeAt ?? created)
  if (!isSquashed) return await store.add(content, stage.layers, null, build.lease)
  const squashed = await squashStage(build, stage, digestOf(content))
  return await store.add(
    Buffer.from(JSON.stringify({ created, ...base, ...squashed.document })),
    squashed.layers,
    null,
    build.lease,
  )
}

/** By far most images are told apart by this. */
function isOfSteps({ config, document }: Image, stage: Stage): boolean {
  const { layers } = document
  return (
    layers.length === stage.layers.length &&
    config.history.length === stage.history.length &&
    layers.at(-1)?.chainId === stage.layers.at(-1)?.chainId &&
    config.history.every((step, index) => step.created_by === stage.history[index]?.created_by)
  )
}

/** What is set to nothing need not be there. */
function withoutEmpty<T extends object>(config: T): T {
  return Object.fromEntries(
    Object.entries(config).filter(([, value]) => {
      if (value === undefined || value === null || value === '') return false
      return typeof value !== 'object' || Object.keys(value as object).length > 0
    }),
  ) as T
}
