import assert from 'node:assert/strict'
import { once } from 'node:events'
import fs from 'node:fs/promises'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { busyboxRootfsTar } from '../helpers/busybox.ts'
import { ociArchive, platformIndex, sha256, tarOf } from '../engine/images/archives.ts'
import { MockRegistry } from '../engine/registry/mock-registry.ts'
import { openCli, whyNot } from './harness.ts'
import type { Cli } from './harness.ts'

const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'

/** As with dockerd that has containerd's store; dockerd without it knows no indexes. */
const unlike = (await whyNot()) || (process.env.GANTRY_TEST_DOCKER_HOST ? 'of Gantry alone' : false)

describe('docker, of images for several platforms', { skip: unlike }, () => {
  let cli: Cli
  let registry: MockRegistry
  let archive: string
  const index = platformIndex({ layers: [tarOf({ base: 'base' })] }, ['amd64', 'arm64'])
  const digest = sha256(index.manifest)
  const [, arm64 = ''] = index.parts.keys()
  const name = 'x.test/multi:1'
  before(async () => {
    cli = await openCli()
    registry = await MockRegistry.start()
    archive = path.join(cli.dir, 'multi.tar')
    const blobs = new Map([...index.blobs, ...index.parts])
    const content = ociArchive({ manifest: index.manifest, mediaType: OCI_INDEX, blobs, name })
    await fs.writeFile(archive, content)
    assert.equal(await cli.ok('load', '-i', archive), `Loaded image: ${name}`)
  })
  after(async () => {
    await cli.close()
    await registry.close()
  })
  const pushedDigest = (reference: string): string =>
    sha256(registry.manifests.get(reference)?.content ?? Buffer.alloc(0))

  it('shows the tree of an index, and its digest', async () => {
    const tree = await cli.ok('images', '--tree')
    assert.match(tree, /x\.test\/multi:1/)
    for (const platform of ['linux/amd64', 'linux/arm64'])
      assert.match(tree, new RegExp(`${platform}\\s+[0-9a-f]{12}`))
    assert.equal(await cli.ok('image', 'inspect', '-f', '{{.Descriptor.Digest}}', name), digest)
  })

  it('pushes the whole, or the image for one platform', async () => {
    const target = `${registry.host}/whole`
    await cli.ok('tag', name, `${target}:1`)
    assert.match(await cli.ok('push', `${target}:1`), new RegExp(`1: digest: ${digest} size: `))
    assert.equal(pushedDigest('whole/manifests/1'), digest)
    await cli.ok('push', '--platform', 'linux/arm64', `${target}:1`)
    assert.equal(pushedDigest('whole/manifests/1'), arm64)
  })

  it('says which image went in place of an index that is not all here', async () => {
    registry.add('multi:1', index, OCI_INDEX)
    for (const [part, content] of index.parts)
      registry.manifests.set(`multi/manifests/${part}`, { content, mediaType: MANIFEST })
    await cli.ok('rmi', '-f', await cli.ok('image', 'inspect', '-f', '{{.Id}}', name))
    await cli.ok('pull', '-q', `${registry.host}/multi@${digest}`)
    await cli.ok('tag', `${registry.host}/multi@${digest}`, `${registry.host}/part:1`)
    const { stderr, stdout } = await cli.run(['push', `${registry.host}/part:1`])
    assert.match(
      stdout + stderr,
      /Not all multiplatform-content is present and only the available single-platform image was pushed/,
    )
    const [amd64 = ''] = index.parts.keys()
    assert.equal(pushedDigest('part/manifests/1'), amd64)
    await cli.ok('rmi', `${registry.host}/part:1`, `${registry.host}/multi@${digest}`)
  })

  it('saves and loads one platform', async () => {
    await cli.ok('load', '-i', archive)
    const saved = path.join(cli.dir, 'arm64.tar')
    await cli.ok('save', '--platform', 'linux/arm64', '-o', saved, name)
    await cli.ok('rmi', name)
    await cli.ok('load', '-i', saved)
    assert.equal(await cli.ok('image', 'inspect', '-f', '{{.Architecture}}', name), 'arm64')
    await cli.ok('rmi', name)
    await cli.ok('load', '--platform', 'linux/arm64', '-i', archive)
    assert.equal(await cli.ok('image', 'inspect', '-f', '{{.Architecture}}', name), 'arm64')
    const none = await cli.run(['load', '--platform', 'linux/s390x', '-i', archive])
    assert.match(none.stderr, /requested platform \(linux\/s390x\) not found/)
  })
})

describe('docker import of an address', { skip: await whyNot() }, () => {
  it('makes an image of what is there, with changes, a message and a platform', async (t) => {
    const cli = await openCli()
    t.after(() => cli.close())
    const server = http.createServer((_request, response) => response.end(busyboxRootfsTar()))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    const { port } = server.address() as AddressInfo
    const url = `http://127.0.0.1:${port}/rootfs.tar`
    const image = `${cli.prefix}/fetched:1`
    const changes = ['--change', 'CMD ["/bin/echo", "imported"]', '--change', 'ENV PATH=/bin']
    const said = await cli.ok('import', ...changes, '-m', 'by a test', url, image)
    assert.match(said, /^Downloading from http/)
    const told = await cli.ok('image', 'inspect', '-f', '{{.Comment}} {{.Os}}', image)
    assert.equal(told, 'by a test linux')
    assert.equal(await cli.ok('run', '--rm', image), 'imported')
    const missing = await cli.run(['import', `http://127.0.0.1:1/x`, `${cli.prefix}/none:1`])
    assert.equal(missing.code, 1)
  })
})

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
