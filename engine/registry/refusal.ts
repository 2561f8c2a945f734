import type { IncomingMessage } from 'node:http'
import { EngineError, NotFoundError, UnauthorizedError, UnavailableError } from '../errors.ts'
import { readBody } from './http.ts'

/** An answer of the registry that is an error, in the registry's words. */
export interface RegistryRefusal {
  status: number
  /** `MANIFEST_UNKNOWN` and so on; empty when it gave none. */
  code: string
  message: string
  /** When it asks to be asked again, in so many seconds. */
  retryAfterSeconds: number | undefined
}

/** Work is asked for so often before it counts as failed. */
export const MAX_TRIES = 5

/**
 * The specification's words for a refusal that came without any: an answer to HEAD has no body, and a push begins with one.
 *
 * @see distribution-spec, "Error Codes"
 */
const WITHOUT_WORDS: Partial<Record<number, string>> = {
  401: 'unauthorized: authentication required',
  403: 'denied: requested access to the resource is denied',
}

/** Who has to wait longer is told so instead. */
const MAX_WAIT_SECONDS = 60

/** Seconds after which asking again may help; undefined when it will not. */
export function retryDelay(error: unknown, attempt: number): number | undefined {
  if (attempt >= MAX_TRIES || !isTransient(error)) return undefined
  // "0" says that it may be now, and would have all tries be over in a moment
  return Math.max(refusalOf(error)?.retryAfterSeconds ?? 0, 2 ** (attempt - 1) / 2)
}

/** True when asking again may help. */
export function isTransient(error: unknown): boolean {
  const refused = refusalOf(error)
  if (refused !== undefined) {
    const { status, retryAfterSeconds } = refused
    if (retryAfterSeconds !== undefined && retryAfterSeconds > MAX_WAIT_SECONDS) return false
    return status >= 500 || status === 408 || (status === 429 && retryAfterSeconds !== undefined)
  }
  return error instanceof EngineError ? ['SYSTEM', 'UNAVAILABLE'].includes(error.code) : true
}

/** What the registry answered, of an error that `refusal` made. */
export function refusalOf(error: unknown): RegistryRefusal | undefined {
  return (error as { registry?: RegistryRefusal } | null)?.registry
}

/**
 * A registry's refusal as an error, in its words.
 *
 * @param options.isAnonymous nobody signed in: what that would change is said
 */
export async function refusal(
  response: IncomingMessage,
  options: { isAnonymous?: boolean } = {},
): Promise<EngineError> {
  const { headers, statusCode: status = 0 } = response
  const body = await readBody(response, 1 << 20).catch(() => Buffer.alloc(0))
  const { code, message } = parseErrors(body, headers['content-type'])
  // Docker Hub's other API has it as a time, and with an X
  const retryAfterSeconds = parseRetryAfter(headers['retry-after'] ?? headers['x-retry-after'])
  const words =
    [code.toLowerCase().replaceAll('_', ' '), message].filter(Boolean).join(': ') ||
    (WITHOUT_WORDS[status] ?? `status ${status}`)
  const error =
    status === 429
      ? new UnavailableError(
          [
            (words.startsWith('toomanyrequests') ? words : `toomanyrequests: ${words}`).replace(
              /\.$/,
              '',
            ),
            ...limitWords(headers['ratelimit-limit']),
            ...(retryAfterSeconds === undefined
              ? []
              : [`the registry asks to try again in ${inWords(retryAfterSeconds)}`]),
            ...(options.isAnonymous
              ? ['nobody is signed in to it: docker login may allow more']
              : []),
          ].join('; '),
        )
      : errorFor(status, words)
  const registry: RegistryRefusal = { status, code, message, retryAfterSeconds }
  return Object.assign(error, { registry })
}

function errorFor(status: number, words: string): EngineError {
  switch (status) {
    case 401:
    case 403:
      return new UnauthorizedError(words)
    case 404:
      return new NotFoundError(words)
    default:
      return new EngineError('SYSTEM', `the registry answered ${status}: ${words}`)
  }
}

/** `100;w=21600`: so many in so many seconds. @see https://docs.docker.com/docker-hub/usage/pulls/ */
function limitWords(header: string | string[] | undefined): string[] {
  const [, most, seconds] = /^(\d{1,9});w=(\d{1,9})$/.exec(String(header ?? '')) ?? []
  return most === undefined ? [] : [`its limit is ${most} in ${inWords(Number(seconds))}`]
}

function inWords(seconds: number): string {
  if (seconds < 120) return `${seconds} seconds`
  if (seconds < 7200) return `${Math.ceil(seconds / 60)} minutes`
  return `${Math.ceil(seconds / 3600)} hours`
}

/** Seconds, a date, or seconds since the epoch, which are many. @see RFC 9110, 10.2.3 */
function parseRetryAfter(header: string | string[] | undefined): number | undefined {
  if (typeof header !== 'string') return undefined
  if (/^\d{1,9}$/.test(header)) return Number(header)
  const date = /^\d{10}$/.test(header) ? Number(header) * 1000 : Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - Date.now()) / 1000))
}

/**
 * What a refusal's body says: a registry's `errors`, a token server's `details`, a hub's `message`, or a few plain words.
 *
 * @see distribution-spec, "Error Codes"
 */
function parseErrors(body: Buffer, type: string | undefined): { code: string; message: string } {
  const text = body.toString('utf8')
  const word = (value: unknown): string =>
    typeof value === 'string' ? value.trim().slice(0, 1000) : ''
  try {
    const answer = JSON.parse(text) as {
      errors?: { code?: unknown; message?: unknown }[]
      details?: unknown
      message?: unknown
    }
    const [first] = answer.errors ?? []
    const message = word(first?.message) || word(answer.details) || word(answer.message)
    return { code: word(first?.code), message }
  } catch {
    // a proxy's page, say: its status has to do
    const isPlain = /^text\/plain\b/.test(type ?? '') && text.length <= 200
    return { code: '', message: isPlain ? word(text) : '' }
  }
}
