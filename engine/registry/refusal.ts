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

/** Who has to wait longer is told so instead. */
const MAX_WAIT_SECONDS = 60

/** Seconds after which asking again may help; undefined when it will not. */
export function retryDelay(error: unknown, attempt: number): number | undefined {
  if (attempt >= MAX_TRIES || !isTransient(error)) return undefined
  return refusalOf(error)?.retryAfterSeconds ?? 2 ** (attempt - 1) / 2
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

/** A registry's refusal as an error, in its words. */
export async function refusal(response: IncomingMessage): Promise<EngineError> {
  const { statusCode: status = 0 } = response
  const body = await readBody(response, 1 << 20).catch(() => Buffer.alloc(0))
  const { code, message } = parseErrors(body)
  const retryAfterSeconds = parseRetryAfter(response.headers['retry-after'])
  const words =
    [code.toLowerCase().replaceAll('_', ' '), message].filter(Boolean).join(': ') ||
    `status ${status}`
  const error = errorFor(status, words, retryAfterSeconds)
  const registry: RegistryRefusal = { status, code, message, retryAfterSeconds }
  return Object.assign(error, { registry })
}

function errorFor(status: number, words: string, retryAfter: number | undefined): EngineError {
  switch (status) {
    case 401:
    case 403:
      return new UnauthorizedError(words)
    case 404:
      return new NotFoundError(words)
    case 429: {
      const told = words.startsWith('toomanyrequests') ? words : `toomanyrequests: ${words}`
      return new UnavailableError(
        retryAfter === undefined
          ? told
          : `${told.replace(/\.$/, '')}; the registry asks to try again in ${inWords(retryAfter)}`,
      )
    }
    default:
      return new EngineError('SYSTEM', `the registry answered ${status}: ${words}`)
  }
}

function inWords(seconds: number): string {
  if (seconds < 120) return `${seconds} seconds`
  if (seconds < 7200) return `${Math.ceil(seconds / 60)} minutes`
  return `${Math.ceil(seconds / 3600)} hours`
}

/** Seconds, or a date. @see RFC 9110, 10.2.3 */
function parseRetryAfter(header: string | undefined): number | undefined {
  if (header === undefined) return undefined
  if (/^\d{1,9}$/.test(header)) return Number(header)
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - Date.now()) / 1000))
}

/** @see distribution-spec, "Error Codes" */
function parseErrors(body: Buffer): { code: string; message: string } {
  try {
    const { errors } = JSON.parse(body.toString('utf8')) as {
      errors?: { code?: unknown; message?: unknown }[]
    }
    const [first] = errors ?? []
    const text = (value: unknown): string => (typeof value === 'string' ? value.slice(0, 1000) : '')
    return { code: text(first?.code), message: text(first?.message) }
  } catch {
    // a proxy's page, say; its status has to do
    return { code: '', message: '' }
  }
}
