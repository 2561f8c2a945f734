import type { Readable, Writable } from 'node:stream'
import { RPC_STATUS } from './messages.ts'
import { GrpcError, GRPC_CODES } from './grpc-error.ts'

/** The longest message that is taken; BuildKit's own limit. */
const MOST_BYTES = 16 * 2 ** 20
const HEAD = 5

/**
 * A message as it travels: one byte that says whether it is compressed, four of its length, the message.
 *
 * @see grpc/grpc doc/PROTOCOL-HTTP2.md, "Length-Prefixed-Message"
 */
export function frame(message: Buffer): Buffer {
  const framed = Buffer.allocUnsafe(HEAD + message.length)
  framed[0] = 0
  framed.writeUInt32BE(message.length, 1)
  message.copy(framed, HEAD)
  return framed
}

/** The messages of one direction of a call. Whoever stops reading leaves the stream as it is. */
export async function* messagesOf(stream: Readable): AsyncGenerator<Buffer> {
  let parts: Buffer[] = []
  let length = 0
  for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    parts.push(chunk)
    length += chunk.length
    let wanted = lengthOf(parts, length)
    if (length < wanted) continue
    let rest = parts.length === 1 ? chunk : Buffer.concat(parts, length)
    while (rest.length >= wanted) {
      yield rest.subarray(HEAD, wanted)
      rest = rest.subarray(wanted)
      wanted = lengthOf([rest], rest.length)
    }
    parts = rest.length > 0 ? [rest] : []
    length = rest.length
  }
  if (length > 0) throw new GrpcError('INTERNAL', 'a message was cut short')
}

/** Of the first frame, head included; what cannot be told yet counts as its head. */
function lengthOf(parts: readonly Buffer[], length: number): number {
  if (length < HEAD) return HEAD
  const [first = Buffer.alloc(0)] = parts
  const head = first.length >= HEAD ? first : Buffer.concat(parts, length)
  if (head[0] !== 0)
    throw new GrpcError('UNIMPLEMENTED', 'compressed messages are not understood here')
  const size = head.readUInt32BE(1)
  if (size > MOST_BYTES)
    throw new GrpcError('RESOURCE_EXHAUSTED', `a message of ${String(size)} bytes is too long`)
  return HEAD + size
}

/** Writes a message, no faster than the peer reads. */
export async function send(stream: Writable, message: Buffer): Promise<void> {
  if (stream.destroyed || stream.write(frame(message))) return
  await new Promise<void>((resolve) => {
    const done = (): void => {
      stream.off('drain', done)
      stream.off('close', done)
      resolve()
    }
    stream.on('drain', done)
    stream.on('close', done)
  })
}

/** Headers have limits; a peer does without details that are longer. */
const MOST_DETAILS = 48 * 1024

/** How a call ended, as trailers. */
export function trailersOf(error: GrpcError | undefined): Record<string, string> {
  if (!error) return { 'grpc-status': '0' }
  const { details, grpcCode: code, message } = error
  const status = RPC_STATUS.encode({ code, message: message.slice(0, 8192), details })
  return {
    'grpc-status': String(code),
    'grpc-message': escapeMessage(message.slice(0, 4096)),
    ...(details.length > 0 && status.length <= MOST_DETAILS
      ? { 'grpc-status-details-bin': status.toString('base64').replace(/=+$/, '') }
      : {}),
  }
}

/** @returns undefined when the call went well */
export function errorIn(
  trailers: Record<string, string | string[] | undefined>,
): GrpcError | undefined {
  const code = Number(trailers['grpc-status'] ?? GRPC_CODES.UNKNOWN)
  if (code === GRPC_CODES.OK) return undefined
  return new GrpcError(code, unescapeMessage(String(trailers['grpc-message'] ?? '')))
}

/** @see grpc/grpc doc/PROTOCOL-HTTP2.md, "Percent-Encoded" */
function escapeMessage(message: string): string {
  return Buffer.from(message)
    .toString('latin1')
    .replace(
      /[^ -$&-~]/g,
      (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
    )
}

function unescapeMessage(text: string): string {
  const bytes = text.replace(/%([0-9a-fA-F]{2})/g, (_whole, hex: string) =>
    String.fromCharCode(parseInt(hex, 16)),
  )
  return Buffer.from(bytes, 'latin1').toString()
}
