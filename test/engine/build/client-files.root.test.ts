import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, it } from 'node:test'
import fc from 'fast-check'
import { asCaller } from '../../../engine/caller.ts'
import { ClientFiles } from '../../../engine/build/client-files.ts'
import type { ContextPaths } from '../../../engine/build/context-paths.ts'
import { KeptContexts } from '../../../engine/build/kept-contexts.ts'
import type { ClientDirectory } from '../../../engine/contract/builds.ts'
import { Trash } from '../../../engine/store/trash.ts'
import { Trees } from '../../../engine/store/trees.ts'
import { tarHeader } from '../../../engine/tar/header.ts'
import { encodeHeader, TAR_END, tarPadding } from '../../../engine/tar/write.ts'

/** As a file system has it, which knows less than a second. */
const LONG_AGO = Date.parse('2026-01-01T00:00:00.125Z') / 1000

/** Stands for a client of BuildKit's: a directory as such a one lists and sends it. */
class Client implements ClientDirectory {
  readonly key = 'context:app:node1'
  readonly root: string
  sent: string[] = []
  asked: ContextPaths[] = []

  constructor(root: string) {
    this.root = root
  }

  open({ isHere = () => false, only }: Parameters<ClientDirectory['open']>[0] = {}): Readable {
    this.sent = []
    this.asked.push(only ? [...only] : 'all')
    return Readable.from(this.#archive(only, isHere), { objectMode: false })
  }

  async *#archive(
    only: readonly string[] | undefined,
    isHere: NonNullable<NonNullable<Parameters<ClientDirectory['open']>[0]>['isHere']>,
  ): AsyncGenerator<Buffer> {
    const first = new Map<number, string>()
    for (const name of namesIn(this.root)) {
      const isAsked = (one: string): boolean =>
        name === one || name.startsWith(`${one}/`) || one.startsWith(`${name}/`)
      if (only && !only.some(isAsked)) continue
      const file = path.join(this.root, name)
      const stat = fs.lstatSync(file)
      const other = stat.isFile() ? first.get(stat.ino) : undefined
      if (stat.isFile() && other === undefined) first.set(stat.ino, name)
      const type = stat.isDirectory() ? 'dir' : stat.isSymbolicLink() ? 'symlink' : other === undefined ? 'file' : 'link' // prettier-ignore
      const linkName = type === 'symlink' ? fs.readlinkSync(file) : (other ?? '')
      const size = type === 'file' ? stat.size : 0
      const state = `${stat.mode} ${stat.isDirectory() ? 0 : stat.size} ${linkName}`
      if (isHere({ name, isDirectory: type === 'dir', size, state, modifiedAt: stat.mtimeMs }))
        continue
      const header = tarHeader({
        type,
        name: type === 'dir' ? `${name}/` : name,
        linkName,
        mode: stat.mode & 0o7777,
        size,
        mtimeSeconds: Math.floor(stat.mtimeMs / 1000),
      })
      yield encodeHeader(header)
      if (type !== 'file') continue
      this.sent.push(name)
      yield fs.readFileSync(file)
      yield tarPadding(size)
    }
    yield TAR_END
  }
}

function namesIn(root: string, below = ''): string[] {
  return fs.readdirSync(path.join(root, below)).sort().flatMap((each) => {
    const name = path.join(below, each)
    const isDirectory = fs.lstatSync(path.join(root, name)).isDirectory()
    return isDirectory ? [name, ...namesIn(root, name)] : [name]
  }) // prettier-ignore
}

/** All that a copy of the tree shows, but for times of directories. */
function picture(root: string): string[] {
  const first = new Map<number, string>()
  return namesIn(root).map((name) => {
    const file = path.join(root, name)
    const stat = fs.lstatSync(file)
    const mode = (stat.mode & 0o7777).toString(8)
    if (stat.isDirectory()) return `${name}/ ${mode}`
    if (stat.isSymbolicLink()) return `${name} -> ${fs.readlinkSync(file)}`
    const other = first.get(stat.ino) ?? ''
    first.set(stat.ino, name)
    return `${name} ${mode} ${Math.floor(stat.mtimeMs / 1000)} ${other} ${fs.readFileSync(file, 'latin1')}`
  })
}

