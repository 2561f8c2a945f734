import { Transform } from 'node:stream'

/** Takes the 8-byte heads off a framed stream and leaves the payload of all streams. */
export function unframe(): Transform {
  let head = Buffer.alloc(0)
  let left = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      let rest = chunk
      while (rest.length > 0) {
        if (left > 0) {
          this.push(rest.subarray(0, left))
          const taken = Math.min(left, rest.length)
          left -= taken
          rest = rest.subarray(taken)
          continue
        }
        const missing = 8 - head.length
        head = Buffer.concat([head, rest.subarray(0, missing)])
        rest = rest.subarray(missing)
        if (head.length === 8) {
          left = head.readUInt32BE(4)
          head = Buffer.alloc(0)
        }
      }
      done()
    },
  })
}

/** Gives each piece of a terminal's output the head of one of stdout's. */
export function frame(): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      done(null, framed(chunk))
    },
  })
}

/**
 * A piece of stdout as a frame of Docker's stream: `1 0 0 0`, four bytes of length, the piece.
 *
 * @see POST /containers/{id}/attach, "Stream format"
 */
export function framed(piece: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head[0] = 1
  head.writeUInt32BE(piece.length, 4)
  return Buffer.concat([head, piece])
}
