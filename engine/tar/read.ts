import { InvalidParameterError } from '../errors.ts'
import { cString, decimal, isZero, number, octal, padding } from './fields.ts'
import { BLOCK, checksums, tarHeader, textOf } from './header.ts'
import type { SparseSegment, TarHeader, TarType } from './header.ts'
import { applyPax } from './pax-header.ts'
import { parsePax } from './pax.ts'
import { paxSegments, readSegments } from './sparse.ts'

/** What becomes of an archive's members, in their order. */
export interface TarSink {
  entry(header: TarHeader): void
  /** Content of the last entry at its place in the file. The chunk is only good until the call returns. */
  data(chunk: Buffer, offset: number): void
  /** The last entry is complete. */
  end(): void
}

/** Longest extended header or long name that is believed. */
const MAX_META = 4 * 2 ** 20
const MAX_SEGMENTS = 1_000_000

const TYPES: Record<string, TarType> = {
  '\0': 'file',
  '0': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'char',
  '4': 'block',
  '5': 'dir',
  '6': 'fifo',
  '7': 'file',
  S: 'file',
  D: 'dir',
}

/**
 * Reads an archive pushed in chunks of any size: ustar, pax, GNU (long names, base-256 numbers, sparse files in all
 * four formats), v7.
 *
 * Fields of a header block:
 *
 *     0 name 100 | 100 mode 8 | 108 uid 8 | 116 gid 8 | 124 size 12 | 136 mtime 12 | 148 checksum 8 | 156 type 1
 *     157 linkname 100 | 257 magic 6 | 263 version 2 | 265 uname 32 | 297 gname 32 | 329 major 8 | 337 minor 8
 *     345 prefix 155 (ustar)   386 sparse 4x24, 482 extended 1, 483 real size 12 (GNU)
 *
 * @see pax(1), "ustar Interchange Format"; GNU tar manual, "Basic Tar Format" and "Storing Sparse Files"
 */
export class TarParser {
  readonly #sink: TarSink
  /** Rest of what was pushed that did not make a whole block. */
  #pending: Buffer = Buffer.alloc(0)
  #state: 'header' | 'meta' | 'sparse-block' | 'sparse-map' | 'data' | 'padding' | 'zero' | 'done' =
    'header'

  #meta: Buffer[] = []
  #metaType = ''
  #remaining = 0
  #padding = 0

  #globals = new Map<string, Buffer>()
  #locals = new Map<string, Buffer>()
  #localRecords: Buffer | undefined
  #longName: string | undefined
  #longLink: string | undefined

  #header: TarHeader | undefined
  #segments: SparseSegment[] = []
  #segment = 0
  #segmentAt = 0
  #mapText = ''
  #offset = 0

  constructor(sink: TarSink) {
    this.#sink = sink
  }

  /** @throws INVALID_PARAMETER "invalid tar: …" on what is no archive */
  push(chunk: Buffer): void {
    let rest = this.#pending.length > 0 ? Buffer.concat([this.#pending, chunk]) : chunk
    for (;;) {
      const taken = this.#take(rest)
      if (taken === 0) break
      rest = rest.subarray(taken)
    }
    // a copy: the chunk may be re-used by who pushed it
    this.#pending = rest.length > 0 ? Buffer.from(rest) : rest
  }

