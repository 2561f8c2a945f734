import { z } from 'zod'
import { InvalidParameterError } from '../errors.ts'
import type { ImageConfig } from '../types/docker.ts'
import { sha256Schema } from './descriptor.ts'
import { checked, parseJson } from './manifest.ts'
import { hostPlatform } from './platform.ts'

const strings = z.array(z.string()).nullish()
const set = z.record(z.string(), z.looseObject({}).nullable()).nullish()

const healthSchema = z.looseObject({
  Test: strings,
  Interval: z.int().optional(),
  Timeout: z.int().optional(),
  StartPeriod: z.int().optional(),
  StartInterval: z.int().optional(),
  Retries: z.int().optional(),
})

const configSchema = z.looseObject({
  User: z.string().nullish(),
  ExposedPorts: set,
  Env: strings,
  Cmd: strings,
  Entrypoint: strings,
  Volumes: set,
  WorkingDir: z.string().nullish(),
  Labels: z.record(z.string(), z.string()).nullish(),
  StopSignal: z.string().nullish(),
  Healthcheck: healthSchema.nullish(),
  OnBuild: strings,
  Shell: strings,
})

const historySchema = z.object({
  created: z.string().nullish(),
  author: z.string().nullish(),
  created_by: z.string().nullish(),
  comment: z.string().nullish(),
  empty_layer: z.boolean().nullish(),
})

const imageConfigSchema = z.looseObject({
  created: z.string().nullish(),
  author: z.string().nullish(),
  comment: z.string().nullish(),
  // an image of no operating system or architecture in its config is taken for one of this machine's, as by dockerd
  architecture: z.string().nullish(),
  variant: z.string().nullish(),
  os: z.string().nullish(),
  'os.version': z.string().nullish(),
  config: configSchema.nullish(),
  rootfs: z.object({
    type: z.literal('layers').default('layers'),
    diff_ids: z.array(sha256Schema).nullish(),
  }),
  history: z.array(historySchema).nullish(),
})

/** One step of an image's making. @see image-spec config.md, "history" */
export interface OciHistory {
  created?: string
  author?: string
  created_by?: string
  comment?: string
  empty_layer?: boolean
}

/** An image's config document, Docker's extensions (Healthcheck, OnBuild, Shell) included; nulls are gone. */
export interface OciImageConfig {
  created?: string
  author?: string
  comment?: string
  architecture: string
  variant?: string
  os: string
  'os.version'?: string
  config: ImageConfig
  rootfs: { type: 'layers'; diff_ids: string[] }
  history: OciHistory[]
}

/**
 * Reads an image's config. Docker writes `null` for what is empty: such fields are left out.
 *
 * @throws INVALID_PARAMETER when it is none
 * @see image-spec config.md; moby image/spec
 */
export function parseImageConfig(content: Buffer): OciImageConfig {
  const raw = parseJson(content, 'image config')
  const parsed = checked(imageConfigSchema, raw, 'image config')
  const { config, rootfs, history, ...rest } = parsed
  return {
    ...withoutNulls(rest),
    architecture: parsed.architecture || hostPlatform().architecture,
    os: parsed.os || 'linux',
    config: withoutNulls(config ?? {}),
    rootfs: { type: 'layers', diff_ids: rootfs.diff_ids ?? [] },
    history: (history ?? []).map(withoutNulls),
    // without its nulls it is what the schema checked
  } as unknown as OciImageConfig
}

/**
 * Images for others can be built, of files alone, and go elsewhere: what is brought here is to run.
 *
 * @throws INVALID_PARAMETER for one of another operating system
 */
export function checkLinux({ os }: Pick<OciImageConfig, 'os'>): void {
  if (os === 'linux') return
  throw new InvalidParameterError(
    `image operating system "${os}" cannot be used on this platform: only linux images can`,
  )
}

function withoutNulls(value: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).filter(([, field]) => field !== null && field !== undefined),
  )
}
