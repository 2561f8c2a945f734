import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { BLOCK, tarHeader, textOf } from '../../../engine/tar/header.ts'
import type { TarHeader } from '../../../engine/tar/header.ts'
import { TarParser } from '../../../engine/tar/read.ts'
import { encodeHeader, TAR_END, tarPadding } from '../../../engine/tar/write.ts'

interface Member {
  header: TarHeader
  content: Buffer
}

/** Reads an archive in chunks of the given size; contents with holes filled. */
function read(archive: Buffer, chunkSize = archive.length): Member[] {
  const members: Member[] = []
  const parser = new TarParser({
    entry: (header) => members.push({ header, content: Buffer.alloc(header.size) }),
    data: (chunk, offset) => chunk.copy(members.at(-1)?.content ?? Buffer.alloc(0), offset),
    end: () => undefined,
  })
  for (let at = 0; at < archive.length; at += chunkSize)
    parser.push(archive.subarray(at, at + chunkSize))
  parser.end()
  return members
}

function write(members: { header: TarHeader; content?: Buffer }[]): Buffer {
  return Buffer.concat([
    ...members.flatMap(({ header, content = Buffer.alloc(0) }) => [
      encodeHeader(header),
      content,
      tarPadding(content.length),
    ]),
    TAR_END,
  ])
}