describe('ClientFiles', () => {
  let dir: string
  let trees: Trees
  let trash: Trash
  let keptContexts: KeptContexts
  let client: Client
  let count = 0

  beforeEach(async () => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'g-client-'))
    trees = new Trees()
    trash = await Trash.open(path.join(dir, 'trash'))
    await reopen()
    fs.mkdirSync(path.join(dir, 'src'))
    client = new Client(path.join(dir, 'src'))
  })
  afterEach(async () => {
    await trees.close()
    await trash.close()
    fs.rmSync(dir, { recursive: true, force: true })
  })

  async function reopen(): Promise<void> {
    keptContexts = await KeptContexts.open(dir)
    keptContexts.useTrash(trash)
  }

  function write(files: Record<string, string>): void {
    for (const [name, content] of Object.entries(files)) {
      const file = path.join(client.root, name)
      fs.mkdirSync(path.dirname(file), { recursive: true })
      fs.writeFileSync(file, content)
      fs.utimesSync(file, LONG_AGO, LONG_AGO)
    }
  }

  /** One build: what it sees of the directory, and what that is called. */
  async function build(
    { paths = 'all', isFresh = false }: { paths?: ContextPaths; isFresh?: boolean } = {},
    ...more: ContextPaths[]
  ): Promise<{ seen: string[]; state: string | undefined }> {
    const home = path.join(dir, `build-${String(++count)}`)
    fs.mkdirSync(home)
    const files = new ClientFiles({ trees, keptContexts }, client, home, isFresh)
    let tree = await files.tree(paths)
    for (const one of more) tree = await files.tree(one)
    const seen = picture(files.root)
    await files.keep()
    return { seen, state: tree.state }
  }

  it('asks for nothing that it has from the build before, also after a restart', async () => {
    write({ 'a/one': '1', 'a/two': '2', three: '3' })
    const first = await build()
    assert.deepEqual(client.sent, ['a/one', 'a/two', 'three'])
    await reopen()
    const second = await build()
    assert.deepEqual(client.sent, [])
    assert.deepEqual(second, first)
    assert.deepEqual(second.seen, picture(client.root))
  })

  it('has what was changed, added, removed and replaced by something else', async () => {
    write({ 'a/one': '1', 'a/two': '2', 'b/x/y': 'y', file: 'f', dir2: 'd' })
    fs.symlinkSync('a', path.join(client.root, 'link'))
    fs.linkSync(path.join(client.root, 'file'), path.join(client.root, 'hard'))
    const before = await build()
    assert.deepEqual(before.seen, picture(client.root))
    write({ 'a/one': 'other' })
    fs.rmSync(path.join(client.root, 'a/two'))
    fs.rmSync(path.join(client.root, 'b'), { recursive: true })
    fs.symlinkSync('/etc', path.join(client.root, 'b'))
    fs.rmSync(path.join(client.root, 'link'))
    write({ 'link/in': 'l', 'dir3/new': 'n' })
    fs.rmSync(path.join(client.root, 'dir2'))
    fs.mkdirSync(path.join(client.root, 'dir2'))
    fs.rmSync(path.join(client.root, 'file'))
    const after = await build()
    assert.deepEqual(after.seen, picture(client.root))
    assert.deepEqual(client.sent, ['a/one', 'dir3/new', 'hard', 'link/in'])
    assert.notEqual(after.state, before.state)
    assert.ok(fs.existsSync('/etc/passwd'), 'a link was not followed')
  })

  it('shows the tree as it is, whatever happened to it', async () => {
    const name = fc.constantFrom('a', 'b', 'c', 'a/a', 'a/b', 'b/a', 'a/a/a', 'c/c')
    const act = fc.record({
      name,
      what: fc.constantFrom('write', 'remove', 'mkdir', 'symlink', 'hardlink', 'chmod'),
      other: name,
      content: fc.string({ maxLength: 3 }),
    })
    const attempt = (work: () => void): void => {
      try {
        work()
      } catch {
        // what is not possible has not happened
      }
    }
    let time = LONG_AGO
    const steps = fc.array(fc.array(act, { maxLength: 6 }), { minLength: 2, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(steps, async (rounds) => {
        fs.rmSync(client.root, { recursive: true })
        fs.mkdirSync(client.root)
        for (const acts of rounds) {
          for (const { content, name, other, what } of acts) {
            const [file, to] = [name, other].map((one) => path.join(client.root, one)) as [string, string] // prettier-ignore
            time++
            attempt(() => {
              if (what === 'write') {
                fs.writeFileSync(file, content)
                fs.utimesSync(file, time, time)
              } else if (what === 'remove') fs.rmSync(file, { recursive: true, force: true })
              else if (what === 'mkdir') fs.mkdirSync(file)
              else if (what === 'symlink') fs.symlinkSync(other, file)
              else if (what === 'hardlink') fs.linkSync(to, file)
              else if (!fs.lstatSync(file).isSymbolicLink()) fs.chmodSync(file, 0o700)
            })
          }
          assert.deepEqual((await build()).seen, picture(client.root))
        }
      }),
      { numRuns: 60 },
    )
  })

  it('asks again for what was written to just now: its time may not tell of the next writing', async () => {
    fs.writeFileSync(path.join(client.root, 'hot'), 'a')
    await build()
    await build()
    assert.deepEqual(client.sent, ['hot'])
  })

  it('asks again for what was given a time of whole seconds, as archives do', async () => {
    write({ 'from-an-archive': 'v1', other: 'o' })
    const time = Math.floor(LONG_AGO)
    fs.utimesSync(path.join(client.root, 'from-an-archive'), time, time)
    await build()
    fs.writeFileSync(path.join(client.root, 'from-an-archive'), 'v2')
    fs.utimesSync(path.join(client.root, 'from-an-archive'), time, time)
    const { seen } = await build()
    assert.deepEqual(client.sent, ['from-an-archive'])
    assert.match(seen[0] ?? '', / v2$/)
  })

  it('asks for what is needed, and later for what else is; what came stays as it was meanwhile', async () => {
    write({ 'a/one': '1', 'b/two': '2', 'c/three': '3' })
    const { seen } = await build({ paths: ['a'] }, ['a/one'], ['b'])
    assert.deepEqual(client.asked.splice(0), [['a'], ['b']])
    assert.deepEqual(
      seen.map((line) => line.split(' ', 1)[0]),
      ['a/', 'a/one', 'b/', 'b/two'],
    )
    // what is kept of one set of paths says nothing of another's
    await build({ paths: ['c'] })
    assert.deepEqual(client.sent, ['c/three'])
    client.asked = []
    await build({ paths: ['a'] }, ['b'])
    assert.deepEqual([client.asked, client.sent], [[['a', 'b']], []])
  })

  it('asks for all when nothing is to be taken from before, and keeps that', async () => {
    write({ one: '1' })
    await build()
    await build({ isFresh: true })
    assert.deepEqual(client.sent, ['one'])
    await build()
    assert.deepEqual(client.sent, [])
  })

  it('gives nobody what came from somebody else', async () => {
    write({ secret: 's' })
    const as = (uid: number): Promise<unknown> =>
      asCaller({ kind: 'socket', name: 'x', uid, gid: uid, pid: 1, command: 'docker' }, () => build()) // prettier-ignore
    await as(1000)
    await as(1001)
    assert.deepEqual(client.sent, ['secret'])
    await as(1000)
    assert.deepEqual(client.sent, [])
  })

  it('keeps nothing of what did not come whole, nor of another boot', async () => {
    write({ one: '1', two: '2' })
    const whole = client.open.bind(client)
    client.open = (options) => {
      const tar = whole(options)
      process.nextTick(() => tar.destroy(new Error('gone')))
      return tar
    }
    const home = path.join(dir, 'build-cut')
    fs.mkdirSync(home)
    const files = new ClientFiles({ trees, keptContexts }, client, home, false)
    await assert.rejects(files.tree('all'), /gone/)
    await assert.rejects(files.tree(['one']), /gone/)
    await files.keep()
    assert.deepEqual(keptContexts.records(), [])
    client.open = whole
    await build()
    const [{ ID = '' } = {}] = keptContexts.records()
    const file = path.join(dir, 'build-cache/contexts', ID, 'context.json')
    const document = JSON.parse(fs.readFileSync(file, 'utf8')) as { boot: string }
    fs.writeFileSync(file, JSON.stringify({ ...document, boot: 'before' }))
    await reopen()
    assert.deepEqual(keptContexts.records(), [])
    assert.deepEqual(fs.readdirSync(path.join(dir, 'build-cache/contexts')), [])
  })

  it('keeps a few, those used last', async () => {
    write({ one: '1' })
    for (let number = 0; number < 10; number++)
      await build({ paths: [`dir-${String(number)}`, 'one'] })
    assert.equal(keptContexts.records().length, 8)
    await build({ paths: ['dir-9', 'one'] })
    assert.deepEqual(client.sent, [])
    await build({ paths: ['dir-0', 'one'] })
    assert.deepEqual(client.sent, ['one'])
  })
})
