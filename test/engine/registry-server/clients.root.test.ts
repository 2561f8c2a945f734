import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { listen } from '../../../engine/api/server.ts'
import { PLUGINS, whyNoPlugin } from '../../docker-cli/plugins.ts'
import { busyboxRootfsTar } from '../../helpers/busybox.ts'
import { Dockerd, hasDockerd } from '../../helpers/dockerd.ts'
import { isOnPath } from '../../helpers/on-path.ts'
import { RegistryDoor, sha256, USER } from '../../helpers/registry-door.ts'
import { dockerArchive, tarOf } from '../images/archives.ts'

const run = promisify(execFile)

/** Images go in by other people's programs, come out by them with the same digests, and run here. */
describe('the registry, to its clients', () => {
  let door: RegistryDoor
  let scratch: string
  before(async () => {
    door = await RegistryDoor.open()
    scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'g-reg-'))
  })
  after(async () => {
    await door.close()
    fs.rmSync(scratch, { recursive: true, force: true })
  })

  const creds = `${USER.name}:${USER.password}`
  /** What `docker save` writes, of an image whose second layer is this test's own. */
  function archive(name: string, word: string): string {
    const file = path.join(scratch, `${word}.tar`)
    const layers = [busyboxRootfsTar(), tarOf({ 'word.txt': word })]
    fs.writeFileSync(file, dockerArchive({ layers, tags: [name] }))
    return file
  }
  /** What a container of the image prints that says its word. */
  async function said(image: string): Promise<string> {
    const { containers } = door.test.engine
    const { Id } = await containers.create({ Image: image, Cmd: ['cat', '/word.txt'], Tty: true })
    const { exited } = await containers.wait(Id, 'next-exit')
    await containers.start(Id)
    await exited
    const { stream } = await containers.logs(Id, { stdout: true })
    const printed = await text(stream)
    await containers.remove(Id)
    return printed
  }
  async function digestHere(repository: string, tag: string): Promise<string> {
    const got = await door.fetch(`/v2/${repository}/manifests/${tag}`)
    return sha256(Buffer.from(await got.arrayBuffer()))
  }

  it(
    'takes from skopeo and gives to it',
    { skip: !isOnPath('skopeo') && 'skopeo is not installed' },
    async () => {
      const skopeo = (...args: string[]): Promise<unknown> =>
        run('skopeo', ['--insecure-policy', ...args])
      const name = `${door.host}/team/skopeo:1`
      const digestFile = path.join(scratch, 'digest')
      const to = ['--dest-tls-verify=false', '--dest-creds', creds, '--digestfile', digestFile]
      const from = ['--src-tls-verify=false', '--src-creds', creds]
      await skopeo(
        'copy',
        ...to,
        `docker-archive:${archive('team/skopeo:1', 'skopeo')}`,
        `docker://${name}`,
      )
      const digest = fs.readFileSync(digestFile, 'utf8').trim()
      assert.equal(await digestHere('team/skopeo', '1'), digest)
      assert.equal(await said(name), 'skopeo')

      const copy = path.join(scratch, 'copy')
      await skopeo('copy', ...from, `docker://${door.host}/team/skopeo@${digest}`, `dir:${copy}`)
      assert.equal(sha256(fs.readFileSync(path.join(copy, 'manifest.json'))), digest)
      // in OCI's format, to another repository: what is here is mounted, not sent
      await skopeo(
        'copy',
        '--format',
        'oci',
        ...from,
        ...to,
        `docker://${name}`,
        `docker://${door.host}/other/oci:2`,
      )
      assert.equal(await digestHere('other/oci', '2'), fs.readFileSync(digestFile, 'utf8').trim())
      assert.equal(await said(`${door.host}/other/oci:2`), 'skopeo')
      await assert.rejects(
        skopeo('inspect', '--tls-verify=false', '--no-creds', `docker://${name}`),
        /401|unauthorized|authentication required/i,
      )
    },
  )

  it(
    'takes from dockerd and gives to it, and to Gantry',
    { skip: !hasDockerd && 'dockerd is not installed' },
    async (t) => {
      const dockerd = await Dockerd.start()
      t.after(() => dockerd.stop())
      const config = path.join(scratch, 'docker')
      const docker = async (...args: string[]): Promise<string> => {
        const env = { ...process.env, DOCKER_HOST: dockerd.url, DOCKER_CONFIG: config }
        return (await run('docker', args, { env })).stdout
      }
      const name = `${door.host}/team/docker:1`
      await docker('load', '-i', archive(name, 'docker'))
      await assert.rejects(docker('push', name), /no basic auth credentials|unauthorized/i)
      await assert.rejects(
        docker('login', '-u', USER.name, '-p', 'wrong', door.host),
        /Wrong name or password|unauthorized/i,
      )
      await docker('login', '-u', USER.name, '-p', USER.password, door.host)
      const pushed = await docker('push', name)
      const digest = /digest: (sha256:[0-9a-f]{64})/.exec(pushed)?.[1]
      assert.equal(await digestHere('team/docker', '1'), digest)
      const id = (await docker('image', 'inspect', '-f', '{{.Id}}', name)).trim()
      const image = await door.test.engine.images.inspect(name)
      assert.equal(image.Id, id)
      assert.deepEqual(image.RepoDigests, [`${door.host}/team/docker@${digest}`])
      assert.equal(await said(name), 'docker')
      assert.match(await docker('push', name), /Layer already exists/)
      const mountedAs = `${door.host}/other/docker:1`
      await docker('tag', name, mountedAs)
      assert.match(await docker('push', mountedAs), /Mounted from team\/docker/)
      await docker('rmi', '-f', id)

      const byDigest = `${door.host}/team/docker@${digest}`
      assert.match(await docker('pull', byDigest), new RegExp(`Digest: ${digest}`))
      assert.equal((await docker('image', 'inspect', '-f', '{{.Id}}', byDigest)).trim(), id)

      // another engine would ask as this one does
      await door.test.engine.images.remove(id, { force: true })
      const auth = { username: USER.name, password: USER.password, serveraddress: door.host }
      for await (const _line of door.test.engine.images.pull(name, { auth })) {
        // progress
      }
      const again = await door.test.engine.images.inspect(name)
      assert.deepEqual([again.Id, again.RepoDigests], [id, [byDigest]])
    },
  )

  it(
    'takes from podman and gives to it',
    { skip: !isOnPath('podman') && 'podman is not installed' },
    async () => {
      const store = path.join(scratch, 'podman')
      const podman = async (...args: string[]): Promise<string> => {
        const roots = ['--root', path.join(store, 'root'), '--runroot', path.join(store, 'run')]
        return (await run('podman', [...roots, '--storage-driver', 'vfs', ...args])).stdout.trim()
      }
      const name = `${door.host}/team/podman:1`
      const access = ['--tls-verify=false', '--creds', creds]
      await podman('load', '-q', '-i', archive(name, 'podman'))
      const digestFile = path.join(scratch, 'podman-digest')
      await podman('push', '-q', ...access, '--digestfile', digestFile, name)
      const digest = fs.readFileSync(digestFile, 'utf8').trim()
      assert.equal(await digestHere('team/podman', '1'), digest)
      assert.equal(await said(name), 'podman')
      const id = await podman('image', 'inspect', '-f', '{{.Id}}', name)
      await podman('rmi', '-f', id)
      const pulled = await podman('pull', '-q', ...access, `${door.host}/team/podman@${digest}`)
      assert.equal(pulled, id)
      await podman('rmi', '-f', id)
    },
  )

  it(
    'takes what docker buildx pushes from this engine: an image, an index and a cache',
    { skip: whyNoPlugin('docker-buildx') },
    async (t) => {
      const socket = await listen(door.test.engine, door.test.instance)
      t.after(() => socket.close())
      const config = path.join(scratch, 'buildx-config')
      const context = path.join(scratch, 'buildx-context')
      fs.mkdirSync(config)
      fs.mkdirSync(context)
      fs.symlinkSync(PLUGINS, path.join(config, 'cli-plugins'))
      const auths = { [door.host]: { auth: Buffer.from(creds).toString('base64') } }
      fs.writeFileSync(path.join(config, 'config.json'), JSON.stringify({ auths }))
      fs.writeFileSync(
        path.join(context, 'Dockerfile'),
        'FROM scratch\nARG TARGETARCH\nENV FOR=$TARGETARCH\nCOPY word.txt /',
      )
      fs.writeFileSync(path.join(context, 'word.txt'), 'buildx')
      const docker = async (...args: string[]): Promise<string> => {
        const DOCKER_HOST = `unix://${door.test.instance.socketPath}`
        const env = { ...process.env, DOCKER_HOST, DOCKER_CONFIG: config }
        const { stderr, stdout } = await run('docker', ['buildx', ...args], { env })
        return stdout + stderr
      }
      const metadata = path.join(scratch, 'buildx.json')
      /** @returns the digest that the client is told of */
      const push = async (repository: string, ...args: string[]): Promise<string> => {
        const to = ['--push', '-t', `${door.host}/${repository}:1`, '--metadata-file', metadata]
        await docker('build', '--progress=plain', ...to, ...args, context)
        const told = JSON.parse(fs.readFileSync(metadata, 'utf8')) as Record<string, string>
        return told['containerimage.digest'] ?? ''
      }
      const cache = `type=registry,ref=${door.host}/team/cache:1`
      const one = await push('team/one', '--cache-to', `${cache},mode=max`, '--cache-from', cache)
      assert.equal(await digestHere('team/one', '1'), one)
      const many = await push('team/many', '--platform', 'linux/amd64,linux/s390x')
      assert.equal(await digestHere('team/many', '1'), many)
      const inspected = await docker('imagetools', 'inspect', `${door.host}/team/many:1`)
      assert.match(inspected, new RegExp(`Digest:\\s+${many}[^]*linux/amd64[^]*linux/s390x`))
      // what it joins is in the registry, and nothing is sent again
      const [amd] = / (\S+@sha256:[0-9a-f]{64})\n/.exec(inspected)?.slice(1) ?? []
      assert.ok(amd !== undefined, inspected)
      await docker('imagetools', 'create', '-t', `${door.host}/team/many:only`, amd)
      const created = await door.test.engine.images.inspect(`${door.host}/team/many:only`)
      assert.equal(created.Architecture, 'amd64')
      assert.match(await digestHere('team/cache', '1'), /^sha256:/)
      const again = await docker('build', '--progress=plain', '--cache-from', cache, context)
      assert.match(again, /COPY word.txt \/\n#\d+ CACHED/)
    },
  )
})
