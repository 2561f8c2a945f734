import type { IncomingMessage, ServerResponse } from 'node:http'
import { errorMessage, UnauthorizedError } from '../engine/errors.ts'
import {
  answerRegistry,
  sendRegistryError,
  setRegistryHeaders,
} from '../engine/registry-server/door.ts'
import { bearerIn, checkScope, type Identity } from './auth/identify.ts'
import { checkOrigin } from './auth/same-origin.ts'
import { isAccessToken } from './auth/tokens.ts'
import { engineOf } from './caller.ts'
import type { Context } from './context.ts'
import { codeOf, errorStatus } from './errors.ts'
import type { TooManyRequestsError } from './errors.ts'

/**
 * The registry of the engine for the console's users: `docker login` sends a name with a password or an access token
 * with each request, and what it asks for is done on the user's behalf. Nobody comes in without; a token that may only
 * read pulls and does not push.
 *
 * @see RFC 7617; distribution-spec, "Determining Support" (end-1)
 */
export async function answerRegistryFor(
  context: Context,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let identity: Identity
  try {
    // a browser may have kept what it was once told to sign in with
    checkOrigin(request)
    identity = await identityOf(context, request)
    checkScope(identity, { method: request.method })
  } catch (error) {
    refuseEntry(request, response, error)
    return
  }
  await answerRegistry(engineOf(context.engine, identity.user).registry, request, response)
}

async function identityOf(context: Context, request: IncomingMessage): Promise<Identity> {
  const { authorization } = request.headers
  const bearer = bearerIn(authorization)
  if (bearer !== undefined) return await context.tokens.verify(bearer)
  const account = readBasic(authorization)
  if (account === undefined) throw new UnauthorizedError('Sign in first: docker login')
  if (isAccessToken(account.password)) {
    const identity = await context.tokens.verify(account.password)
    if (identity.user.name.toLowerCase() === account.name.toLowerCase()) return identity
    throw new UnauthorizedError(`The access token is not one of ${account.name}.`)
  }
  const from = {
    ip: request.socket.remoteAddress ?? '',
    userAgent: request.headers['user-agent'] ?? '',
  }
  return { user: await context.accounts.verify(account, from), scope: 'write' }
}

function readBasic(header: string | undefined): { name: string; password: string } | undefined {
  const encoded = /^basic +([A-Za-z0-9+/=_-]{1,4096})$/i.exec(header ?? '')?.[1]
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : { name: text.slice(0, colon), password: text.slice(colon + 1) }
}

/** By status. @see distribution-spec, "Error Codes" */
const CODES: Record<number, string> = {
  401: 'UNAUTHORIZED',
  403: 'DENIED',
  429: 'TOOMANYREQUESTS',
}

function refuseEntry(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  setRegistryHeaders(response)
  const status = errorStatus(error)
  if (status === 401)
    response.setHeader('WWW-Authenticate', 'Basic realm="Gantry", charset="UTF-8"')
  if (codeOf(error) === 'TOO_MANY_REQUESTS')
    response.setHeader('Retry-After', (error as TooManyRequestsError).retryAfter)
  const code = CODES[status] ?? 'UNKNOWN'
  sendRegistryError(request, response, status, { code, message: errorMessage(error) })
}
