import { UnauthorizedError } from '../../engine/errors.ts'
import { sessionCookie, sessionCookieName } from '../auth/cookie.ts'
import type { Session, SessionUser } from '../auth/sessions.ts'
import { context } from '../context.ts'
import { answering, fromOf, isSecure, readBody, sessionOf } from './handler.ts'
import { newAccountSchema, signInSchema } from './schemas/account.ts'

/** What GET /api/setup tells. */
export interface SetupState {
  needed: boolean
}

/** What the session routes answer with. */
export interface SessionAnswer {
  user: SessionUser
}

export const getSetup = answering(async (): Promise<SetupState> => ({
  needed: await context().accounts.needsSetup(),
}))

export const postSetup = answering(async (request) => {
  const account = await readBody(request, newAccountSchema)
  return signedIn(request, await context().accounts.setup(account, fromOf(request)))
})

export const getSession = answering(async (request): Promise<SessionAnswer> => {
  const session = await sessionOf(request)
  if (!session) throw new UnauthorizedError('Not signed in.')
  return { user: session.user }
})

export const postSession = answering(async (request) => {
  const account = await readBody(request, signInSchema)
  // A session the browser already has is over: a cookie known before the sign-in is worth nothing after it.
  const before = await sessionOf(request)
  const made = await context().accounts.signIn(account, fromOf(request))
  if (before) await context().sessions.end(before.id)
  return signedIn(request, made)
})

export const deleteSession = answering(async (request) => {
  const session = await sessionOf(request)
  if (session) await context().sessions.end(session.id)
  return withCookie(request, {}, undefined)
})

function signedIn(request: Request, made: { session: Session; token: string }): Response {
  const answer: SessionAnswer = { user: made.session.user }
  return withCookie(request, answer, made.token)
}

function withCookie(request: Request, body: object, token: string | undefined): Response {
  const name = sessionCookieName(context().env.port)
  return Response.json(body, {
    headers: {
      'Cache-Control': 'no-store',
      'Set-Cookie': sessionCookie({ name, token, secure: isSecure(request.headers) }),
    },
  })
}
