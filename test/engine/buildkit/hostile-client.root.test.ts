import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { syncDirectory, syncFiles } from '../../../engine/buildkit/file-sync.ts'
import { PACKET_TYPES } from '../../../engine/buildkit/file-packets.ts'
import type { GrpcStream } from '../../../engine/buildkit/grpc-client.ts'
import { PACKET } from '../../../engine/buildkit/messages.ts'
import type { Packet, Stat } from '../../../engine/buildkit/messages.ts'
import type { Session } from '../../../engine/buildkit/session.ts'
import { errorMessage } from '../../../engine/errors.ts'
import { openTestEngine } from '../../helpers/local-engine.ts'
import type { TestEngine } from '../../helpers/local-engine.ts'

const { DATA, ERR, FIN, REQ, STAT } = PACKET_TYPES
const DIR = 2 ** 31
const SYMLINK = 2 ** 27

const stat = (name: string, more: Partial<Stat> = {}): Partial<Packet> => ({
  type: STAT,
  stat: {
    path: Buffer.from(name),
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: 0,
    modTime: 0,
    linkname: Buffer.alloc(0),
    devmajor: 0,
    devminor: 0,
    xattrs: {},
    ...more,
  },
})
const directory = (name: string): Partial<Packet> => stat(name, { mode: DIR + 0o755 })
const link = (name: string, to: string): Partial<Packet> =>
  stat(name, { mode: SYMLINK + 0o777, linkname: Buffer.from(to) })
const data = (ID: number, text = ''): Partial<Packet> => ({
  type: DATA,
  ID,
  data: Buffer.from(text),
})
const END: Partial<Packet> = { type: STAT }
const DONE: Partial<Packet> = { type: FIN }

/** A client that says what it was told to say, whatever it is asked. */
function clientThatSays(packets: Iterable<Partial<Packet> | Buffer>): {
  session: Session
  cancelled: () => boolean
} {
  let isCancelled = false
  const stream: Pick<GrpcStream, 'send' | 'end' | 'cancel' | 'messages'> = {
    send: () => Promise.resolve(),
    end: () => undefined,
    cancel: () => {
      isCancelled = true
    },
    messages: async function* () {
      for (const packet of packets) {
        await Promise.resolve()
        yield Buffer.isBuffer(packet) ? packet : PACKET.encode(packet)
      }
    },
  }
  const session = { supports: () => true, client: { stream: () => stream } }
  return { session: session as unknown as Session, cancelled: () => isCancelled }
}

