import { Transform } from 'node:stream'
import { InvalidParameterError } from '../errors.ts'

/** What ends an attach without touching the container, unless the client names other keys. */
export const DEFAULT_DETACH_KEYS = 'ctrl-p,ctrl-q'

/**
 * The bytes of a key sequence such as `ctrl-p,ctrl-q`: single characters or `ctrl-` with a letter or one of `@[\]^_`.
 *
 * @throws INVALID_PARAMETER when it is not one
 */
export function parseDetachKeys(keys: string): Buffer {
  return Buffer.from(
    keys.split(',').map((key) => {
      if (/^[\x20-\x7e]$/.test(key)) return key.charCodeAt(0)
      const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(key)?.[1]
      if (control === undefined)
        throw new InvalidParameterError(
          `Invalid detach keys (${keys}) provided: unknown character: '${key}'`,
        )
      return control.toUpperCase().charCodeAt(0) & 0x1f
    }),
  )
}

/**
 * Passes a terminal's input on until the sequence has been typed, then calls `detach` and swallows it. A sequence begun
 * and not finished is passed on late but whole.
 */
export function detachFilter(sequence: Buffer, detach: () => void): Transform {
  // what is held back: a beginning of the sequence
  let held = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const begun = Buffer.concat([sequence.subarray(0, held), chunk])
      const at = begun.indexOf(sequence)
      if (at >= 0) {
        if (at > 0) this.push(begun.subarray(0, at))
        held = 0
        detach()
        this.push(null)
        done()
        return
      }
      held = endLikeBeginningOf(sequence, begun)
      const passed = begun.subarray(0, begun.length - held)
      done(null, passed.length > 0 ? passed : undefined)
    },
    flush(done) {
      done(null, held > 0 ? sequence.subarray(0, held) : undefined)
    },
  })
}

/** How many of the last bytes are the sequence's first ones. */
function endLikeBeginningOf(sequence: Buffer, bytes: Buffer): number {
  for (let length = Math.min(sequence.length - 1, bytes.length); length > 0; length--) {
    if (bytes.subarray(bytes.length - length).equals(sequence.subarray(0, length))) return length
  }
  return 0
}
