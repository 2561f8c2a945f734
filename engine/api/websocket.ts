import type { Socket } from 'node:net'
import type { Duplex, Readable, Writable } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'
import { InvalidParameterError } from '../errors.ts'
import type { Call } from './call.ts'

/** A client's message may be this long; terminals send a few bytes. */
const MAX_MESSAGE_BYTES = 1024 * 1024

const server = new WebSocketServer({
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: MAX_MESSAGE_BYTES,
})

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
 * @throws INVALID_PARAMETER when it is no handshake
 * @see RFC 6455, section 4.2
 */
export function acceptWebSocket(
  call: Call,
  socket: Duplex,
  kind: 'binary' | 'text' = 'binary',
): WebSocketPeer {
  const key = call.header('sec-websocket-key') ?? ''
  // 16 bytes in base64: the library would answer others itself, in other words than ours
  if (!/^[+/0-9A-Za-z]{22}==$/.test(key) || call.header('sec-websocket-version') !== '13')
    throw new InvalidParameterError('the websocket handshake must be of version 13 with a key')
  call.response.detachSocket(socket as Socket)
  let accepted: WebSocket | undefined
  server.handleUpgrade(call.request, socket, Buffer.alloc(0), (peer) => (accepted = peer))
  if (!accepted) throw new InvalidParameterError('the websocket handshake was not accepted')
  const peer = accepted
  peer.on('error', () => {
    // a client that breaks the protocol: it is told by the close code, and `close` follows
  })
  return {
    closed: new Promise<void>((resolve) => peer.once('close', () => resolve())),
    join: (output, input) => {
      receive(peer, input)
      void send(peer, output, kind === 'binary').finally(() => {
        peer.close(1000)
      })
    },
  }
}

async function send(peer: WebSocket, output: Readable, binary: boolean): Promise<void> {
  try {
    for await (const chunk of output as AsyncIterable<Buffer>) {
      await new Promise<void>((resolve, reject) => {
        peer.send(chunk, { binary }, (error) => {
          if (error) reject(error)
          else resolve()
        })
      })
    }
  } catch {
    // either end is gone: what could be sent was
  }
}

function receive(peer: WebSocket, input: Writable | undefined): void {
  peer.on('message', (data: Buffer) => {
    if (input?.writable !== true || input.write(data)) return
    peer.pause()
    input.once('drain', () => {
      peer.resume()
    })
  })
  peer.once('close', () => {
    input?.end()
  })
}
