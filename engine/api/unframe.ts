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