describe('a client that sends files as none should', () => {
  let test: TestEngine
  before(async () => {
    test = await openTestEngine({ image: false })
  })
  after(() => test.close())

  /** What a build says of a context that consists of these. */
  async function build(packets: Iterable<Partial<Packet> | Buffer>): Promise<string> {
    const client = clientThatSays(packets)
    const { signal } = new AbortController()
    const tar = syncDirectory(client.session, { name: 'context', signal, told: () => undefined })
    const dockerfile = 'FROM scratch\nCOPY . /'
    try {
      for await (const _event of test.engine.builds.build({ context: { tar, dockerfile } })) {
        // only whether it fails is looked at
      }
      return ''
    } catch (error) {
      return errorMessage(error)
    } finally {
      assert.ok(client.cancelled(), 'the call is over')
      assert.deepEqual(fs.readdirSync(path.join(test.instance.dataRoot, 'builds')), [])
      assert.deepEqual(fs.readdirSync(path.join(test.instance.dataRoot, 'snapshots')), [])
    }
  }

  it('is understood when it does as all do', async () => {
    const good = [directory('d'), stat('d/f', { size: 3 }), link('l', '../x'), END]
    assert.equal(await build([...good, data(1, 'abc'), data(1), DONE]), '')
  })

  it('may send more of a file than it said, which grew meanwhile: it is taken as it was', async () => {
    const grown = [stat('f', { size: 3 }), stat('g', { size: 1 }), END]
    const sent = [data(0, 'ab'), data(0, 'cd'), data(0, 'ef'), data(0), data(1, 'x'), data(1)]
    assert.equal(await build([...grown, ...sent, DONE]), '')
    const { session } = clientThatSays([...grown, ...sent, DONE])
    const { signal } = new AbortController()
    const options = { name: 'c', only: ['f', 'g'], signal, limit: 10 }
    const files = await syncFiles(session, options)
    assert.deepEqual([...files.values()].map(String), ['abc', 'x'])
  })

  const long = 'x'.repeat(256)
  const deep = Array(400).fill('directory-name').join('/')
  for (const [what, packets, words] of [
    ['an absolute name', [stat('/etc/passwd')], /leads out of the directory/],
    ['a name with dots', [stat('../f')], /leads out/],
    ['dots within', [directory('d'), stat('d/../../f')], /leads out/],
    ['no name', [stat('')], /leads out/],
    ['a NUL', [stat('a\0b')], /not clean/],
    ['empty components', [directory('d'), stat('d//f')], /not clean/],
    ['a name that is too long', [stat(long)], /too long/],
    ['a path that is too long', [stat(deep)], /too long/],
    ['a file twice', [stat('f'), stat('f')], /was there before/],
    ['a directory twice', [directory('d'), stat('d/f'), directory('d')], /was there before/],
    ['names out of order', [stat('b'), stat('a')], /out of order/],
    ['a file in no directory', [stat('d/f')], /in no directory/],
    ['a file in a file', [stat('f'), stat('f/g')], /in no directory/],
    ['a file behind a link', [link('l', '/etc'), stat('l/passwd')], /in no directory/],
    [
      'a file in a directory that is over',
      [directory('a'), stat('b'), stat('a/f')],
      /out of order/,
    ],
    ['a negative size', [stat('f', { size: -1 })], /a size of -1/],
    ['a size beyond numbers', [stat('f', { size: 2 ** 60 })], /a size of/],
    ['a hard link out', [stat('f', { linkname: Buffer.from('../../etc/passwd') })], /leads out/],
    ['a hard link to the host', [stat('f', { linkname: Buffer.from('/etc/passwd') })], /leads out/],
    ['a hard link to nothing', [stat('f', { linkname: Buffer.from('g') }), END, DONE], /./],
    ['a link to nothing', [stat('l', { mode: SYMLINK })], /a link to nothing/],
    ['a link that is too long', [link('l', 'x'.repeat(5000))], /link that no file system/],
    ['a device beyond devices', [stat('c', { mode: 2 ** 26, devmajor: -1 })], /a device/],
    ['too many attributes', [stat('f', { xattrs: many(300) })], /more attributes/],
    ['data that nobody asked for', [data(7, 'x')], /was not asked for/],
    ['data of a directory', [directory('d'), data(0, 'x')], /was not asked for/],
    [
      'less data than it said',
      [stat('f', { size: 2 }), END, data(0, 'x'), data(0)],
      /changed while/,
    ],
    [
      'a file again',
      [stat('f', { size: 1 }), stat('g', { size: 1 }), END, data(0, 'x'), data(0), data(0, 'x')],
      /was not asked for/,
    ],
    ['names after the end', [stat('f', { size: 1 }), END, stat('g')], /after their end/],
    ['two ends', [stat('f', { size: 1 }), END, END], /ends twice/],
    ['an end before the files', [stat('f', { size: 1 }), DONE], /unexpected packet of type 3/],
    ['requests of its own', [{ type: REQ, ID: 1 }], /unexpected packet of type 1/],
    ['packets of no known kind', [{ type: 99 }], /unexpected packet of type 99/],
    ['more after all', [END, data(0, 'x')], /unexpected packet of type 2/],
    ['an error of its own', [{ type: ERR, data: Buffer.from('no such luck') }], /no such luck/],
    ['nothing at all', [], /cut short/],
    ['half of it', [stat('f', { size: 9 }), END, data(0, 'x')], /cut short/],
    ['no packets', [Buffer.from([0xff, 0xff, 0xff])], /malformed Packet/],
  ] as [string, (Partial<Packet> | Buffer)[], RegExp][]) {
    it(`is told what is wrong with ${what}, and leaves nothing`, async () => {
      assert.match(await build(packets), words)
    })
  }

  it('is stopped when it names files without end', async () => {
    const endless = function* (): Generator<Partial<Packet>> {
      const linkname = Buffer.alloc(4000, 'x')
      for (let index = 0; ; index++)
        yield stat(String(index).padStart(12, '0'), { mode: SYMLINK, linkname })
    }
    const { session } = clientThatSays(endless())
    const { signal } = new AbortController()
    const reading = syncFiles(session, { name: 'c', signal, told: () => undefined, limit: 10 })
    await assert.rejects(reading, /too many files are sent/)
  })

  it('cannot make a small file a large one', async () => {
    const { session } = clientThatSays([stat('Dockerfile', { size: 11 }), END, data(0, 'x'), DONE])
    const { signal } = new AbortController()
    const reading = syncFiles(session, {
      ...{ name: 'dockerfile', only: ['Dockerfile'], signal },
      ...{ told: () => undefined, limit: 10 },
    })
    await assert.rejects(reading, /has 11 bytes: too many/)
  })
})

function many(count: number): Record<string, Uint8Array> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`user.${String(index)}`, Buffer.from('x')]),
  )
}
