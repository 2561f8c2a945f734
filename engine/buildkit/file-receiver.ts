import { EntryChecks } from './entry-checks.ts'
import { fileTypeOf, PACKET_TYPES } from './file-packets.ts'
import { GrpcError } from './grpc-error.ts'
import type { GrpcStream } from './grpc-client.ts'
import { PACKET } from './messages.ts'
import type { Packet, Stat } from './messages.ts'

const { DATA, ERR, FIN, REQ, STAT } = PACKET_TYPES

/** Asked for ahead of the file that is being read: so many bytes, and so many files. */
const AHEAD_BYTES = 4 * 2 ** 20
const AHEAD_FILES = 64
/** What names of files may take in memory. */
const MOST_NAME_BYTES = 512 * 2 ** 20
const COST_OF_ENTRY = 256

export interface ReceivedEntry {
  stat: Stat
  /** A directory that its reader has already. */
  isHere: boolean
  /** Of a regular file that is not here; to be read before the next entry is asked for. */
  content: AsyncIterable<Uint8Array> | undefined
}

export interface ReceiveOptions {
  /** Told of bytes that came. */
  told: (bytes: number) => void
  /** Asked of each entry in order; of those that are here only directories are yielded. */
  isHere?: ((stat: Stat) => boolean) | undefined
}

interface Entry {
  id: number
  stat: Stat
  isHere: boolean
  hasContent: boolean
  isAsked: boolean
  isComplete: boolean
  chunks: Uint8Array[]
  received: number
}

/**
 * Receives a tree of files by fsutil's protocol:
 *
 *     ← STAT of each file in order, an empty one at the end
 *     → REQ of a file by its number in that order        ← DATA of it, an empty one at the end
 *     → FIN                                              ← FIN
 *
 * Yields entries in order, a few small files ahead of the one that is read.
 *
 * @throws when the sender fails, names files that no directory has so, or sends what was not asked for
 */
export async function* receiveFiles(
  stream: GrpcStream,
  options: ReceiveOptions,
): AsyncGenerator<ReceivedEntry> {
  const receiver = new Receiver(stream, options)
  try {
    yield* receiver.entries()
    await receiver.finish()
  } finally {
    stream.cancel()
  }
}

class Receiver {
  readonly #stream: GrpcStream
  readonly #packets: AsyncGenerator<Buffer>
  readonly #options: ReceiveOptions
  readonly #checks = new EntryChecks()
  /** Not yet yielded, in order. */
  #entries: Entry[] = []
  #head = 0
  /** The first that was not looked at for asking. */
  #next = 0
  readonly #asked = new Map<number, Entry>()
  #askedBytes = 0
  #count = 0
  #nameBytes = 0
  #isListed = false

  constructor(stream: GrpcStream, options: ReceiveOptions) {
    this.#stream = stream
    this.#packets = stream.messages()
    this.#options = options
  }

  async *entries(): AsyncGenerator<ReceivedEntry> {
    for (;;) {
      this.#askAhead()
      const entry = this.#entries[this.#head]
      if (!entry) {
        if (this.#isListed) return
        await this.#take()
        continue
      }
      const content = entry.hasContent ? this.#content(entry) : undefined
      yield { stat: entry.stat, isHere: entry.isHere, content }
      // what its reader left
      if (content) for await (const _chunk of content);
      this.#head++
      if (this.#head >= 1024) {
        this.#entries = this.#entries.slice(this.#head)
        this.#next -= this.#head
        this.#head = 0
      }
    }
  }

  async finish(): Promise<void> {
    await this.#stream.send(PACKET.encode({ type: FIN }))
    const packet = await this.#packet()
    if (packet !== undefined && packet.type !== FIN)
      throw new GrpcError('UNKNOWN', `unexpected packet of type ${String(packet.type)}`)
    this.#stream.end()
  }

  async *#content(entry: Entry): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = entry.chunks.shift()
      if (chunk) yield chunk
      else if (entry.isComplete) return
      else await this.#take()
    }
  }

  #askAhead(): void {
    for (;;) {
      const entry = this.#entries[this.#next]
      if (!entry) return
      if (entry.hasContent) {
        const isFirst = this.#next === this.#head
        const isFull =
          this.#asked.size >= AHEAD_FILES || this.#askedBytes + entry.stat.size > AHEAD_BYTES
        if (isFull && !isFirst) return
        entry.isAsked = true
        this.#asked.set(entry.id, entry)
        this.#askedBytes += entry.stat.size
        // small, and few are under way: nothing to wait for
        void this.#stream.send(PACKET.encode({ type: REQ, ID: entry.id }))
      }
      this.#next++
    }
  }

  async #take(): Promise<void> {
    const packet = await this.#packet()
    if (packet === undefined) throw new GrpcError('UNKNOWN', 'the transfer of files was cut short')
    if (packet.type === STAT) this.#list(packet.stat)
    else if (packet.type === DATA) this.#data(packet)
    else throw new GrpcError('UNKNOWN', `unexpected packet of type ${String(packet.type)}`)
  }

  async #packet(): Promise<Packet | undefined> {
    const next = await this.#packets.next()
    if (next.done === true) return undefined
    this.#options.told(next.value.length)
    const packet = PACKET.decode(next.value)
    if (packet.type === ERR)
      throw new GrpcError('UNKNOWN', `error from sender: ${Buffer.from(packet.data).toString()}`)
    return packet
  }

  #list(stat: Stat | null): void {
    if (!stat) {
      if (this.#isListed) throw new GrpcError('UNKNOWN', 'the list of files ends twice')
      this.#isListed = true
      return
    }
    if (this.#isListed)
      throw new GrpcError('UNKNOWN', 'the client goes on naming files after their end')
    const xattrs = Object.entries(stat.xattrs)
    this.#nameBytes += xattrs.reduce(
      (sum, [name, value]) => sum + name.length + value.length,
      stat.path.length + stat.linkname.length + COST_OF_ENTRY,
    )
    if (this.#nameBytes > MOST_NAME_BYTES)
      throw new GrpcError('RESOURCE_EXHAUSTED', 'too many files are sent')
    this.#checks.check(stat)
    const isHere = this.#options.isHere?.(stat) === true
    const id = this.#count++
    if (isHere && fileTypeOf(stat.mode) !== 'dir') return
    // a hard link is a regular file that names another
    const hasContent = !isHere && isRegular(stat.mode) && stat.linkname.length === 0
    this.#entries.push({
      id,
      stat,
      isHere,
      hasContent,
      isAsked: false,
      isComplete: false,
      chunks: [],
      received: 0,
    })
  }

  #data({ data, ID }: Packet): void {
    const entry = this.#asked.get(ID)
    if (!entry) throw new GrpcError('UNKNOWN', `file ${String(ID)} was not asked for`)
    if (data.length === 0) {
      if (entry.received !== entry.stat.size) {
        const name = Buffer.from(entry.stat.path).toString()
        throw new GrpcError('UNKNOWN', `${name} changed while it was being sent, or was unreadable`)
      }
      entry.isComplete = true
      this.#asked.delete(ID)
      this.#askedBytes -= entry.stat.size
      return
    }
    // what is written to while it is sent, as the build's own log, is taken as it was when it was listed
    const wanted = data.subarray(0, entry.stat.size - entry.received)
    entry.received += wanted.length
    if (wanted.length > 0) entry.chunks.push(wanted)
  }
}

/** No type bit of Go's os.FileMode is set. */
function isRegular(mode: number): boolean {
  return fileTypeOf(mode) === 'file'
}
