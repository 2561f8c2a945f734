import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Duplex, Readable, Writable } from 'node:stream'
import { InvalidParameterError } from '../errors.ts'
import type { Call } from './call.ts'

/** A client's message may be this long; terminals send a few bytes. */
const MAX_MESSAGE_BYTES = 1024 * 1024

const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

export interface WebSocketPeer {
  /** Sends output as messages and writes the client's messages to `input`, both at the reader's pace. */
  join(output: Readable, input: Writable | undefined): void
  /** Resolves when the connection is over. */
  closed: Promise<void>
}

/**
 * Answers a websocket handshake on an upgraded connection.
 *
 * @param kind of the messages sent
 *
 * @see RFC 6455, sections 4.2 (handshake) and 5.2 (frames)
 */
export function acceptWebSocket(
  call: Call,
  socket: Duplex,
  kind: 'binary' | 'text' = 'binary',
): WebSocketPeer {
  const key = call.header('sec-websocket-key')
  if (key === undefined || call.header('sec-websocket-version') !== '13') {
    throw new InvalidParameterError('the websocket handshake must be of version 13 with a key')
  }
  call.response.detachSocket(socket as Socket)
  const accept = createHash('sha1')
    .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64')
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  )
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  return {
    closed,
    join: (output, input) => {
      output.on('data', (chunk: Buffer) => {
        if (!socket.write(frame(OPCODE[kind], chunk))) {
          output.pause()
          socket.once('drain', () => output.resume())
        }
      })
      const finish = (): void => {
        if (socket.writable) socket.end(frame(OPCODE.close, closeCode(1000)))
      }
      output.on('end', finish)
      output.on('error', finish)
      receive(socket, input)
    },
  }
}

function receive(socket: Duplex, input: Writable | undefined): void {
  let buffered: Buffer = Buffer.alloc(0)
  let message: 'none' | 'open' = 'none'
  const fail = (code: number): void => {
    socket.end(frame(OPCODE.close, closeCode(code)))
    socket.removeAllListeners('data')
    socket.resume()
  }
  socket.on('data', (chunk: Buffer) => {
    buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk])
    for (;;) {
      const parsed = parseFrame(buffered)
      if (parsed === 'more') return
      if (parsed === 'wrong') {
        fail(1002)
        return
      }
      buffered = buffered.subarray(parsed.length)
      const { opcode, fin, payload } = parsed
      if (opcode === OPCODE.close) {
        input?.end()
        fail(1000)
        return
      }
      if (opcode === OPCODE.ping) socket.write(frame(OPCODE.pong, payload))
      else if (opcode === OPCODE.pong) continue
      else {
        // A message begins with text or binary and goes on with continuations.
        if ((opcode === OPCODE.continuation) !== (message === 'open')) {
          fail(1002)
          return
        }
        message = fin ? 'none' : 'open'
        if (input?.writable === true && !input.write(payload)) {
          socket.pause()
          input.once('drain', () => socket.resume())
        }
      }
    }
  })
  socket.on('end', () => {
    input?.end()
    socket.end()
  })
}

type Frame = { opcode: number; fin: boolean; payload: Buffer; length: number }

function parseFrame(bytes: Buffer): Frame | 'more' | 'wrong' {
  const [first, second] = bytes
  if (first === undefined || second === undefined) return 'more'
  const opcode = first & 0x0f
  const fin = (first & 0x80) !== 0
  // No extension was agreed, and a client has to mask.
  if ((first & 0x70) !== 0 || (second & 0x80) === 0) return 'wrong'
  if (opcode > OPCODE.binary && (opcode < OPCODE.close || opcode > OPCODE.pong || !fin))
    return 'wrong'
  let size = second & 0x7f
  let at = 2
  if (size === 126) {
    if (bytes.length < 4) return 'more'
    size = bytes.readUInt16BE(2)
    at = 4
  } else if (size === 127) {
    if (bytes.length < 10) return 'more'
    const wide = bytes.readBigUInt64BE(2)
    if (wide > BigInt(MAX_MESSAGE_BYTES)) return 'wrong'
    size = Number(wide)
    at = 10
  }
  if (opcode >= OPCODE.close && size > 125) return 'wrong'
  if (bytes.length < at + 4 + size) return 'more'
  const mask = bytes.subarray(at, at + 4)
  const payload = Buffer.from(bytes.subarray(at + 4, at + 4 + size))
  for (let index = 0; index < payload.length; index++) {
    payload[index] = (payload[index] ?? 0) ^ (mask[index & 3] ?? 0)
  }
  return { opcode, fin, payload, length: at + 4 + size }
}

function frame(opcode: number, payload: Buffer): Buffer {
  const head =
    payload.length < 126
      ? Buffer.from([0x80 | opcode, payload.length])
      : payload.length < 65536
        ? Buffer.from([0x80 | opcode, 126, payload.length >> 8, payload.length & 0xff])
        : Buffer.alloc(10)
  if (head.length === 10) {
    head[0] = 0x80 | opcode
    head[1] = 127
    head.writeBigUInt64BE(BigInt(payload.length), 2)
  }
  return Buffer.concat([head, payload])
}

function closeCode(code: number): Buffer {
  return Buffer.from([code >> 8, code & 0xff])
}
