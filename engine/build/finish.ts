import type { Image } from '../images/image.ts'
import { digestOf } from '../oci/digest.ts'
import type { OciHistory, OciImageConfig } from '../oci/image-config.ts'
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
  const isSquashed = build.request.squash === true
  if (build.request.noCache !== true && !isSquashed) {
    const same = store.all().find((image) => isSame(image, stage, base))
    if (same) return same
  }
  const created = timeOf(build)
  const document = {
    created,
    ...base,
    history: stage.history.map((step) => ({ created: stage.madeAt ?? created, ...step })),
  }
  const content = Buffer.from(JSON.stringify(document))
  if (!isSquashed) return await store.add(content, stage.layers, null, build.lease)
  const squashed = await squashStage(build, stage, digestOf(content))
  return await store.add(
    Buffer.from(JSON.stringify({ ...document, ...squashed.document })),
    squashed.layers,
    null,
    build.lease,
  )
}

function isSame(image: Image, stage: Stage, base: Omit<OciImageConfig, 'history'>): boolean {
  const { created: _created, history, ...rest } = image.config
  const { layers } = image.document
  // by far most are told apart by this
  if (layers.length !== stage.layers.length || history.length !== stage.history.length) return false
  if (layers.at(-1)?.chainId !== stage.layers.at(-1)?.chainId) return false
  if (image.document.manifest !== null) return false
  return (
    canonical(rest) === canonical(base) &&
    canonical(history.map(timeless)) === canonical(stage.history.map(timeless))
  )
}

/** A step without the time where it has none of its own. */
function timeless({ comment, created, ...step }: OciHistory): OciHistory {
  return { ...step, ...(comment === undefined ? {} : { comment, created: created ?? '' }) }
}

/** JSON with keys in one order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, one: unknown) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? Object.fromEntries(
          Object.entries(one)
            .filter(([, field]) => field !== undefined)
            .sort(([a], [b]) => (a < b ? -1 : 1)),
        )
      : one,
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
