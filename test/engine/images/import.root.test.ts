import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { DEFAULT_LIMITS } from '../../../engine/store/limits.ts'
import { sha256, tarOf } from './archives.ts'
import { collect, TestImages } from './image-engine.ts'

const root = tarOf({ 'etc/': '', 'etc/motd': 'hello\n'.repeat(1000) })

describe('import()', () => {
  let test: TestImages
  let server: http.Server
  const asked: string[] = []
  const authorized: (string | undefined)[] = []
  const redirects = new Map([
    ['/to-ftp', 'ftp://ann:secret@files.test/x'],
    ['/to-nothing', 'http://['],
    ['/to-file', '/rootfs.tar.gz'],
  ])
  const files = new Map([['/rootfs.tar.gz', gzipSync(root)]])
  beforeEach(async () => {
    asked.length = 0
    authorized.length = 0
    // a server of files, which is a proxy when it is asked for whole addresses
    server = http.createServer(({ headers, url = '' }, response) => {
      asked.push(url)
      authorized.push(headers.authorization)
      const location = redirects.get(url)
      if (location !== undefined) {
        response.writeHead(302, { location }).end()
        return
      }
      const content = files.get(new URL(url, 'http://self').pathname)
      response.writeHead(content ? 200 : 404, { 'content-length': content?.length ?? 0 })
      response.end(content)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    test = await TestImages.open()
    test.proxy = address()
    await test.reopen()
  })
  afterEach(async () => {
    server.close()
    await test.close()
  })
  const address = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  it('fetches an archive from an address, and tells of it', async () => {
    const lines = await collect(
      test.images.import(
        { url: `${address()}/rootfs.tar.gz` },
        {
          reference: 'fetched:1',
          changes: ['CMD ["/bin/sh"]', 'LABEL made=here'],
          platform: 'linux/arm64/v8',
        },
      ),
    )
    assert.equal(lines[0]?.status, `Downloading from ${address()}/rootfs.tar.gz`)
    const { length } = files.get('/rootfs.tar.gz') ?? Buffer.alloc(0)
    const bar = lines.find(({ status }) => status === 'Importing')
    assert.deepEqual(bar?.progressDetail, { current: length, total: length })
    const image = await test.images.inspect('fetched:1')
    assert.equal(lines.at(-1)?.status, image.Id)
    assert.equal(image.Comment, `Imported from ${address()}/rootfs.tar.gz`)
    assert.deepEqual(
      [image.Architecture, image.Config?.Cmd, image.Config?.Labels, image.RootFS?.Layers],
      ['arm64', ['/bin/sh'], { made: 'here' }, [sha256(root)]],
    )
  })

  it('uses the user, password and signature of an address, and tells and keeps none of them', async () => {
    const at = address().replace('//', '//ann:sec%40ret@')
    const lines = await collect(
      test.images.import({ url: `${at}/rootfs.tar.gz?sig=secret` }, { reference: 'a' }),
    )
    assert.deepEqual(asked, ['/rootfs.tar.gz?sig=secret'])
    assert.deepEqual(authorized, [`Basic ${Buffer.from('ann:sec@ret').toString('base64')}`])
    assert.equal(lines[0]?.status, `Downloading from ${address()}/rootfs.tar.gz?…`)
    const { Comment } = await test.images.inspect('a')
    assert.equal(Comment, `Imported from ${address()}/rootfs.tar.gz?…`)
    for (const url of [`${at}/missing?sig=secret`, 'ftp://ann:secret@files.test/x', `${at}/to-ftp`])
      await assert.rejects(collect(test.images.import({ url })), (error: Error) => {
        assert.match(error.message, /files\.test|127\.0\.0\.1/)
        return !/ann:|sec/.test(error.message)
      })
  })

  it('goes by the proxy of the engine, and takes an address without a scheme for one by http', async () => {
    const source = { url: 'files.test/rootfs.tar.gz' }
    await collect(test.images.import(source, { reference: 'a', message: 'mine' }))
    assert.deepEqual(asked, ['http://files.test/rootfs.tar.gz'])
    assert.equal((await test.images.inspect('a')).Comment, 'mine')
  })

  it('says what is wrong with an address, and leaves nothing behind', async () => {
    for (const [url, message] of [
      [`${address()}/missing`, /it answers 404/],
      ['ftp://files.test/x', /no address by http or https/],
      ['http://', /no address/],
    ] as const)
      await assert.rejects(collect(test.images.import({ url })), {
        code: 'INVALID_PARAMETER',
        message,
      })
    const closed = http.createServer().listen(0, '127.0.0.1')
    await once(closed, 'listening')
    const { port } = closed.address() as AddressInfo
    closed.close()
    await assert.rejects(collect(test.images.import({ url: `http://127.0.0.1:${port}/x` })), {
      code: 'UNAVAILABLE',
    })
    assert.deepEqual(test.onDisk(), { layers: 0, temporary: 0, blobs: 0, partial: 0 })
  })

  it('follows a redirect by http, and tells of one that leads nowhere', async () => {
    await collect(test.images.import({ url: `${address()}/to-file` }, { reference: 'led' }))
    assert.equal((await test.images.inspect('led')).RootFS?.Layers?.[0], sha256(root))
    for (const path of ['/to-ftp', '/to-nothing'])
      await assert.rejects(collect(test.images.import({ url: address() + path })), {
        code: 'SYSTEM',
        message: /redirects to no address by http or https/,
      })
  })

  it('stops at what an archive may have, sent or fetched, packed or not', async () => {
    test.limits = { ...DEFAULT_LIMITS, maxBytes: 4096 }
    await test.reopen()
    const message = /more than 4096 bytes \(GANTRY_UNPACK_MAX_BYTES\)/
    const packed = execFileSync('xz', ['-c'], { input: root })
    assert.ok(packed.length < 4096 && root.length > 4096)
    files.set('/plain.tar', Buffer.from(root))
    for (const source of [
      Readable.from([root]),
      Readable.from([packed]),
      { url: `${address()}/plain.tar` },
    ])
      await assert.rejects(collect(test.images.import(source)), {
        code: 'INVALID_PARAMETER',
        message,
      })
    assert.deepEqual(test.onDisk(), { layers: 0, temporary: 0, blobs: 0, partial: 0 })
  })

  it('takes no bytes at all for an archive without members', async () => {
    for (const [name, body] of [
      ['none', Buffer.alloc(0)],
      ['end', tarOf({})],
    ] as const)
      await collect(test.images.import(Readable.from([body]), { reference: name }))
    const [none, end] = [await test.images.inspect('none'), await test.images.inspect('end')]
    assert.deepEqual(none.RootFS?.Layers, [sha256(tarOf({}))])
    assert.deepEqual(none.RootFS.Layers, end.RootFS?.Layers)
    const saved = await test.images.save(['none'])
    await test.images.remove('none')
    await test.images.remove('end')
    await collect(test.images.load(saved))
    assert.equal((await test.images.inspect('none')).Id, none.Id)
  })

  it('refuses what no system runs before anything is read', async () => {
    const never = new Readable({ read: () => assert.fail('nothing is to be read') })
    for (const [platform, message] of [
      ['foobar', /unknown operating system or architecture/],
      ['macos', /operating system is not supported/],
      ['macos/arm64', /operating system is not supported/],
    ] as const)
      await assert.rejects(collect(test.images.import(never, { platform })), {
        code: 'INVALID_PARAMETER',
        message,
      })
  })

  for (const program of ['xz', 'bzip2'])
    it(`unpacks what ${program} has packed, and keeps a plain layer`, async () => {
      const packed = execFileSync(program, ['-c'], { input: root })
      await collect(test.images.import(Readable.from([packed]), { reference: 'packed' }))
      assert.deepEqual((await test.images.inspect('packed')).RootFS?.Layers, [sha256(root)])
      assert.deepEqual(test.onDisk(), { layers: 1, temporary: 0, blobs: 2, partial: 0 })
      await assert.rejects(
        collect(test.images.import(Readable.from([packed.subarray(0, packed.length >> 1)]))),
        { code: 'INVALID_PARAMETER', message: new RegExp(`broken ${program} data`) },
      )
      assert.equal(test.onDisk().partial, 0)
    })
})
