import { Readable } from 'node:stream'

/** A stream that is only begun when it is read. */
export function passThrough(begin: () => Promise<Readable>): Readable {
  return Readable.from(
    (async function* () {
      yield* (await begin()) as AsyncIterable<Uint8Array>
    })(),
    { objectMode: false },
  )
}
