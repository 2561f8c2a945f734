/**
 * Netlink's wire format: a batch of messages, each a header, the fixed part of its kind, and attributes.
 *
 *     offset size field                      an attribute, padded to 4 bytes:
 *      0     4    length, header included    0  2  length, these 4 bytes included
 *      4     2    type                       2  2  type, top bits NESTED and NET_BYTEORDER
 *      6     2    flags                      4  …  payload
 *      8     4    sequence number
 *     12     4    port ID
 *
 * Numbers are in the host's byte order, which is little-endian on every machine we run on.
 *
 * @see netlink(7), rtnetlink(7)
 */
import { SystemError } from '../errors.ts'
import { errnoName } from '../native/addon.ts'

export const NLM_F_REQUEST = 0x1
export const NLM_F_MULTI = 0x2
export const NLM_F_ACK = 0x4
export const NLM_F_DUMP_INTR = 0x10
export const NLM_F_EXCL = 0x200
export const NLM_F_DUMP = 0x300
export const NLM_F_REPLACE = 0x100
export const NLM_F_CREATE = 0x400
/** On an answer: attributes with the kernel's words follow. */
const NLM_F_ACK_TLVS = 0x200
const NLM_F_CAPPED = 0x100

const NLMSG_NOOP = 1
const NLMSG_ERROR = 2
const NLMSG_DONE = 3

const NLMSGERR_ATTR_MSG = 1
const HEADER = 16
const ATTRIBUTE_TYPE = 0x3fff

/** A request: `what` says in words what it is for, so that a failure can. */
export interface Request {
  what: string
  type: number
  flags: number
  /** The fixed part and the attributes. */
  body: Buffer
}

/** A message of the kernel's answer that is neither acknowledgement nor end. */
export interface Message {
  type: number
  flags: number
  body: Buffer
}

/** One attribute: 16 bits each of length and type, payload, padding. */
export function attribute(type: number, payload: Buffer): Buffer {
  const encoded = Buffer.alloc(align(4 + payload.length))
  encoded.writeUInt16LE(4 + payload.length, 0)
  encoded.writeUInt16LE(type, 2)
  payload.copy(encoded, 4)
  return encoded
}

export function nested(type: number, ...attributes: Buffer[]): Buffer {
  return attribute(type, Buffer.concat(attributes))
}

