import { randomInt } from 'node:crypto'
import dgram from 'node:dgram'
import net from 'node:net'
import { Limit } from './limit.ts'

/** How long one server has for an answer, and how often the list of them is gone through. */
const TIMEOUT_MS = 2000
const ROUNDS = 2

/** Questions of all containers under way. */
const inFlight = new Limit(1000)

/**
 * Asks the given servers, one after another, from the host's own network.
 *
 * @param query a DNS message, passed on as it is but for its ID
 * @returns the answer with the query's ID; undefined when no server gave one, or too many questions are under way
 */
export async function askUpstream(
  query: Buffer,
  servers: readonly string[],
  transport: 'udp' | 'tcp',
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  return inFlight.run(async () => {
    const ask = transport === 'udp' ? askByUdp : askByTcp
    for (let round = 0; round < ROUNDS; round++) {
      for (const server of servers) {
        if (signal.aborted) return undefined
        const answer = await ask(query, server, signal).catch(() => undefined)
        if (answer === undefined) continue
        const mine = Buffer.from(answer)
        query.copy(mine, 0, 0, 2)
        return mine
      }
    }
    return undefined
  })
}

/** From a fresh port with a fresh ID, so that answers cannot be forged blindly. */
function askByUdp(query: Buffer, server: string, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = dgram.createSocket('udp4')
    const sent = withFreshId(query)
    const settle = (result: Buffer | Error): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      socket.removeAllListeners('message').close()
      if (result instanceof Error) reject(result)
      else resolve(result)
    }
    const onAbort = (): void => settle(new Error('aborted'))
    const timer = setTimeout(() => settle(new Error('timeout')), TIMEOUT_MS)
    signal.addEventListener('abort', onAbort)
    socket.once('error', settle)
    socket.on('message', (message) => {
      if (isAnswerTo(sent, message)) settle(message)
    })
    // connected: the kernel drops what others send, and reports a closed port at once
    socket.connect(53, server, () => {
      socket.send(sent)
    })
  })
}

function askByTcp(query: Buffer, server: string, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const sent = withFreshId(query)
    const socket = net.connect({ host: server, port: 53, timeout: TIMEOUT_MS, signal })
    let received = Buffer.alloc(0)
    const fail = (error: Error): void => {
      socket.destroy()
      reject(error)
    }
    socket.on('error', fail)
    socket.on('timeout', () => fail(new Error('timeout')))
    socket.on('close', () => reject(new Error('closed')))
    socket.on('connect', () => socket.write(withLength(sent)))
    socket.on('data', (data: Buffer) => {
      received = Buffer.concat([received, data])
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return
      const message = received.subarray(2, 2 + received.readUInt16BE(0))
      if (!isAnswerTo(sent, message)) return fail(new Error('not an answer to the question'))
      resolve(message)
      socket.destroy()
    })
  })
}

/** A message over TCP has its length in front. @see RFC 1035, section 4.2.2 */
export function withLength(message: Buffer): Buffer {
  const framed = Buffer.alloc(2 + message.length)
  framed.writeUInt16BE(message.length)
  message.copy(framed, 2)
  return framed
}

function withFreshId(query: Buffer): Buffer {
  const copy = Buffer.from(query)
  copy.writeUInt16BE(randomInt(0x10000), 0)
  return copy
}

/** The same ID, the answer bit, and the same question. */
function isAnswerTo(query: Buffer, message: Buffer): boolean {
  if (message.length < 12 || (message.readUInt8(2) & 0x80) === 0) return false
  if (message.readUInt16BE(0) !== query.readUInt16BE(0)) return false
  // an error may come without the question
  if (message.readUInt16BE(4) === 0) return true
  const end = questionEnd(query)
  return (
    message.subarray(12, end).toString('latin1').toLowerCase() ===
    query.subarray(12, end).toString('latin1').toLowerCase()
  )
}

/** Where the first question ends: labels, their zero, type and class. */
function questionEnd(query: Buffer): number {
  let at = 12
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) at += length + 1
  return at + 5
}
