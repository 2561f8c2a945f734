import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { DIRECTORY, mkdirat, openBeneath, symlinkat } from '../../../engine/native/fs.ts'
import { removeTree } from '../../../engine/native/trees.ts'
import { getxattrAt } from '../../../engine/native/xattr.ts'
import { DEFAULT_LIMITS } from '../../../engine/store/limits.ts'
import type { Unpacked } from '../../../engine/store/unpack.ts'
import { Unpacker } from '../../../engine/store/unpacker.ts'
import { tarHeader } from '../../../engine/tar/header.ts'
import { encodeHeader, TAR_END, tarPadding } from '../../../engine/tar/write.ts'
import { dir, file, link, symlink, tar } from '../tar/members.ts'
import type { Member } from '../tar/members.ts'

describe('unpacking a layer', () => {
  const unpacker = new Unpacker()
  let scratch: string
  let root: string
  before(() => {
    scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'g-unp'))
  })
  beforeEach(() => {
    // something to be hit beside the layer
    root = path.join(scratch, 'fs')
    fs.mkdirSync(root)
    fs.writeFileSync(path.join(scratch, 'victim'), 'untouched')
  })
  afterEach(async () => {
    assert.deepEqual(fs.readdirSync(scratch).sort(), ['fs', 'layer.tar', 'victim'])
    assert.equal(fs.readFileSync(path.join(scratch, 'victim'), 'utf8'), 'untouched')
    await removeTree(root)
  })
  after(async () => {
    await unpacker.close()
    await removeTree(scratch)
  })

  async function unpack(archive: Buffer, limits = DEFAULT_LIMITS): Promise<Unpacked> {
    const blob = path.join(scratch, 'layer.tar')
    fs.writeFileSync(blob, archive)
    return await unpacker.unpack({ blob, directory: root, limits }, () => undefined)
  }
  const at = (name: string): string => path.join(root, name)
  const xattr = (name: string, key: string): string | undefined => {
    const fd = fs.openSync(path.dirname(at(name)), 'r')
    try {
      return getxattrAt(fd, path.basename(name), key)?.toString('latin1')
    } finally {
      fs.closeSync(fd)
    }
  }
  const isWhiteout = (name: string): boolean => {
    const stat = fs.lstatSync(at(name))
    return stat.isCharacterDevice() && stat.rdev === 0
  }

  it('restores owners, modes, times, links, devices and attributes', async () => {
    const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex')
    const result = await unpack(
      tar(
        dir('./', { mode: 0o711, mtimeSeconds: 7 }),
        dir('d', { mode: 0o1777, uid: 5, gid: 6, mtimeSeconds: 1000, mtimeNanos: 5000 }),
        file('d/suid', 'program', { mode: 0o6755, uid: 1000, gid: 1001, mtimeSeconds: 2000 }),
        file('d/cap', 'program', {
          mode: 0o755,
          xattrs: new Map([
            ['security.capability', capability],
            ['trusted.overlay.redirect', Buffer.from('/')],
          ]),
        }),
        file('d/big', 'b'.repeat(300_000), { mtimeSeconds: 4000, uid: 12 }),
        link('d/same', 'd/suid'),
        { type: 'symlink', name: 'd/soft', linkName: '/etc/passwd', uid: 9, mtimeSeconds: 3000 },
        { type: 'char', name: 'd/null', deviceMajor: 1, deviceMinor: 3, mode: 0o666 },
        { type: 'fifo', name: 'd/pipe', mode: 0o600 },
        file('d/\xff\xfe', 'bytes'),
      ),
    )
    const suid = fs.statSync(at('d/suid'))
    assert.deepEqual(
      [suid.mode & 0o7777, suid.uid, suid.gid, suid.mtimeMs, suid.nlink],
      [0o6755, 1000, 1001, 2_000_000, 2],
    )
    assert.equal(fs.statSync(at('d/same')).ino, suid.ino)
    assert.equal(xattr('d/cap', 'security.capability'), capability.toString('latin1'))
    assert.equal(xattr('d/cap', 'trusted.overlay.redirect'), undefined)
    const directory = fs.statSync(at('d'))
    assert.deepEqual(
      [directory.mode & 0o7777, directory.uid, directory.gid, Math.floor(directory.mtimeMs)],
      [0o1777, 5, 6, 1_000_000],
    )
    assert.deepEqual([fs.statSync(root).mode & 0o7777, fs.statSync(root).mtimeMs], [0o711, 7000])
    const soft = fs.lstatSync(at('d/soft'))
    assert.deepEqual(
      [fs.readlinkSync(at('d/soft')), soft.uid, soft.mtimeMs],
      ['/etc/passwd', 9, 3_000_000],
    )
    const device = fs.lstatSync(at('d/null'))
    assert.deepEqual(
      [device.isCharacterDevice(), device.rdev, device.mode & 0o7777],
      [true, 0x103, 0o666],
    )
    assert.ok(fs.lstatSync(at('d/pipe')).isFIFO())
    assert.deepEqual(
      [
        fs.statSync(at('d/big')).size,
        fs.statSync(at('d/big')).mtimeMs,
        fs.statSync(at('d/big')).uid,
      ],
      [300_000, 4_000_000, 12],
    )
    assert.equal(
      fs.readFileSync(
        Buffer.concat([Buffer.from(`${root}/d/`), Buffer.from([0xff, 0xfe])]),
        'utf8',
      ),
      'bytes',
    )
    assert.equal(result.sizeBytes, 7 + 7 + 300_000 + 5)
  })

  it('makes whiteouts and opaque directories as overlayfs has them, in any order', async () => {
    await unpack(
      tar(
        file('a/.wh.gone', ''),
        dir('b'),
        file('b/.wh..wh..opq', ''),
        file('.wh.c', ''),
        dir('c'),
        dir('d'),
        file('.wh.d', ''),
        file('.wh.e', ''),
        file('e', 'new'),
        file('.wh.f', ''),
        file('f/in', 'side'),
        file('.wh..wh.plnk/1', ''),
        file('.wh..wh.aufs', ''),
      ),
    )
    assert.ok(isWhiteout('a/gone'))
    for (const name of ['b', 'c', 'd', 'f'])
      assert.equal(xattr(name, 'trusted.overlay.opaque'), 'y', name)
    assert.equal(xattr('a', 'trusted.overlay.opaque'), undefined)
    assert.equal(fs.readFileSync(at('e'), 'utf8'), 'new')
    assert.equal(fs.readFileSync(at('f/in'), 'utf8'), 'side')
    assert.ok(!fs.existsSync(at('.wh..wh.aufs')))
  })

  it('reports directories that were only implied', async () => {
    const { implicitDirectories } = await unpack(
      tar(file('a/b/c'), dir('a/b'), dir('x'), file('x/y')),
    )
    assert.deepEqual(implicitDirectories, ['', 'a'])
  })

  it('replaces what came before under the same name instead of writing through it', async () => {
    await unpack(
      tar(
        symlink('link', '/../victim'),
        file('link', 'file'),
        file('twice', 'one'),
        link('other', 'twice'),
        file('twice', 'two'),
        dir('tree'),
        file('tree/leaf'),
        file('tree', 'now a file'),
        file('file', 'x'),
        dir('file'),
        file('file/inside', 'y'),
        symlink('sd', 'file'),
        dir('sd'),
      ),
    )
    assert.equal(fs.readFileSync(at('link'), 'utf8'), 'file')
    assert.equal(fs.readFileSync(at('other'), 'utf8'), 'one')
    assert.equal(fs.readFileSync(at('twice'), 'utf8'), 'two')
    assert.equal(fs.readFileSync(at('tree'), 'utf8'), 'now a file')
    assert.equal(fs.readFileSync(at('file/inside'), 'utf8'), 'y')
    assert.ok(fs.lstatSync(at('sd')).isDirectory())
  })

  it('keeps every name inside: links on the way are followed within the layer only', async () => {
    await unpack(
      tar(
        dir('real'),
        symlink('up', '../../../..'),
        file('up/victim', 'caught'),
        symlink('abs', '/real'),
        file('abs/in-real', 'caught'),
        file('/absolute', 'caught'),
        file('a/../dots', 'caught'),
      ),
    )
    for (const name of ['victim', 'real/in-real', 'absolute', 'dots'])
      assert.equal(fs.readFileSync(at(name), 'utf8'), 'caught', name)
  })

  it('leaves the working directory of a link swap inside', async () => {
    await unpack(
      tar(
        dir('d'),
        file('d/one'),
        symlink('e', '/'),
        file('e/two'),
        symlink('d', '/..'),
        file('d/three'),
      ),
    )
    assert.deepEqual(fs.readdirSync(root).sort(), ['d', 'e', 'three', 'two'])
  })

  for (const [what, entries, message] of [
    ['a name that leads out', [file('../victim')], /outside of its root/],
    ['a name that leads out after it led in', [file('a/../../victim')], /outside of its root/],
    ['a hard link to outside by dots', [link('l', '../victim')], /outside of its root/],
    [
      'a hard link to what is only outside',
      [symlink('s', '..'), link('l', 's/../fs/../victim')],
      /no such file|ENOENT/,
    ],
    ['a hard link to a directory', [dir('d'), link('l', 'd')], /is a directory/],
    ['a hard link to nothing', [link('l', 'missing')], /no such file/],
    ['a member below a file', [file('f'), file('f/g')], /not a directory/],
    ['a member below a dangling link', [symlink('s', 'nowhere'), file('s/f')], /not a directory/],
    [
      'a member below a circle of links',
      [symlink('s', 't'), symlink('t', 's'), file('s/f')],
      /ELOOP/,
    ],
    ['a component that is too long', [file('n'.repeat(300))], /ENAMETOOLONG/],
    ['a path that is too long', [file('d/'.repeat(2500) + 'f')], /ENAMETOOLONG/],
    ['a whiteout of nothing', [file('.wh.')], /invalid whiteout/],
    ['a whiteout of the parent', [file('.wh...')], /invalid whiteout/],
    ['a root that is a link', [symlink('.', '/etc')], /invalid name/],
    ['an owner out of range', [file('f', 'x', { uid: 0xffffffff })], /out of range/],
  ] as [string, Member[], RegExp][]) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(unpack(tar(...entries)), { code: 'INVALID_PARAMETER', message })
    })
  }

  it('refuses a huge member before writing it', async () => {
    const header = encodeHeader(tarHeader({ type: 'file', name: 'huge', size: 2 ** 50 }))
    await assert.rejects(unpack(header), /unpacks to more than/)
  })

  it('refuses bombs by ratio, by size and by number', async () => {
    const zeros = gzipSync(tar(file('zeros', '\0'.repeat(8 << 20))))
    await assert.rejects(
      unpack(zeros, { ...DEFAULT_LIMITS, ratioFromBytes: 1 << 20 }),
      /decompression bomb/,
    )
    await assert.rejects(
      unpack(zeros, { ...DEFAULT_LIMITS, maxBytes: 1 << 20 }),
      /unpacks to more than/,
    )
    await assert.rejects(
      unpack(tar(dir('1'), dir('2'), dir('3')), { ...DEFAULT_LIMITS, maxEntries: 2 }),
      /more than 2 members/,
    )
  })

  it('refuses broken and truncated compression', async () => {
    const whole = gzipSync(tar(file('f', 'content')))
    await assert.rejects(unpack(whole.subarray(0, whole.length - 20)), /broken gzip data/)
    const flipped = Buffer.from(whole)
    flipped[30] = (flipped[30] ?? 0) ^ 0xff
    await assert.rejects(unpack(flipped), { code: 'INVALID_PARAMETER' })
    await assert.rejects(unpack(Buffer.from('BZh91AY&SY')), /bzip2/)
    const zstd = execFileSync('zstd', ['-q', '-c'], {
      input: tar(file('f', 'content'.repeat(1000))),
    })
    await assert.rejects(unpack(zstd.subarray(0, zstd.length - 4)), { code: 'INVALID_PARAMETER' })
  })

  it('reads zstd, of one frame or many, and gzip of many members', async () => {
    const archive = tar(file('f', 'content'.repeat(50_000)), file('g', 'end'))
    const halves = [archive.subarray(0, 100_000), archive.subarray(100_000)]
    const zstd = (input: Buffer): Buffer => execFileSync('zstd', ['-q', '-c', '-19'], { input })
    const plain = await unpack(archive)
    for (const compressed of [
      zstd(archive),
      Buffer.concat(halves.map(zstd)),
      Buffer.concat(halves.map((half) => gzipSync(half))),
    ]) {
      await removeTree(root)
      fs.mkdirSync(root)
      assert.equal((await unpack(compressed)).diffId, plain.diffId)
      assert.equal(fs.readFileSync(at('g'), 'utf8'), 'end')
    }
  })

  it('keeps holes of sparse files', async () => {
    const source = path.join(scratch, 'victim')
    fs.truncateSync(source, 64 << 20)
    const archive = execFileSync('tar', ['-C', scratch, '--format=pax', '--sparse', '-c', 'victim'])
    fs.truncateSync(source, 'untouched'.length)
    await unpack(archive)
    const stat = fs.statSync(at('victim'))
    assert.equal(stat.size, 64 << 20)
    assert.ok(stat.blocks < 100)
  })

  it('takes no room for a sparse file of terabytes', async () => {
    const source = path.join(scratch, 'terabytes')
    fs.writeFileSync(source, 'start')
    fs.truncateSync(source, 2 * 2 ** 40)
    const archive = execFileSync('tar', ['-C', scratch, '--format=pax', '-Sc', 'terabytes'])
    fs.rmSync(source)
    await unpack(archive)
    const stat = fs.statSync(at('terabytes'))
    assert.equal(stat.size, 2 * 2 ** 40)
    assert.ok(stat.blocks < 100, `${stat.blocks} blocks`)
  })

  it('unpacks 100,000 tiny files', async () => {
    const parts: Buffer[] = []
    const padded = Buffer.concat([Buffer.from('tiny'), tarPadding(4)])
    for (let i = 0; i < 100_000; i++) {
      parts.push(
        encodeHeader(tarHeader({ type: 'file', name: `d${i % 100}/f${i}`, size: 4 })),
        padded,
      )
    }
    const result = await unpack(Buffer.concat([...parts, TAR_END]))
    assert.equal(result.entries, 100_000)
    assert.equal(fs.readdirSync(at('d7')).length, 1000)
  })

  it('stops when it is cancelled', async () => {
    const blob = path.join(scratch, 'layer.tar')
    fs.writeFileSync(
      blob,
      tar(...Array.from({ length: 3000 }, (_, i) => file(`f${i}`, 'y'.repeat(2000)))),
    )
    const stop = new AbortController()
    const work = unpacker.unpack(
      { blob, directory: root, limits: DEFAULT_LIMITS },
      () => stop.abort(new Error('enough')),
      stop.signal,
    )
    await assert.rejects(work, /enough/)
  })
})

describe('removeTree()', () => {
  it('removes what is nested deeper than descriptors and stacks allow, and follows no link', async () => {
    const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'g-rm'))
    fs.writeFileSync(path.join(scratch, 'victim'), 'untouched')
    const top = path.join(scratch, 'top')
    fs.mkdirSync(top)
    let fd = fs.openSync(top, 'r')
    for (let depth = 0; depth < 500; depth++) {
      symlinkat('/../../victim', fd, 'l')
      mkdirat(fd, 'd')
      const below = openBeneath(fd, 'd', DIRECTORY)
      fs.closeSync(fd)
      fd = below
    }
    fs.closeSync(fd)
    await removeTree(top)
    await removeTree(top)
    assert.deepEqual(fs.readdirSync(scratch), ['victim'])
    fs.rmSync(scratch, { recursive: true })
  })
})
