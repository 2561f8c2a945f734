import assert from 'node:assert/strict'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { getxattrAt } from '../../../engine/native/xattr.ts'
import { newRing, RingWriter } from '../../../engine/store/byte-ring.ts'
import type { ByteRing } from '../../../engine/store/byte-ring.ts'
import { doTreeJob } from '../../../engine/store/tree-jobs.ts'
import type { TreeJob } from '../../../engine/store/tree-jobs.ts'
import { tarHeader } from '../../../engine/tar/header.ts'
import type { TarHeader } from '../../../engine/tar/header.ts'
import { encodeHeader, TAR_END, tarPadding } from '../../../engine/tar/write.ts'
import { swapping } from './swapper.ts'

/** All of an archive that is small enough, there before it is read: this thread does both. */
async function ringOf(bytes: Buffer): Promise<ByteRing> {
  const ring = newRing()
  const source = Readable.from([bytes])
  new RingWriter(ring, source)
  await once(source, 'end')
  return ring
}

type Member = Partial<TarHeader> & Pick<TarHeader, 'type' | 'name'> & { content?: string }
type Options = Extract<TreeJob, { kind: 'write' }>['options']

describe('an archive that is unpacked into a container', () => {
  let dir: string
  const at = (file: string): string => path.join(dir, file)

  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
    fs.mkdirSync(at('root/target'), { recursive: true })
    fs.mkdirSync(at('outside'))
    fs.writeFileSync(at('outside/secret'), 'secret')
  })
  afterEach(() => {
    fs.rmSync(dir, { recursive: true, force: true })
  })

  /** Unpacks members into /target of root. */
  async function unpack(members: Member[], options: Partial<Options> = {}): Promise<void> {
    const root = fs.openSync(at('root'), fs.constants.O_RDONLY)
    try {
      const all = { noOverwriteDirNonDir: false, ...options }
      const from = await ringOf(archive(members))
      const job: TreeJob = { kind: 'write', root, path: '/target', from, options: all }
      await doTreeJob(job, noReport, notCancelled)
    } finally {
      fs.closeSync(root)
    }
  }

  const isUntouched = (): void => {
    assert.deepEqual(fs.readdirSync(at('outside')), ['secret'])
    assert.equal(fs.readFileSync(at('outside/secret'), 'utf8'), 'secret')
    assert.equal(fs.statSync(at('outside/secret')).nlink, 1)
  }

  test('names that lead out are refused, absolute ones are taken from the target', async () => {
    await assert.rejects(unpack([file('../up')]), /"..\/up" is outside of "\/target"/)
    await assert.rejects(unpack([file('a/../../up')]), /is outside of/)
    await unpack([file('/abs/f')])
    assert.equal(fs.readFileSync(at('root/target/abs/f'), 'utf8'), '/abs/f')
    assert.deepEqual(fs.readdirSync(at('root')), ['target'])
  })

  test('of a target that is all there is, names that lead out are taken from it', async () => {
    const link = { type: 'link', name: 'again', linkName: '../../foo' } as const
    await unpack([file('../foo'), file('a/../../b/bar'), link], { isRoot: true })
    assert.equal(fs.readFileSync(at('root/target/foo'), 'utf8'), '../foo')
    assert.equal(fs.readFileSync(at('root/target/b/bar'), 'utf8'), 'a/../../b/bar')
    assert.equal(fs.statSync(at('root/target/again')).nlink, 2)
    assert.deepEqual(fs.readdirSync(at('root')), ['target'])
    isUntouched()
  })

  test('links of the archive end inside the container, however far up they lead', async () => {
    for (const linkName of ['/outside', '../../outside', '/../../../outside', at('outside')]) {
      fs.rmSync(at('root/target/l'), { force: true })
      await unpack([{ type: 'symlink', name: 'l', linkName }, file('l/pwned')])
      assert.equal(fs.readlinkSync(at('root/target/l')), linkName)
      isUntouched()
    }
    assert.ok(fs.existsSync(at('root/outside/pwned')))
  })

  test('hard links reach nothing outside', async () => {
    const link = (linkName: string): Member => ({ type: 'link', name: 'h', linkName })
    fs.symlinkSync('../../outside', at('root/target/l'))
    await assert.rejects(unpack([link('l/secret')]), /hard link "h" to "l\/secret": no such file/)
    await assert.rejects(unpack([link('../../outside/secret')]), /is outside of/)
    isUntouched()
    await unpack([file('x'), link('x')])
    assert.equal(fs.statSync(at('root/target/h')).ino, fs.statSync(at('root/target/x')).ino)
    // to itself: it must not be removed first
    await unpack([{ type: 'link', name: 'h', linkName: './h' }])
    assert.equal(fs.readFileSync(at('root/target/h'), 'utf8'), 'x')
  })

  test('what is there is replaced, not written through', async () => {
    fs.symlinkSync(at('outside/secret'), at('root/target/f'))
    fs.symlinkSync('../../outside', at('root/target/d'))
    await unpack([file('f'), { type: 'dir', name: 'd/', mode: 0o700 }, file('d/x')])
    assert.ok(fs.lstatSync(at('root/target/f')).isFile())
    assert.ok(fs.lstatSync(at('root/target/d')).isDirectory())
    isUntouched()
  })

  test('noOverwriteDirNonDir keeps directories and files what they are', async () => {
    fs.mkdirSync(at('root/target/d'))
    fs.writeFileSync(at('root/target/f'), '')
    const strict = { noOverwriteDirNonDir: true }
    await assert.rejects(
      unpack([file('d')], strict),
      /cannot overwrite directory "\/target\/d" with non-directory "\/target"/,
    )
    await assert.rejects(
      unpack([{ type: 'dir', name: 'f/' }], strict),
      /cannot overwrite non-directory "\/target\/f" with directory "\/target"/,
    )
    await unpack([file('d/deep'), file('f')], strict)
    await unpack([file('d'), { type: 'dir', name: 'f/' }])
    assert.ok(fs.statSync(at('root/target/d')).isFile())
    assert.ok(fs.statSync(at('root/target/f')).isDirectory())
  })

  test('owners go through the map of a user namespace, and only those it has', async () => {
    const ids = { uid: 100_000, gid: 100_000, size: 1000 }
    const owned: Member = { ...file('f'), uid: 7, gid: 8 }
    await unpack([owned, file('new/g')], { ids })
    const ownerOf = (name: string): number[] => {
      const { uid, gid } = fs.statSync(at(`root/target/${name}`))
      return [uid, gid]
    }
    assert.deepEqual(ownerOf('f'), [100_007, 100_008])
    assert.deepEqual(ownerOf('new'), [100_000, 100_000])
    await assert.rejects(unpack([{ ...owned, uid: 1000 }], { ids }), /ID 1000 cannot be mapped/)
    await unpack([owned], { ids, owner: { uid: 1, gid: 2 } })
    assert.deepEqual(ownerOf('f'), [100_001, 100_002])
  })

  test('files of all sizes come with their content, mode, owner, attributes and time', async () => {
    const sizes = [0, 1, 65_537, 256 * 1024, 256 * 1024 + 1]
    // the last content is shorter than what was gathered before it
    const contents = [...sizes, 3].map((size, i) => 'abcdef'.charAt(i).repeat(size))
    const common = { mode: 0o4750, uid: 7, gid: 8, mtimeSeconds: 1234, mtimeNanos: 567_000_000 }
    const xattrs = new Map([['user.mark', Buffer.from('m')]])
    await unpack([
      ...contents.map((content, i): Member => {
        return { type: 'file', name: `f${i}`, content, ...common }
      }),
      { type: 'file', name: 'marked', content: 'x', ...common, xattrs },
    ])
    for (const [name, content] of [...contents.map((it, i) => [`f${i}`, it]), ['marked', 'x']]) {
      const file = at(`root/target/${name}`)
      assert.ok(fs.readFileSync(file, 'utf8') === content, name)
      const { gid, mode, mtimeMs, uid } = fs.statSync(file)
      assert.deepEqual([mode & 0o7777, uid, gid, mtimeMs], [0o4750, 7, 8, 1_234_567], name)
    }
    const directory = fs.openSync(at('root/target'), fs.constants.O_RDONLY)
    try {
      assert.equal(getxattrAt(directory, 'marked', 'user.mark')?.toString(), 'm')
    } finally {
      fs.closeSync(directory)
    }
  })

  test('broken archives are refused as such', async () => {
    const root = fs.openSync(at('root'), fs.constants.O_RDONLY)
    const from = await ringOf(Buffer.alloc(1024, 'x'))
    const options = { noOverwriteDirNonDir: false }
    const job: TreeJob = { kind: 'write', root, path: '/target', from, options }
    await assert.rejects(doTreeJob(job, noReport, notCancelled), /invalid tar: checksum/)
    fs.closeSync(root)
  })

  test('a directory that is swapped for a link out at every moment leads nowhere out', async () => {
    fs.mkdirSync(at('root/target/swap'))
    fs.symlinkSync(at('outside'), at('root/target/other'))
    const stop = await swapping(at('root/target'), 'swap', 'other')
    try {
      for (let round = 0; round < 20; round++) {
        const members = Array.from({ length: 30 }, (_, i) => file(`swap/${round}-${i}/f`))
        // a moment may find it a link, whose target is missing inside, or the names changed under a member
        await unpack(members).catch(() => undefined)
        isUntouched()
      }
    } finally {
      await stop()
    }
    isUntouched()
  })
})

function file(name: string): Member {
  return { type: 'file', name, content: name }
}

function archive(members: Member[]): Buffer {
  const parts = members.flatMap(({ content = '', ...header }) => {
    const size = Buffer.byteLength(content)
    return [encodeHeader(tarHeader({ ...header, size })), Buffer.from(content), tarPadding(size)]
  })
  return Buffer.concat([...parts, TAR_END])
}

const noReport = (): void => undefined
const notCancelled = (): boolean => false
