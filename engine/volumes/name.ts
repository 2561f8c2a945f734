import { InvalidParameterError } from '../errors.ts'

/** A directory's name may have this many bytes. */
const MAX_NAME_BYTES = 255

/**
 * Checks a volume's name, which becomes a directory's.
 *
 * @throws INVALID_PARAMETER in Docker's words
 * @see moby: volume/local/local.go, validateName
 */
export function checkVolumeName(name: string): void {
  if (name.length === 1) {
    throw new InvalidParameterError(
      `create ${name}: volume name is too short, names should be at least two alphanumeric characters`,
    )
  }
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) {
    throw new InvalidParameterError(
      `create ${name}: ${JSON.stringify(name)} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
    )
  }
  if (name.length > MAX_NAME_BYTES) {
    throw new InvalidParameterError(
      `create ${name.slice(0, 40)}…: volume name is too long, names have at most ${String(MAX_NAME_BYTES)} characters`,
    )
  }
}