  /**
   * What fills up the last member to a whole block may be missing, and so may the archive's end: the docker CLI sends a
   * context so that gets a Dockerfile from elsewhere (`docker build -f`), and Go's reader takes it.
   *
   * @throws INVALID_PARAMETER when the archive is cut short
   */
  end(): void {
    const isWhole =
      this.#state === 'done' ||
      this.#state === 'zero' ||
      this.#state === 'header' ||
      (this.#state === 'padding' && this.#padding < BLOCK)
    const isInside =
      this.#locals.size > 0 || this.#longName !== undefined || this.#longLink !== undefined
    if (!isWhole || isInside || (this.#state !== 'done' && this.#pending.length > 0)) {
      throw new InvalidParameterError('invalid tar: unexpected end of archive')
    }
  }

  /** Handles what can be handled at the front of `bytes`; returns how much that was, 0 when more is needed. */
  #take(bytes: Buffer): number {
    switch (this.#state) {
      case 'done':
        return bytes.length
      case 'header':
      case 'zero':
        if (bytes.length < BLOCK) return 0
        this.#readHeader(bytes.subarray(0, BLOCK))
        return BLOCK
      case 'meta': {
        const length = Math.min(bytes.length, this.#remaining)
        if (length === 0 && this.#remaining > 0) return 0
        this.#meta.push(Buffer.from(bytes.subarray(0, length)))
        this.#remaining -= length
        if (this.#remaining === 0) this.#endMeta()
        // an empty one takes nothing, yet the state went on
        return length === 0 ? this.#take(bytes) : length
      }
      case 'sparse-block':
        if (bytes.length < BLOCK) return 0
        this.#readSparseBlock(bytes.subarray(0, BLOCK))
        return BLOCK
      case 'sparse-map':
        if (bytes.length < BLOCK) return 0
        this.#readSparseMap(bytes.subarray(0, BLOCK))
        return BLOCK
      case 'data': {
        const length = Math.min(bytes.length, this.#remaining)
        if (length > 0) this.#emitData(bytes.subarray(0, length))
        this.#remaining -= length
        if (this.#remaining === 0) this.#endData()
        return length
      }
      case 'padding': {
        const length = Math.min(bytes.length, this.#padding)
        this.#padding -= length
        if (this.#padding === 0) this.#state = 'header'
        return length
      }
    }
  }

  #readHeader(block: Buffer): void {
    if (isZero(block)) {
      this.#state = this.#state === 'zero' ? 'done' : 'zero'
      return
    }
    if (this.#state === 'zero') throw new InvalidParameterError('invalid tar: a lone zero block')
    const sums = checksums(block)
    const stored = octal(block, 148, 8, 'checksum')
    if (stored !== sums.unsigned && stored !== sums.signed) {
      throw new InvalidParameterError('invalid tar: header checksum does not match')
    }
    const flag = String.fromCharCode(block[156] ?? 0)
    const size = number(block, 124, 12, 'size')
    if (size < 0) throw new InvalidParameterError('invalid tar: negative size')

    if ('xgLK'.includes(flag)) {
      if (size > MAX_META)
        throw new InvalidParameterError(`invalid tar: extended header of ${size} bytes`)
      this.#metaType = flag
      this.#meta = []
      this.#remaining = size
      this.#padding = padding(size)
      this.#state = 'meta'
      if (size === 0) this.#endMeta()
      return
    }
    // a volume's label, and a file continued from a volume before: nothing to unpack
    if (flag === 'V') {
      this.#skip(size)
      return
    }
    const type = TYPES[flag]
    if (type === undefined) {
      throw new InvalidParameterError(`invalid tar: unhandled header type ${JSON.stringify(flag)}`)
    }
    this.#begin(block, flag, type, size)
  }

  #endMeta(): void {
    const data = Buffer.concat(this.#meta)
    this.#meta = []
    switch (this.#metaType) {
      case 'g':
        for (const [key, value] of parsePax(data)) {
          if (value.length === 0) this.#globals.delete(key)
          else this.#globals.set(key, value)
        }
        break
      case 'x':
        this.#locals = parsePax(data)
        this.#localRecords = data
        break
      case 'L':
        this.#longName = cString(data, 0, data.length)
        break
      case 'K':
        this.#longLink = cString(data, 0, data.length)
        break
    }
    this.#state = this.#padding > 0 ? 'padding' : 'header'
  }

  /** Puts the header together from the block and what went before it. */
  #begin(block: Buffer, flag: string, type: TarType, size: number): void {
    const pax = new Map([...this.#globals, ...this.#locals])
    const records = this.#localRecords
    const longName = this.#longName
    const longLink = this.#longLink
    this.#locals = new Map()
    this.#localRecords = undefined
    this.#longName = undefined
    this.#longLink = undefined

    const magic = block.toString('latin1', 257, 265)
    const isUstar = magic.startsWith('ustar\0')
    let name = cString(block, 0, 100)
    const prefix = isUstar ? cString(block, 345, 155) : ''
    if (prefix !== '') name = `${prefix}/${name}`
    // cut off to fit here, it may end in a slash that its whole has further on
    const whole = pax.get('path')?.toString('latin1') ?? longName ?? name
    const hasDevice = isUstar || magic === 'ustar  \0'
    const header = tarHeader({
      type: type === 'file' && whole.endsWith('/') && flag !== 'S' ? 'dir' : type,
      name: longName ?? name,
      linkName: longLink ?? cString(block, 157, 100),
      mode: number(block, 100, 8, 'mode') & 0o7777,
      uid: number(block, 108, 8, 'uid'),
      gid: number(block, 116, 8, 'gid'),
      mtimeSeconds: number(block, 136, 12, 'mtime'),
      userName: hasDevice ? cString(block, 265, 32) : '',
      groupName: hasDevice ? cString(block, 297, 32) : '',
      deviceMajor: hasDevice ? number(block, 329, 8, 'device') : 0,
      deviceMinor: hasDevice ? number(block, 337, 8, 'device') : 0,
    })
    let stored = size
    const realSize = applyPax(header, pax, (value) => (stored = value))
    checkHeader(header)

    // the others have no content, whatever they say: historic tars noted a hard link's size
    if (header.type !== 'file') stored = type === 'dir' && flag === 'D' ? stored : 0
    this.#header = header
    this.#remaining = stored
    this.#padding = padding(stored)
    this.#segments = []
    header.size = header.type === 'file' ? stored : 0

    if (flag === 'S') {
      header.size = number(block, 483, 12, 'real size')
      readSegments(block, 386, 4, this.#segments)
      if (block[482] === 1) {
        this.#state = 'sparse-block'
        return
      }
      this.#startSparse()
    } else if (pax.get('GNU.sparse.major')?.toString('latin1') === '1') {
      header.size = realSize ?? stored
      this.#mapText = ''
      this.#state = 'sparse-map'
      if (stored === 0) throw new InvalidParameterError('invalid tar: sparse file without a map')
    } else if (
      records !== undefined &&
      (pax.has('GNU.sparse.map') || pax.has('GNU.sparse.numblocks'))
    ) {
      header.size = realSize ?? stored
      this.#segments = paxSegments(records)
      this.#startSparse()
    } else {
      this.#start()
    }
  }

  #readSparseBlock(block: Buffer): void {
    readSegments(block, 0, 21, this.#segments)
    if (this.#segments.length > MAX_SEGMENTS)
      throw new InvalidParameterError('invalid tar: too many sparse segments')
    if (block[504] !== 1) this.#startSparse()
  }

  /** Format 1.0: before the data, decimal lines: count, then offset and length of each; filled up to a block. */
  #readSparseMap(block: Buffer): void {
    this.#remaining -= BLOCK
    this.#mapText += block.toString('latin1')
    const text = this.#mapText
    const end = text.indexOf('\n')
    const count = end >= 0 ? Number(text.slice(0, end)) : 0
    if (
      !Number.isSafeInteger(count) ||
      count < 0 ||
      count > MAX_SEGMENTS ||
      (end < 0 && text.length > 64)
    ) {
      throw new InvalidParameterError('invalid tar: broken sparse map')
    }
    // split only once enough can be there: at two bytes a number
    if (end < 0 || text.length < end + count * 4) {
      if (this.#remaining < BLOCK) throw new InvalidParameterError('invalid tar: broken sparse map')
      return
    }
    const lines = text.split('\n')
    if (lines.length < count * 2 + 2) {
      if (this.#remaining < BLOCK) throw new InvalidParameterError('invalid tar: broken sparse map')
      return
    }
    this.#mapText = ''
    for (let i = 0; i < count; i++) {
      this.#segments.push({ offset: decimal(lines[1 + 2 * i]), length: decimal(lines[2 + 2 * i]) })
    }
    this.#startSparse()
  }

  #startSparse(): void {
    const header = this.#current()
    let end = 0
    let stored = 0
    for (const { offset, length } of this.#segments) {
      if (offset < end) throw new InvalidParameterError('invalid tar: sparse segments overlap')
      end = offset + length
      stored += length
    }
    if (end > header.size || stored !== this.#remaining) {
      throw new InvalidParameterError('invalid tar: sparse segments do not fit the file')
    }
    this.#segments = this.#segments.filter((segment) => segment.length > 0)
    header.sparse = this.#segments
    this.#start()
  }

  #start(): void {
    this.#segment = 0
    this.#segmentAt = 0
    this.#offset = 0
    this.#state = 'data'
    this.#sink.entry(this.#current())
    if (this.#remaining === 0) this.#endData()
  }

  #emitData(chunk: Buffer): void {
    const header = this.#current()
    if (header.type !== 'file') return
    if (header.sparse === undefined) {
      this.#sink.data(chunk, this.#offset)
      this.#offset += chunk.length
      return
    }
    while (chunk.length > 0) {
      const segment = this.#segments[this.#segment]
      if (!segment) throw new InvalidParameterError('invalid tar: data beyond the sparse segments')
      const length = Math.min(chunk.length, segment.length - this.#segmentAt)
      this.#sink.data(chunk.subarray(0, length), segment.offset + this.#segmentAt)
      this.#segmentAt += length
      if (this.#segmentAt === segment.length) {
        this.#segment++
        this.#segmentAt = 0
      }
      chunk = chunk.subarray(length)
    }
  }

  #endData(): void {
    this.#sink.end()
    this.#header = undefined
    this.#state = this.#padding > 0 ? 'padding' : 'header'
  }

  #skip(size: number): void {
    this.#padding = size + padding(size)
    this.#state = this.#padding > 0 ? 'padding' : 'header'
  }

  #current(): TarHeader {
    if (!this.#header) throw new Error('no entry is being read')
    return this.#header
  }
}

function checkHeader(header: TarHeader): void {
  if (header.name === '') throw new InvalidParameterError('invalid tar: a member without a name')
  for (const name of [header.name, header.linkName, ...header.xattrs.keys()]) {
    if (name.includes('\0')) {
      throw new InvalidParameterError(
        `invalid tar: NUL in the name ${JSON.stringify(textOf(name))}`,
      )
    }
  }
  for (const id of [header.uid, header.gid]) {
    // 2^32-1 means "no change" to chown(2)
    if (id < 0 || id >= 0xffffffff) {
      throw new InvalidParameterError(
        `invalid tar: ${textOf(header.name)}: owner ${id} is out of range`,
      )
    }
  }
}
