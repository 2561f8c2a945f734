/** MessagePack, as much of it as Fluentd's forward protocol takes. @see https://github.com/msgpack/msgpack/blob/master/spec.md */

/** Seconds and nanoseconds, Fluentd's extension type 0. */
export interface EventTime {
  seconds: number
  nanoseconds: number
}

export type Packable = string | number | EventTime | Packable[] | Map<string, Packable>

export function pack(value: Packable): Buffer {
  const parts: Buffer[] = []
  put(value, parts)
  return Buffer.concat(parts)
}

function put(value: Packable, parts: Buffer[]): void {
  if (typeof value === 'string') {
    const text = Buffer.from(value)
    parts.push(head(text.length, { fix: [0xa0, 31], one: 0xd9, two: 0xda, four: 0xdb }), text)
  } else if (typeof value === 'number') {
    parts.push(head(value, { fix: [0x00, 127], one: 0xcc, two: 0xcd, four: 0xce }))
  } else if (Array.isArray(value)) {
    parts.push(head(value.length, { fix: [0x90, 15], two: 0xdc, four: 0xdd }))
    for (const one of value) put(one, parts)
  } else if (value instanceof Map) {
    parts.push(head(value.size, { fix: [0x80, 15], two: 0xde, four: 0xdf }))
    for (const [key, one] of value) {
      put(key, parts)
      put(one, parts)
    }
  } else {
    const time = Buffer.alloc(10)
    time.set([0xd7, 0x00])
    time.writeUInt32BE(value.seconds, 2)
    time.writeUInt32BE(value.nanoseconds, 6)
    parts.push(time)
  }
}

/** A length, or a number of 0 to 2^32-1, in the fewest bytes of its kind. */
function head(
  value: number,
  kind: { fix: [number, number]; one?: number; two: number; four: number },
): Buffer {
  if (value <= kind.fix[1]) return Buffer.from([kind.fix[0] | value])
  if (kind.one !== undefined && value <= 0xff) return Buffer.from([kind.one, value])
  if (value <= 0xffff) return Buffer.from([kind.two, value >> 8, value & 0xff])
  const bytes = Buffer.alloc(5)
  bytes[0] = kind.four
  bytes.writeUInt32BE(value, 1)
  return bytes
}
