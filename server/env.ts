import { z } from 'zod'
import { InvalidParameterError } from '../engine/errors.ts'
import { type Instance, instanceFromEnv } from '../engine/instance.ts'

/** What the program is told from outside. */
export interface Env {
  port: number
  host: string
  instance: Instance
  /** Next compiles pages as they are asked for (`npm run dev`). */
  dev: boolean
  /** `npm run dev` only: a Docker API endpoint to work on instead of the local engine. */
  devEngine: string | undefined
  /** Where programs `docker-credential-NAME` are looked for before PATH. */
  credentialHelpers: string | undefined
}

const schema = z.object({
  GANTRY_PORT: z.coerce.number().int().min(1).max(65_535).default(3000),
  GANTRY_HOST: z.string().default('0.0.0.0'),
  GANTRY_DEV_ENGINE: z
    .string()
    .regex(/^(unix:\/\/\/|https?:\/\/)/, 'must be unix:///path or http://host:port')
    .optional(),
  GANTRY_CREDENTIAL_HELPERS: z.string().startsWith('/', 'must be a full path').optional(),
  NODE_ENV: z.string().optional(),
})

/**
 * Reads the environment; an empty variable counts as absent.
 *
 * @throws INVALID_PARAMETER naming the variable and what is wrong with it
 */
export function readEnv(env: Record<string, string | undefined>): Env {
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const parsed = schema.safeParse(present)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new InvalidParameterError(
      `${issue?.path[0]?.toString() ?? 'environment'}: ${issue?.message ?? 'invalid'}`,
    )
  }
  const { GANTRY_PORT, GANTRY_HOST, GANTRY_DEV_ENGINE, NODE_ENV } = parsed.data
  const dev = NODE_ENV === 'development'
  return {
    port: GANTRY_PORT,
    host: GANTRY_HOST,
    instance: instanceFromEnv(env),
    dev,
    devEngine: dev ? GANTRY_DEV_ENGINE : undefined,
    credentialHelpers: parsed.data.GANTRY_CREDENTIAL_HELPERS,
  }
}