describe('TarParser', () => {
  let root: string
  before(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-tar'))
    const long = path.join(root, 'in', 'd'.repeat(90), 'e'.repeat(90))
    fs.mkdirSync(long, { recursive: true })
    fs.writeFileSync(path.join(long, 'f'.repeat(120)), 'deep')
    fs.writeFileSync(path.join(root, 'in', 'ümläut'), 'utf8')
    fs.writeFileSync(path.join(root, 'in', 'exact'), Buffer.alloc(BLOCK, 'x'))
    fs.linkSync(path.join(root, 'in', 'exact'), path.join(root, 'in', 'hard'))
    fs.symlinkSync('g'.repeat(150), path.join(root, 'in', 'soft'))
    const sparse = fs.openSync(path.join(root, 'in', 'sparse'), 'w')
    for (let i = 0; i < 30; i++)
      fs.writeSync(sparse, Buffer.alloc(4096, String.fromCharCode(65 + i)), 0, 4096, i * 65536)
    fs.ftruncateSync(sparse, 4 << 20)
    fs.closeSync(sparse)
  })
  after(() => fs.rmSync(root, { recursive: true, force: true }))

  const archive = (...options: string[]): Buffer =>
    execFileSync('tar', ['-C', path.join(root, 'in'), ...options, '-c', '.'], {
      maxBuffer: 64 << 20,
    })

  for (const [name, ...options] of [
    ['GNU', '--format=gnu'],
    ['pax', '--format=pax'],
    ['GNU sparse', '--format=gnu', '--sparse'],
    ['pax sparse 0.0', '--format=pax', '--sparse', '--sparse-version=0.0'],
    ['pax sparse 0.1', '--format=pax', '--sparse', '--sparse-version=0.1'],
    ['pax sparse 1.0', '--format=pax', '--sparse', '--sparse-version=1.0'],
  ]) {
    it(`reads what GNU tar writes as ${name}, in chunks of any size`, () => {
      const bytes = archive(...options)
      for (const chunkSize of [bytes.length, 4096, 1009]) {
        const members = new Map(
          read(bytes, chunkSize).map((member) => [textOf(member.header.name), member]),
        )
        const deep = `./${'d'.repeat(90)}/${'e'.repeat(90)}/${'f'.repeat(120)}`
        assert.equal(members.get(deep)?.content.toString(), 'deep')
        assert.equal(members.get('./ümläut')?.content.toString(), 'utf8')
        const files = ['./exact', './hard'].map((file) => members.get(file)?.header)
        assert.deepEqual(files.map((header) => header?.type).sort(), ['file', 'link'])
        assert.equal(members.get('./soft')?.header.linkName, 'g'.repeat(150))
        const sparse = members.get('./sparse')
        assert.ok(sparse?.content.equals(fs.readFileSync(path.join(root, 'in/sparse'))))
        assert.equal(sparse?.header.sparse !== undefined, options.includes('--sparse'))
      }
    })
  }

  it('reads v7 and ustar', () => {
    for (const format of ['v7', 'ustar']) {
      const bytes = execFileSync('tar', [
        '-C',
        path.join(root, 'in'),
        `--format=${format}`,
        '-c',
        'exact',
      ])
      const [member] = read(bytes)
      assert.equal(member?.header.name, 'exact')
      assert.equal(member.content.length, BLOCK)
    }
  })

  it('reads back what encodeHeader writes: binary names and attributes, large and negative numbers', () => {
    const content = Buffer.from('hello')
    const header = tarHeader({
      type: 'file',
      name: `dir/${'n'.repeat(200)}\xff\xfe`,
      mode: 0o4755,
      uid: 3_000_000_000,
      gid: 70_000,
      size: content.length,
      mtimeSeconds: -5,
      mtimeNanos: 250_000_000,
      xattrs: new Map([['security.capability', Buffer.from([1, 0, 0, 2, 10, 61, 0, 255])]]),
    })
    const device = tarHeader({
      type: 'char',
      name: 'dev/null',
      deviceMajor: 1,
      deviceMinor: 3,
      mode: 0o666,
    })
    const [first, second] = read(write([{ header, content }, { header: device }]))
    assert.deepEqual(first?.header, header)
    assert.equal(first.content.toString(), 'hello')
    assert.deepEqual(second?.header, device)
  })

  it('lets GNU tar read what encodeHeader writes', () => {
    const name = `${'a/'.repeat(120)}file`
    const bytes = write([
      { header: tarHeader({ type: 'file', name, size: 2 }), content: Buffer.from('ok') },
    ])
    const listed = execFileSync('tar', ['-t'], { input: bytes, encoding: 'utf8' })
    assert.equal(listed.trim(), name)
  })

  it('reads base-256 sizes and owners', () => {
    const bytes = write([
      { header: tarHeader({ type: 'file', name: 'x', size: 3 }), content: Buffer.from('abc') },
    ])
    bytes.fill(0, 124, 136)
    bytes[124] = 0x80
    bytes[135] = 3
    bytes.fill(0, 108, 116)
    bytes[108] = 0x80
    bytes.writeUInt32BE(2_200_000, 112)
    fixChecksum(bytes)
    const [member] = read(bytes)
    assert.equal(member?.content.toString(), 'abc')
    assert.equal(member.header.uid, 2_200_000)
  })

  it('ignores what follows the end, and takes an archive without one', () => {
    const bytes = write([{ header: tarHeader({ type: 'dir', name: 'd/' }) }])
    assert.equal(read(Buffer.concat([bytes, Buffer.from('trailing')])).length, 1)
    assert.equal(read(bytes.subarray(0, BLOCK)).length, 1)
    assert.deepEqual(read(Buffer.alloc(0)), [])
  })

  const good = write([
    {
      header: tarHeader({ type: 'file', name: 'é', size: 600, mtimeNanos: 1 }),
      content: Buffer.alloc(600, 'y'),
    },
  ])
  const wholeContent = good.length - TAR_END.length - tarPadding(600).length
  for (const [what, spoil, message] of [
    ['a wrong checksum', (bytes) => bytes.write('f', 0), /checksum/],
    ['a broken pax record', (bytes) => (bytes[BLOCK] = 0x7a), /pax/],
    ['a pax record longer than its header', (bytes) => bytes.write('99', BLOCK), /pax/],
    [
      'letters in a number',
      (bytes) => bytes.write('zz', 2 * BLOCK + 124) && fixChecksum(bytes, 2 * BLOCK),
      /size is not a number/,
    ],
    [
      'an unknown type',
      (bytes) => bytes.write('Z', 2 * BLOCK + 156) && fixChecksum(bytes, 2 * BLOCK),
      /unhandled header type "Z"/,
    ],
    [
      'a size beyond all measure',
      (bytes) => {
        bytes.fill(0xff, 2 * BLOCK + 125, 2 * BLOCK + 136)
        bytes[2 * BLOCK + 124] = 0x80
        fixChecksum(bytes, 2 * BLOCK)
      },
      /out of range/,
    ],
    [
      'a negative size',
      (bytes) => {
        bytes.fill(0xff, 2 * BLOCK + 124, 2 * BLOCK + 136)
        fixChecksum(bytes, 2 * BLOCK)
      },
      /negative size/,
    ],
  ] as [string, (bytes: Buffer) => unknown, RegExp][]) {
    it(`refuses ${what}`, () => {
      const bytes = Buffer.from(good)
      spoil(bytes)
      assert.throws(() => read(bytes), { code: 'INVALID_PARAMETER', message })
    })
  }

  it('takes an archive that ends with the content of its last member, short of a whole block', () => {
    for (const length of [wholeContent, wholeContent + 1, good.length - TAR_END.length - 1]) {
      assert.deepEqual(read(good.subarray(0, length)), read(good), `cut at ${length}`)
    }
  })

  it('refuses an archive cut short at any other place but between members', () => {
    for (let length = 1; length < wholeContent; length += 37) {
      assert.throws(
        () => read(good.subarray(0, length)),
        /unexpected end of archive/,
        `cut at ${length}`,
      )
    }
  })

  it('ends every damaged archive with its contents or a clear error', () => {
    const bytes = archive('--format=pax', '--sparse')
    let random = 42
    const next = (limit: number): number => {
      random = (Math.imul(random, 1103515245) + 12345) >>> 0
      return random % limit
    }
    for (let round = 0; round < 400; round++) {
      const damaged = Buffer.from(bytes)
      for (let i = 0; i < 1 + next(8); i++)
        damaged[next(Math.min(damaged.length, 16 * BLOCK))] = next(256)
      try {
        read(damaged, 4096)
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'INVALID_PARAMETER', String(error))
      }
    }
  })
})

function fixChecksum(bytes: Buffer, at = 0): void {
  bytes.fill(0x20, at + 148, at + 156)
  let sum = 0
  for (let i = at; i < at + BLOCK; i++) sum += bytes[i] ?? 0
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1')
}