export function u8(value: number): Buffer {
  return Buffer.from([value])
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

/** A string with its terminating zero, as interface names are sent. */
export function text(value: string): Buffer {
  return Buffer.from(`${value}\0`)
}

/** Encodes one request; every one but a dump asks for an acknowledgement. */
export function encode(request: Request, sequence: number): Buffer {
  const dump = (request.flags & NLM_F_DUMP) === NLM_F_DUMP && (request.flags & NLM_F_CREATE) === 0
  const message = Buffer.alloc(HEADER + align(request.body.length))
  message.writeUInt32LE(HEADER + request.body.length, 0)
  message.writeUInt16LE(request.type, 4)
  message.writeUInt16LE(request.flags | NLM_F_REQUEST | (dump ? 0 : NLM_F_ACK), 6)
  message.writeUInt32LE(sequence >>> 0, 8)
  request.body.copy(message, HEADER)
  return message
}

export interface Answer {
  messages: Message[]
  /** Set when the request was refused. */
  error?: SystemError
  /** What was listed changed meanwhile: ask again. */
  interrupted: boolean
}

/**
 * Splits what the kernel answered to requests numbered from `firstSequence` on.
 *
 * @returns one answer for each request, in their order
 * @throws SystemError EBADMSG when the bytes are no well-formed answer to them
 */
export function decodeAnswers(
  answer: Buffer,
  requests: readonly Request[],
  firstSequence: number,
): Answer[] {
  const answers = requests.map((): Answer => ({ messages: [], interrupted: false }))
  for (let at = 0; at < answer.length;) {
    if (at + HEADER > answer.length) throw malformed('a header is cut short', requests)
    const length = answer.readUInt32LE(at)
    if (length < HEADER || at + length > answer.length)
      throw malformed(`a message claims ${length} bytes`, requests)
    const type = answer.readUInt16LE(at + 4)
    const flags = answer.readUInt16LE(at + 6)
    const index = (answer.readUInt32LE(at + 8) - firstSequence) >>> 0
    const body = answer.subarray(at + HEADER, at + length)
    at += align(length)
    const mine = answers[index]
    const request = requests[index]
    // an answer to an earlier exchange that was given up: not for us
    if (mine === undefined || request === undefined) continue
    if ((flags & NLM_F_DUMP_INTR) !== 0) mine.interrupted = true
    if (type === NLMSG_NOOP) continue
    if (type === NLMSG_ERROR || type === NLMSG_DONE) {
      const error = refusal(type, flags, body, request)
      if (error !== undefined) mine.error ??= error
    } else {
      mine.messages.push({ type, flags, body })
    }
  }
  return answers
}

/**
 * The attributes behind a message's fixed part, by type; of repeated ones the last.
 *
 * @throws SystemError EBADMSG when one of them does not fit
 */
export function decodeAttributes(body: Buffer, offset = 0): Map<number, Buffer> {
  const attributes = new Map<number, Buffer>()
  for (let at = offset; at < body.length;) {
    // up to three bytes of padding may follow the last one
    if (at + 4 > body.length) {
      if (body.length - at < 4 && body.subarray(at).every((byte) => byte === 0)) break
      throw malformed('an attribute is cut short')
    }
    const length = body.readUInt16LE(at)
    if (length < 4 || at + length > body.length)
      throw malformed(`an attribute claims ${length} bytes`)
    attributes.set(body.readUInt16LE(at + 2) & ATTRIBUTE_TYPE, body.subarray(at + 4, at + length))
    at += align(length)
  }
  return attributes
}

/** The fixed part of a message. @throws SystemError EBADMSG when it is shorter */
export function fixedPart(message: Message, size: number): Buffer {
  if (message.body.length < size)
    throw malformed(`a message of type ${message.type} has ${message.body.length} bytes`)
  return message.body.subarray(0, size)
}

/** @throws SystemError EBADMSG when the attribute has another size */
export function readU32(payload: Buffer): number {
  if (payload.length !== 4) throw malformed(`a number has ${payload.length} bytes`)
  return payload.readUInt32LE(0)
}

/** A string attribute up to its zero. */
export function readText(payload: Buffer): string {
  const end = payload.indexOf(0)
  return payload.toString('utf8', 0, end < 0 ? payload.length : end)
}

export function malformed(what: string, requests: readonly Request[] = []): SystemError {
  const about = requests.map((request) => request.what).join(', ')
  return new SystemError('netlink', 74, 'EBADMSG', `${about}${about === '' ? '' : ': '}${what}`)
}

/** The error an NLMSG_ERROR or NLMSG_DONE carries; its first number is 0 or a negative errno. */
function refusal(
  type: number,
  flags: number,
  body: Buffer,
  request: Request,
): SystemError | undefined {
  if (body.length < 4) {
    if (type === NLMSG_DONE) return undefined
    throw malformed('an acknowledgement is cut short', [request])
  }
  const errno = -body.readInt32LE(0)
  if (errno === 0) return undefined
  const words =
    type === NLMSG_ERROR && (flags & NLM_F_ACK_TLVS) !== 0 ? kernelWords(flags, body) : ''
  return new SystemError('netlink', errno, errnoName(errno) + words, request.what)
}

/** Behind the errno stands the request's header, its body unless capped, then attributes with the kernel's words. */
function kernelWords(flags: number, body: Buffer): string {
  if (body.length < 4 + HEADER) return ''
  const echoed = (flags & NLM_F_CAPPED) !== 0 ? HEADER : body.readUInt32LE(4)
  const words = decodeAttributes(body, Math.min(body.length, 4 + align(echoed))).get(
    NLMSGERR_ATTR_MSG,
  )
  return words === undefined ? '' : ` (${readText(words)})`
}

function align(length: number): number {
  return (length + 3) & ~3
}
