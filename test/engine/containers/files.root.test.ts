import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import type { ContainerCreateConfig } from '../../../engine/contract/containers.ts'
import type { ContainerFile } from '../../../engine/contract/files.ts'
import { openTestEngine, type TestEngine } from '../../helpers/local-engine.ts'
import { demultiplex } from '../../helpers/raw-stream.ts'

describe('files of a container, one at a time', () => {
  let host: TestEngine
  const outside = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
  before(async () => {
    host = await openTestEngine()
  })
  after(async () => {
    await host.close()
    fs.rmSync(outside, { recursive: true, force: true })
  })

  /** One that has made its files and runs on. */
  async function running(script: string, config: ContainerCreateConfig = {}): Promise<string> {
    const { containers } = host.engine
    const { Id } = await containers.create({
      Image: 'busybox',
      Cmd: ['sh', '-c', `${script}\ntouch /ready; exec sleep 1000`],
      ...config,
    })
    await containers.start(Id)
    const isReady = (): Promise<boolean> =>
      containers.statPath(Id, '/ready').then(
        () => true,
        () => false,
      )
    while (!(await isReady())) await new Promise((resolve) => setTimeout(resolve, 20))
    return Id
  }
  async function stop(id: string): Promise<void> {
    await host.engine.containers.stop(id, { timeout: 0 })
  }
  async function exec(id: string, script: string): Promise<string> {
    const { Id } = await host.engine.execs.create(id, {
      Cmd: ['sh', '-c', script],
      AttachStdout: true,
    })
    const { stream } = await host.engine.execs.start(Id)
    return (await demultiplex(stream as NonNullable<typeof stream>)).stdout
  }
  async function content(id: string, file: string): Promise<string> {
    return text((await host.engine.files.read(id, file)).content)
  }
  async function versionOf(id: string, file: string): Promise<string> {
    const { content, file: found } = await host.engine.files.read(id, file)
    content.destroy()
    return found.version
  }
  const named = (files: ContainerFile[], name: string): ContainerFile => {
    const found = files.find((file) => file.name === name)
    assert.ok(found, name)
    return found
  }

  test('a directory tells kind, size, mode, owner and target of each, while it runs and when it does not', async () => {
    const id = await running(`
      mkdir -p /d/z /d/a; printf 12345 > /d/file; chown 7:8 /d/file; chmod 4750 /d/file
      ln -s z /d/to-z; ln -s file /d/to-file; ln -s /none /d/to-none; ln -s loop /d/loop; mkfifo /d/pipe
      touch -d '2001-02-03 04:05:06' /d/a`)
    const check = async (): Promise<void> => {
      const listing = await host.engine.files.list(id, '/d')
      assert.deepEqual(
        listing.files.map(({ kind, name }) => [name, kind]),
        [
          ['a', 'directory'],
          ['z', 'directory'],
          ['file', 'file'],
          ['loop', 'link'],
          ['pipe', 'pipe'],
          ['to-file', 'link'],
          ['to-none', 'link'],
          ['to-z', 'link'],
        ],
      )
      assert.deepEqual([listing.total, listing.cut, listing.kernels], [8, false, false])
      const { gid, mode, sizeBytes, uid } = named(listing.files, 'file')
      assert.deepEqual([sizeBytes, mode, uid, gid], [5, 0o4750, 7, 8])
      assert.equal(named(listing.files, 'a').modified, Date.UTC(2001, 1, 3, 4, 5, 6) / 1000)
      assert.deepEqual(named(listing.files, 'to-z').link, { text: 'z', to: 'directory' })
      assert.deepEqual(named(listing.files, 'to-file').link, { text: 'file', to: 'file' })
      assert.deepEqual(named(listing.files, 'to-none').link, { text: '/none' })
      assert.deepEqual(named(listing.files, 'loop').link, { text: 'loop' })
      assert.equal((await host.engine.files.list(id, '/d/to-z')).path, '/d/z')
      assert.equal(await content(id, '/d/to-file'), '12345')
      await assert.rejects(host.engine.files.list(id, '/d/file'), { code: 'INVALID_PARAMETER' })
      await assert.rejects(host.engine.files.list(id, '/none'), { code: 'NOT_FOUND' })
      await assert.rejects(host.engine.files.read(id, '/d'), { code: 'INVALID_PARAMETER' })
      await assert.rejects(host.engine.files.read(id, '/d/pipe'), { code: 'INVALID_PARAMETER' })
    }
    await check()
    assert.equal((await host.engine.files.list(id, '/proc')).kernels, true)
    await stop(id)
    await check()
  })

  test('links lead to what is in the container, never to the host', async () => {
    fs.writeFileSync(path.join(outside, 'secret'), 'of the host')
    const id = await running(`
      ln -s ${outside} /absolute; ln -s ../../../../../../..${outside} /relative
      ln -s ${outside}/secret /secret; ln -s /proc/1/root/etc /magic`)
    const check = async (): Promise<void> => {
      for (const link of ['/absolute', '/relative', `/relative/../..${outside}`])
        await assert.rejects(host.engine.files.list(id, link), { code: 'NOT_FOUND' })
      await assert.rejects(host.engine.files.read(id, '/secret'), { code: 'NOT_FOUND' })
      await assert.rejects(host.engine.files.list(id, '/magic'), { code: 'NOT_FOUND' })
      await assert.rejects(host.engine.files.write(id, '/absolute/new', Buffer.from('x')), {
        code: 'NOT_FOUND',
      })
      await assert.rejects(host.engine.files.makeDirectory(id, '/relative/new'), {
        code: 'NOT_FOUND',
      })
      await assert.rejects(host.engine.files.remove(id, '/absolute/secret'), { code: 'NOT_FOUND' })
    }
    await check()
    await stop(id)
    await check()
    await host.engine.files.remove(id, '/absolute')
    assert.deepEqual(fs.readdirSync(outside), ['secret'])
    assert.equal(fs.readFileSync(path.join(outside, 'secret'), 'utf8'), 'of the host')
  })

  test('ten thousand names come page by page, or only those with certain letters', async () => {
    const id = await running(
      'mkdir /many /many/sub; cd /many; for i in $(seq 10000 19999); do : > file-$i; done',
    )
    const page = await host.engine.files.list(id, '/many')
    assert.deepEqual([page.files.length, page.total], [1000, 10_001])
    assert.equal(page.files[0]?.name, 'sub')
    const last = await host.engine.files.list(id, '/many', { offset: 10_000, limit: 1000 })
    assert.deepEqual(
      last.files.map(({ name }) => name),
      ['file-19999'],
    )
    const few = await host.engine.files.list(id, '/many', { filter: 'FILE-1777' })
    assert.equal(few.total, 10)
    assert.equal(few.files[0]?.name, 'file-17770')
  })

  test('a file is replaced at once, with its owner and mode, unless it is another by now', async () => {
    const id = await running(
      'printf old > /conf; chmod 640 /conf; chown 7:8 /conf; ln -s conf /link',
    )
    const check = async (before: string): Promise<void> => {
      const version = await versionOf(id, '/conf')
      await host.engine.files.write(id, '/link', Buffer.from(`${before} and more`), version)
      assert.equal(await content(id, '/conf'), `${before} and more`)
      const { files } = await host.engine.files.list(id, '/')
      assert.equal(named(files, 'link').kind, 'link')
      const { gid, mode, uid } = named(files, 'conf')
      assert.deepEqual([mode, uid, gid], [0o640, 7, 8])
      assert.ok(!files.some(({ name }) => name.startsWith('.gantry-')))
      await assert.rejects(host.engine.files.write(id, '/conf', Buffer.from('lost'), version), {
        code: 'CONFLICT',
      })
      await assert.rejects(host.engine.files.write(id, '/conf', Buffer.from('lost')), {
        code: 'CONFLICT',
      })
      assert.equal(await content(id, '/conf'), `${before} and more`)
    }
    await check('old')
    assert.equal(await exec(id, 'cat /conf; stat -c %a:%u:%g /conf'), 'old and more640:7:8\n')
    await stop(id)
    await check('old and more')
  })

  test('files and directories are made, renamed and removed, and taken names stay', async () => {
    const id = await running('mkdir /d; echo x > /d/taken; echo y > /d/other')
    const check = async (): Promise<void> => {
      await host.engine.files.write(id, '/d/new', Buffer.from('new'))
      await host.engine.files.makeDirectory(id, '/d/sub')
      await host.engine.files.write(id, '/d/sub/below', Buffer.alloc(0))
      await assert.rejects(host.engine.files.makeDirectory(id, '/d/sub'), { code: 'CONFLICT' })
      await assert.rejects(host.engine.files.makeDirectory(id, '/d/no/sub'), { code: 'NOT_FOUND' })
      await assert.rejects(host.engine.files.rename(id, '/d/new', 'taken'), { code: 'CONFLICT' })
      for (const name of ['', '.', '..', 'a/b'])
        await assert.rejects(host.engine.files.rename(id, '/d/new', name), {
          code: 'INVALID_PARAMETER',
        })
      await host.engine.files.rename(id, '/d/new', 'nëu')
      await host.engine.files.rename(id, '/d/sub', 'dir')
      const { files } = await host.engine.files.list(id, '/d')
      assert.deepEqual(
        files.map(({ gid, mode, name, uid }) => [name, mode, uid, gid]),
        [
          ['dir', 0o755, 0, 0],
          ['nëu', 0o644, 0, 0],
          ['other', 0o644, 0, 0],
          ['taken', 0o644, 0, 0],
        ],
      )
      await host.engine.files.remove(id, '/d/nëu')
      await host.engine.files.remove(id, '/d/dir')
      await assert.rejects(host.engine.files.remove(id, '/d/dir'), { code: 'NOT_FOUND' })
      await assert.rejects(host.engine.files.remove(id, '/'), { code: 'INVALID_PARAMETER' })
      await assert.rejects(host.engine.files.write(id, '/d', Buffer.alloc(0), '1'), {
        code: 'INVALID_PARAMETER',
      })
    }
    await check()
    await stop(id)
    await check()
  })

  test('what is mounted is not replaced, moved or removed, nor what it is mounted in', async () => {
    fs.writeFileSync(path.join(outside, 'bound'), 'bound')
    const id = await running('mkdir -p /d/e; echo x > /d/sibling', {
      HostConfig: {
        Binds: [`${path.join(outside, 'bound')}:/d/bound`, 'vol:/d/vol', 'ro:/ro:ro'],
      },
    })
    await host.engine.files.write(id, '/d/vol/kept', Buffer.from('kept'))
    const check = async (): Promise<void> => {
      const version = await versionOf(id, '/d/bound')
      await assert.rejects(host.engine.files.write(id, '/d/bound', Buffer.from('x'), version), {
        code: 'INVALID_PARAMETER',
        message: /mounted by itself/,
      })
      for (const mounted of ['/d', '/d/bound', '/d/vol'])
        await assert.rejects(host.engine.files.remove(id, mounted), { code: 'INVALID_PARAMETER' })
      await assert.rejects(host.engine.files.rename(id, '/d/vol', 'moved'), {
        code: 'INVALID_PARAMETER',
      })
      await assert.rejects(host.engine.files.makeDirectory(id, '/ro/x'), {
        code: 'INVALID_PARAMETER',
        message: /read-only file system/,
      })
      assert.equal((await host.engine.files.list(id, '/d')).total, 4)
      assert.equal(await content(id, '/d/vol/kept'), 'kept')
    }
    await check()
    assert.equal(await exec(id, 'cat /d/bound'), 'bound')
    await stop(id)
    await check()
  })

  test('what differs from the image is marked, and what of it is gone is told', async () => {
    const id = await running(
      `
      mkdir /made; echo x > /made/f; rm /bin/cat; touch -c -r /bin/ls /bin/ls
      chmod 700 /root; rm -r /var; mkdir /var; echo x > /var/new`,
      {
        HostConfig: { Binds: ['marked:/vol'] },
      },
    )
    await host.engine.files.write(id, '/vol/f', Buffer.from('of a volume'))
    const check = async (): Promise<void> => {
      const root = await host.engine.files.list(id, '/')
      const marks = Object.fromEntries(root.files.map(({ mark, name }) => [name, mark]))
      assert.equal(marks['made'], 'added')
      assert.equal(marks['bin'], 'modified')
      assert.equal(marks['root'], 'modified')
      // a start has made files in it to mount others on
      assert.equal(marks['etc'], undefined)
      assert.equal(marks['tmp'], undefined)
      assert.deepEqual(root.removed, [])
      const bin = await host.engine.files.list(id, '/bin')
      assert.deepEqual(
        bin.removed.map(({ name }) => name),
        ['cat'],
      )
      assert.equal(named(bin.files, 'busybox').mark, undefined)
      assert.deepEqual((await host.engine.files.list(id, '/bin', { filter: 'no' })).removed, [])
      // made anew in the place of the image's
      const anew = await host.engine.files.list(id, '/var')
      assert.deepEqual(
        [anew.files.map(({ mark, name }) => [name, mark]), anew.removed],
        [[['new', 'added']], [{ name: 'www', kind: 'directory' }]],
      )
      const made = await host.engine.files.list(id, '/made')
      assert.equal(named(made.files, 'f').mark, 'added')
      const etc = await host.engine.files.list(id, '/etc')
      assert.equal(named(etc.files, 'hosts').mark, undefined)
      const volume = await host.engine.files.list(id, '/vol')
      assert.equal(named(volume.files, 'f').mark, undefined)
    }
    await check()
    await stop(id)
    await check()
  })

  test('a read-only root file system is told of as that', async () => {
    const { Id } = await host.engine.containers.create({
      Image: 'busybox',
      HostConfig: { ReadonlyRootfs: true },
    })
    const readOnly = { code: 'INVALID_PARAMETER', message: /read-only file system/ }
    await assert.rejects(host.engine.files.write(Id, '/x', Buffer.from('x')), readOnly)
    await assert.rejects(host.engine.files.makeDirectory(Id, '/x'), readOnly)
    await assert.rejects(host.engine.files.remove(Id, '/bin/busybox'), readOnly)
  })

  test('a full file system takes nothing of what was there', async () => {
    const id = await running('printf precious > /small/file', {
      HostConfig: { Tmpfs: { '/small': 'size=64k' } },
    })
    const version = await versionOf(id, '/small/file')
    await assert.rejects(
      host.engine.files.write(id, '/small/file', Buffer.alloc(200_000, 'x'), version),
      /no space left on device/,
    )
    assert.equal(await content(id, '/small/file'), 'precious')
    assert.equal((await host.engine.files.list(id, '/small')).total, 1)
  })

  test('in a user namespace ids are those that the container knows', async () => {
    const id = await running('printf mine > /f; chown 5:6 /f', {
      HostConfig: { UsernsMode: 'private' },
    })
    await host.engine.files.makeDirectory(id, '/made')
    await host.engine.files.write(id, '/made/new', Buffer.from('new'))
    await host.engine.files.write(id, '/f', Buffer.from('changed'), await versionOf(id, '/f'))
    const { files } = await host.engine.files.list(id, '/')
    assert.deepEqual([named(files, 'f').uid, named(files, 'f').gid], [5, 6])
    assert.equal(named(files, 'made').uid, 0)
    assert.equal(
      await exec(id, 'stat -c %u:%g /f /made /made/new; cat /f'),
      '5:6\n0:0\n0:0\nchanged',
    )
  })

  test('what is done is told with its path by an event', async () => {
    const since = Date.now() / 1000
    const { Id } = await host.engine.containers.create({ Image: 'busybox' })
    await host.engine.files.write(Id, '/f', Buffer.from('f'))
    await host.engine.files.list(Id, '/')
    await content(Id, '/f')
    await host.engine.files.rename(Id, '/f', 'g')
    await host.engine.files.remove(Id, '/g')
    const told: unknown[] = []
    const filters = { container: [Id] }
    for await (const { Action, Actor } of host.engine.system.events({ since, filters })) {
      told.push([Action, Actor?.Attributes?.['path']])
      if (Action === 'remove-path') break
    }
    assert.deepEqual(told, [
      ['create', undefined],
      ['extract-to-dir', '/f'],
      ['archive-path', '/f'],
      ['rename-path', '/f'],
      ['remove-path', '/g'],
    ])
  })
})
