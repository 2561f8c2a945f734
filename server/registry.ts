import type { IncomingMessage, ServerResponse } from 'node:http'
import { errorMessage } from '../engine/errors.ts'
import {
  answerRegistry,
  registryError,
  setRegistryHeaders,
} from '../engine/registry-server/door.ts'
import type { SessionUser } from './auth/sessions.ts'
import { engineOf } from './caller.ts'
import type { Context } from './context.ts'
import { codeOf, errorStatus } from './errors.ts'
import type { TooManyRequestsError } from './errors.ts'

/**
 * The registry of the engine for the console's users: `docker login` sends name and password with each request, and
 * what it asks for is done on the user's behalf. Nobody comes in without.
 *
 * @see RFC 7617; distribution-spec, "Determining Support" (end-1)
 */
export async function answerRegistryFor(
  context: Context,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let user: SessionUser
  try {
    user = await userOf(context, request)
  } catch (error) {
    refuseEntry(request, response, error)
    return
  }
  await answerRegistry(engineOf(context.engine, user).registry, request, response)
}

async function userOf(context: Context, request: IncomingMessage): Promise<SessionUser> {
  const account = readBasic(request.headers.authorization)
  if (account === undefined) throw new SignInFirst()
  return await context.accounts.verify(account, {
    ip: request.socket.remoteAddress ?? '',
    userAgent: request.headers['user-agent'] ?? '',
  })
}

class SignInFirst extends Error {
  readonly code = 'UNAUTHORIZED'

  constructor() {
    super('Sign in first: docker login')
  }
}

function readBasic(header: string | undefined): { name: string; password: string } | undefined {
  const encoded = /^basic +([A-Za-z0-9+/=_-]{1,4096})$/i.exec(header ?? '')?.[1]
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : { name: text.slice(0, colon), password: text.slice(colon + 1) }
}

function refuseEntry(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  setRegistryHeaders(response)
  const status = errorStatus(error)
  if (status === 401)
    response.setHeader('WWW-Authenticate', 'Basic realm="Gantry", charset="UTF-8"')
  if (codeOf(error) === 'TOO_MANY_REQUESTS')
    response.setHeader('Retry-After', (error as TooManyRequestsError).retryAfter)
  const code = status === 401 ? 'UNAUTHORIZED' : status === 429 ? 'TOOMANYREQUESTS' : 'UNKNOWN'
  // a body that nobody reads would block the connection's next request
  if (!request.complete) response.setHeader('Connection', 'close')
  const body = registryError(code, errorMessage(error))
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
  })
  response.end(body)
  request.resume()
}
