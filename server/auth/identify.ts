import { ForbiddenError, UnauthorizedError } from '../../engine/errors.ts'
import type { Context } from '../context.ts'
import { readCookie, sessionCookieName } from './cookie.ts'
import type { Session, SessionUser } from './sessions.ts'
import type { TokenScope } from './tokens.ts'

/** Who asks, and how we know. */
export interface Identity {
  user: SessionUser
  scope: TokenScope
  /** Of a browser; who comes with an access token has none. */
  session?: Session
}

const READING = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Who a request of the console or of the Docker API comes from: the bearer of an access token, else the browser whose
 * session's cookie it carries.
 *
 * @returns undefined when it carries neither
 * @throws UNAUTHORIZED for a token that is not good: the cookie does not stand in for it
 */
export async function identify(
  { env, sessions, tokens }: Pick<Context, 'env' | 'sessions' | 'tokens'>,
  headers: { authorization: string | undefined; cookie: string | undefined },
): Promise<Identity | undefined> {
  const bearer = bearerIn(headers.authorization)
  if (bearer !== undefined) return await tokens.verify(bearer)
  const session = await sessions.find(readCookie(headers.cookie, sessionCookieName(env.port)))
  return session && { user: session.user, scope: 'write', session }
}

/** What an Authorization header says after `Bearer`, well formed or not; undefined when it is of another kind. */
export function bearerIn(authorization: string | undefined): string | undefined {
  return /^bearer\b *(.*)$/i.exec(authorization ?? '')?.[1]
}

/**
 * The one place that holds what a scope allows.
 *
 * @param request a connection that is taken over (`isUpgrade`) carries input, whatever its method
 * @throws FORBIDDEN
 */
export function checkScope(
  { scope }: Pick<Identity, 'scope'>,
  request: { method: string | undefined; isUpgrade?: boolean },
): void {
  if (scope === 'write') return
  if (READING.has(request.method ?? '') && request.isUpgrade !== true) return
  throw new ForbiddenError('This access token may only read.')
}

/** @throws FORBIDDEN for who came with a token: a token that leaked must not make others that outlive it */
export function sessionIn({ session }: Identity): Session {
  if (session) return session
  throw new ForbiddenError('Only from the console in a browser, not with an access token.')
}

/** @throws UNAUTHORIZED */
export function signedIn(identity: Identity | undefined): Identity {
  if (identity) return identity
  throw new UnauthorizedError('Sign in first.')
}
