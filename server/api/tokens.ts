import { sessionIn } from '../auth/identify.ts'
import type { AccessToken } from '../auth/tokens.ts'
import { context } from '../context.ts'
import { forSession, readBody } from './handler.ts'
import { newTokenSchema } from './schemas/tokens.ts'

export type { AccessToken } from '../auth/tokens.ts'

const DAY_MS = 24 * 60 * 60_000

/** What POST /api/tokens answers with: the only time that the token is told. */
export interface MadeToken {
  token: string
  made: AccessToken
}

/** GET /api/tokens: one's own. */
export const getTokens = forSession(async (identity): Promise<AccessToken[]> =>
  context().tokens.list(sessionIn(identity).user),
)

/** POST /api/tokens */
export const postToken = forSession(async (identity, request): Promise<MadeToken> => {
  const { user } = sessionIn(identity)
  const { expiresInDays, name, scope } = await readBody(request, newTokenSchema)
  const expiresAt = expiresInDays === null ? null : Date.now() + expiresInDays * DAY_MS
  return await context().tokens.make(user, { name, scope, expiresAt })
})

/** DELETE /api/tokens/{id} */
export const deleteToken = forSession(
  async (identity, _request: Request, route: { params: Promise<{ id: string }> }) => {
    const { id } = await route.params
    await context().tokens.revoke(sessionIn(identity).user, id)
  },
)
