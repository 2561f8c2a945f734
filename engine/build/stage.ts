import { closeSync, constants, openSync, readSync } from 'node:fs'
import path from 'node:path'
import type { BuildEvent, BuildRequest } from '../contract/builds.ts'
import type { Image, ImageLayer } from '../images/image.ts'
import type { ImageStore } from '../images/store.ts'
import type { Lease } from '../images/leases.ts'
import { DIRECTORY, statat } from '../native/fs.ts'
import type { OciHistory } from '../oci/image-config.ts'
import type { Platform } from '../oci/platform.ts'
import { EMPTY_LAYER } from '../store/layers.ts'
import { lookUpMerged } from '../store/merged.ts'
import type { StageConfig } from '../dockerfile/apply-config.ts'
import type { EventQueue } from './event-queue.ts'
import type { ContextPaths } from './context-paths.ts'
import type { KnownSteps } from './known-steps.ts'
import type { BuilderParts } from './parts.ts'
import type { GlobalScope } from '../dockerfile/scope.ts'
import type { Origin } from './stages.ts'

/** A stage as it is after the instructions carried out so far. */
export interface Stage extends StageConfig {
  /** Bottom first. */
  layers: ImageLayer[]
  history: OciHistory[]
  platform: Platform
  /** Of the image at the bottom, where the format has it. */
  osVersion: string | undefined
  /** Names all that the files of the stage come from. */
  identity: string
  /** The cache record of its last step. */
  record: string | undefined
  /** Its steps are done anew. */
  noCache: boolean
  /** How much of it is what it was made from; `id` names that, and is undefined for `scratch`. */
  base: { id: string | undefined; layers: number; history: number }
  /** When its newest layer was made; undefined while it has none of its own. */
  madeAt: string | undefined
}

/** One step under way: what it is called and where it stands. */
export interface Step {
  id: string
  number: number
  name: string
  instruction: string
  location: { line: number; endLine: number }
}

/** Where files come from. */
export interface Tree {
  /** Trees, topmost first. */
  from: string[]
  /** What names them for good, where something does. */
  identity: string | undefined
  /** What names them as they are now, where something does: what was read of them once need not be read again. */
  state?: string
}

/** What the steps of one build share. */
export interface Build {
  readonly parts: BuilderParts
  readonly store: ImageStore
  readonly request: BuildRequest
  readonly signal: AbortSignal
  readonly events: EventQueue<BuildEvent>
  readonly lease: Lease
  /** A directory of this build's own, which goes with it. */
  readonly dir: string
  readonly global: GlobalScope
  /** Steps of all its stages. */
  readonly total: number
  /** From the argument SOURCE_DATE_EPOCH, in seconds. */
  readonly epochSeconds: number | undefined
  /** What the request takes cache from. */
  readonly known: KnownSteps
  /** What was done, by keys: each step behind what it stands upon. */
  readonly steps: Map<
    string,
    { layer: ImageLayer | null; createdAt: string; parent: string | undefined }
  >
  /** IDs of cache mounts that this build, one without cache, has begun anew. */
  readonly renewedMounts: Set<string>
  originOf(from: string): Origin
  /** Waits until a stage is finished. */
  stage(index: number): Promise<Stage>
  /** The image that a named context is; undefined: it is a directory. */
  contextImage(name: string, platform: Platform | undefined): Promise<Image> | undefined
  /** The files of the context, these among them. */
  contextTree(paths: ContextPaths): Promise<Tree>
  /** The files of a named context, these among them. */
  namedTree(name: string, paths: ContextPaths): Promise<Tree>
  /** An image that is here, pulled where it must be. */
  image(name: string, platform: Platform | undefined, step: Step): Promise<Image>
  /** Keeps a cache record until the build is over. */
  hold(key: string): void
}

/** Trees of layers, topmost first, for who looks things up in them. */
export function treesOf(store: ImageStore, layers: readonly ImageLayer[]): string[] {
  const names = layers.map(({ chainId }) => store.layers.nameOf(chainId)).reverse()
  return (names.length > 0 ? names : [EMPTY_LAYER]).map((name) =>
    path.join(store.layers.root, name),
  )
}

const MOST_BYTES = 16 * 2 ** 20
const { S_IFMT, S_IFREG, O_RDONLY, O_NONBLOCK } = constants

/** A file of a stage; undefined when there is none. */
export function readStageFile(build: Build, stage: Stage, file: string): Buffer | undefined {
  return withTrees(build, stage, (roots) => {
    const found = lookUpMerged(roots, file)
    if (found === undefined) return undefined
    try {
      const stat = statat(found, '')
      if (!stat || (stat.mode & S_IFMT) !== S_IFREG || stat.size > MOST_BYTES) return undefined
      return readAll(found, stat.size)
    } finally {
      closeSync(found)
    }
  })
}

/** Does something with the roots of a stage's layers, topmost first, open. */
export function withTrees<T>(build: Build, stage: Stage, act: (roots: readonly number[]) => T): T {
  const roots: number[] = []
  try {
    for (const tree of treesOf(build.store, stage.layers)) roots.push(openSync(tree, DIRECTORY))
    return act(roots)
  } finally {
    for (const fd of roots) closeSync(fd)
  }
}

function readAll(found: number, size: number): Buffer {
  const fd = openSync(`/proc/self/fd/${found}`, O_RDONLY | O_NONBLOCK)
  try {
    const content = Buffer.alloc(size)
    return content.subarray(0, readSync(fd, content, 0, size, 0))
  } finally {
    closeSync(fd)
  }
}
