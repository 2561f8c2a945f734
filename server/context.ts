import type { Engine } from '../engine/contract.ts'
import { UnavailableError } from '../engine/errors.ts'
import type { Accounts } from './auth/accounts.ts'
import type { Sessions } from './auth/sessions.ts'
import type { AccessTokens } from './auth/tokens.ts'
import type { Db } from './db.ts'
import type { Env } from './env.ts'
import type { ContextUploads } from './builds/context-uploads.ts'
import type { Jobs } from './jobs/jobs.ts'
import type { Registries } from './registries/registries.ts'

/** What runs in this process, for everyone who needs it. */
export interface Context {
  env: Env
  engine: Engine
  db: Db
  sessions: Sessions
  accounts: Accounts
  tokens: AccessTokens
  registries: Registries
  jobs: Jobs
  uploads: ContextUploads
}

const holder = globalThis as { __gantry?: Context }

/**
 * The one way to the running engine and database. Kept on globalThis, because Next bundles its own copy of this
 * module (and of every class): all work happens in the objects that main.ts made.
 */
export function context(): Context {
  if (!holder.__gantry) throw new UnavailableError('Gantry is still starting.')
  return holder.__gantry
}

export function setContext(value: Context | undefined): void {
  if (value) holder.__gantry = value
  else delete holder.__gantry
}
