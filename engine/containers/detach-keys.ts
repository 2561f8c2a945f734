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
  let matched = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const out: number[] = []
      for (const byte of chunk) {
        if (byte === sequence[matched]) {
          matched++
          if (matched === sequence.length) {
            if (out.length > 0) this.push(Buffer.from(out))
            detach()
            this.push(null)
            done()
            return
          }
          continue
        }
        out.push(...sequence.subarray(0, matched))
        matched = byte === sequence[0] ? 1 : 0
        if (matched === 0) out.push(byte)
      }
      done(null, out.length > 0 ? Buffer.from(out) : undefined)
    },
  })
}
