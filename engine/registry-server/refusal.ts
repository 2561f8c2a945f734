import { EngineError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'

/**
 * The specification's codes, with the kind of failure that each is here and its status at the registry's door.
 *
 * @see distribution-spec, "Error codes"
 */
export const REFUSALS = {
  BLOB_UNKNOWN: { kind: 'NOT_FOUND', status: 404 },
  BLOB_UPLOAD_INVALID: { kind: 'INVALID_PARAMETER', status: 416 },
  BLOB_UPLOAD_UNKNOWN: { kind: 'NOT_FOUND', status: 404 },
  DENIED: { kind: 'FORBIDDEN', status: 403 },
  DIGEST_INVALID: { kind: 'INVALID_PARAMETER', status: 400 },
  MANIFEST_BLOB_UNKNOWN: { kind: 'NOT_FOUND', status: 404 },
  MANIFEST_INVALID: { kind: 'INVALID_PARAMETER', status: 400 },
  MANIFEST_UNKNOWN: { kind: 'NOT_FOUND', status: 404 },
  NAME_INVALID: { kind: 'INVALID_PARAMETER', status: 400 },
  NAME_UNKNOWN: { kind: 'NOT_FOUND', status: 404 },
  SIZE_INVALID: { kind: 'INVALID_PARAMETER', status: 400 },
  UNSUPPORTED: { kind: 'CONFLICT', status: 405 },
} as const satisfies Record<string, { kind: ErrorCode; status: number }>

export type RefusalReason = keyof typeof REFUSALS

/** What the registry does not do, in the words that its clients know. */
export class RegistryRefusal extends EngineError {
  readonly reason: RefusalReason
  /** At the registry's door. */
  readonly answer: number
  readonly detail: unknown

  constructor(reason: RefusalReason, message: string, options: RefusalOptions = {}) {
    super(REFUSALS[reason].kind, message)
    this.reason = reason
    this.answer = options.status ?? REFUSALS[reason].status
    this.detail = options.detail
  }
}

interface RefusalOptions {
  /** What a program may make something of. */
  detail?: unknown
  /** Where HTTP has a better one than the reason's. */
  status?: number
}

export function refuse(
  reason: RefusalReason,
  message: string,
  options?: RefusalOptions,
): RegistryRefusal {
  return new RegistryRefusal(reason, message, options)
}

/** A condition of the request does not hold. @see RFC 9110, 15.5.13 */
export function unmet(digest: string | undefined): RegistryRefusal {
  const found = digest === undefined ? 'there is nothing' : `${digest} is there`
  return refuse('DENIED', `the request is for another state than there is: ${found}`, {
    status: 412,
    detail: { digest: digest ?? null },
  })
}

/** The refusal that a failure is; undefined for any other. */
export function refusalIn(error: unknown): RegistryRefusal | undefined {
  return error instanceof RegistryRefusal ? error : undefined
}
