import type { IncomingHttpHeaders } from 'node:http'
import type { z } from 'zod'
import { InvalidParameterError } from '../../engine/errors.ts'
import { readCookie, sessionCookieName } from '../auth/cookie.ts'
import { checkScope, identify, type Identity, signedIn } from '../auth/identify.ts'
import type { From } from '../auth/accounts.ts'
import type { Session } from '../auth/sessions.ts'
import { context } from '../context.ts'
import { codeOf, errorMessage, errorStatus } from '../errors.ts'

const MAX_BODY_BYTES = 1024 * 1024

/** Wraps a route's work: what it returns goes out as JSON, what it throws as `{ message, code }` with its status. */
export function answering<A extends unknown[]>(
  work: (request: Request, ...rest: A) => Promise<unknown>,
): (request: Request, ...rest: A) => Promise<Response> {
  return async (request, ...rest) => {
    try {
      const result = await work(request, ...rest)
      if (result instanceof Response) return result
      return Response.json(result ?? {}, { headers: { 'Cache-Control': 'no-store' } })
    } catch (error) {
      const retryAfter = (error as { retryAfter?: unknown } | null)?.retryAfter
      return Response.json(
        { message: errorMessage(error), code: codeOf(error) },
        {
          status: errorStatus(error),
          headers: {
            'Cache-Control': 'no-store',
            ...(typeof retryAfter === 'number' ? { 'Retry-After': String(retryAfter) } : {}),
          },
        },
      )
    }
  }
}

/** The same for those signed in only, in a browser or with an access token that allows it. */
export function forSession<A extends unknown[]>(
  work: (identity: Identity, request: Request, ...rest: A) => Promise<unknown>,
): (request: Request, ...rest: A) => Promise<Response> {
  return answering(async (request: Request, ...rest: A) => {
    const header = (name: string): string | undefined => request.headers.get(name) ?? undefined
    const identity = signedIn(
      await identify(context(), {
        authorization: header('authorization'),
        cookie: header('cookie'),
      }),
    )
    checkScope(identity, request)
    return work(identity, request, ...rest)
  })
}

/** The session of a request's cookie. */
export function sessionOf(request: Request): Promise<Session | undefined> {
  return context().sessions.find(
    readCookie(request.headers.get('cookie') ?? undefined, sessionCookieName(context().env.port)),
  )
}

/**
 * Reads a JSON body.
 *
 * @throws INVALID_PARAMETER naming the first field that is wrong
 */
export async function readBody<T>(request: Request, schema: z.ZodType<T>): Promise<T> {
  if (!/^application\/json\b/i.test(request.headers.get('content-type') ?? '')) {
    throw new InvalidParameterError('The body has to be JSON (Content-Type: application/json).')
  }
  // some is sent by who has not signed in
  const text = (await readBytes(request, MAX_BODY_BYTES)).toString()
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (cause) {
    throw new InvalidParameterError('The body is not valid JSON.', { cause })
  }
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const field = issue?.path.join('.') ?? ''
  throw new InvalidParameterError(
    `${field === '' ? '' : `${field}: `}${issue?.message ?? 'invalid'}`,
  )
}

/** @throws INVALID_PARAMETER naming the first parameter that is wrong */
export function readQuery<T>(request: Request, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(Object.fromEntries(new URL(request.url).searchParams))
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new InvalidParameterError(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`)
}

/** A body as it is, read no further than it may be long. @throws INVALID_PARAMETER when it is longer */
export async function readBytes(request: Request, mostBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > mostBytes) throw new InvalidParameterError('The body is too large.')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Where a request came from; http.ts sets the address. */
export function fromOf(request: Request): From {
  return {
    ip: request.headers.get('x-gantry-address') ?? '',
    userAgent: request.headers.get('user-agent') ?? '',
  }
}

/** Whether the browser reached us by https (through a proxy that says so). */
export function isSecure(headers: Headers | IncomingHttpHeaders): boolean {
  const value =
    headers instanceof Headers ? headers.get('x-forwarded-proto') : headers['x-forwarded-proto']
  return typeof value === 'string' && value.split(',')[0]?.trim() === 'https'
}
