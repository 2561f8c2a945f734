import { errorMessage, NotFoundError } from '../errors.ts'
import { refusalOf } from '../registry/refusal.ts'
import { familiarName, familiarReference } from './reference.ts'
import type { Reference } from './reference.ts'

/** A registry's refusal of a manifest in Docker's words; other errors as they are. */
export function explainRefusal(error: unknown, reference: Reference): unknown {
  const refused = refusalOf(error)
  const repository = familiarName(reference)
  const words = errorMessage(error)
  const isDenied =
    refused && (refused.status === 403 || refused.status === 401 || refused.code === 'NAME_UNKNOWN')
  if (isDenied) {
    return new NotFoundError(
      `pull access denied for ${repository}, repository does not exist or may require 'docker login': ${words}`,
      { cause: error },
    )
  }
  if (refused?.status === 404) {
    const shown =
      reference.digest === undefined
        ? familiarReference(reference)
        : `${repository}@${reference.digest}`
    return new NotFoundError(`manifest for ${shown} not found: ${words}`, { cause: error })
  }
  return error
}
