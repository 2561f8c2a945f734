import { errorCode, errorMessage, STATUS_OF } from '../engine/errors.ts'

/** Too many attempts (429); the engine has no such kind. */
export class TooManyRequestsError extends Error {
  readonly code = 'TOO_MANY_REQUESTS'
  readonly status = 429
  /** Seconds after which it is worth trying again. */
  readonly retryAfter: number

  constructor(message: string, retryAfter: number) {
    super(message)
    this.name = 'TooManyRequestsError'
    this.retryAfter = retryAfter
  }
}

/** The HTTP status of any thrown value. */
export function errorStatus(error: unknown): number {
  return codeOf(error) === 'TOO_MANY_REQUESTS' ? 429 : STATUS_OF[errorCode(error)]
}

/** Its kind, as answers and acknowledgements carry it. */
export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  return code === 'TOO_MANY_REQUESTS' ? code : errorCode(error)
}

export { errorMessage }
