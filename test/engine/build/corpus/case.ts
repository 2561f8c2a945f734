import type { BuildRequest } from '../../../../engine/contract/builds.ts'
import type { ImageConfig } from '../../../../engine/types/docker.ts'

/** A file of a context: its text, or more. */
export type ContextFile = string | { text?: string; mode?: number; link?: string; tar?: Buffer }

/** One Dockerfile, and what comes of it. `BASE` stands for a busybox, `SERVER` for the address of a small web server. */
export interface Case {
  name: string
  dockerfile: string
  context?: Record<string, ContextFile>
  request?: Partial<Omit<BuildRequest, 'context'>>
  /** All that the image has beyond its base, as `entryOf` tells it. */
  tree?: Record<string, string>
  /** What it has not, though its base has. */
  gone?: string[]
  config?: ImageConfig
  author?: string
  /** Words of its failure. */
  fails?: RegExp
  /** Words of a warning. */
  warns?: RegExp
  /** dockerd's classic builder does not do it, or does it otherwise: why. */
  notClassic?: string
}

export const file = (text: string, mode = 0o644, owner = '0:0'): string =>
  `file ${mode.toString(8)} ${owner} ${text}`

export const dir = (mode = 0o755, owner = '0:0'): string => `dir ${mode.toString(8)} ${owner}`

export const link = (target: string, owner = '0:0'): string => `symlink 777 ${owner} ${target}`
