import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { Dockerd, hasDockerd } from '../../helpers/dockerd.ts'
import { hasRegistry, LocalRegistry } from '../../helpers/local-registry.ts'
import { isOnPath } from '../../helpers/on-path.ts'
import { RegistryDoor, USER } from '../../helpers/registry-door.ts'
import { platformIndex, sha256, tarOf } from './archives.ts'
import { collect } from './image-engine.ts'

const run = promisify(execFile)

/** One index of two platforms and an attestation through other people's programs; its digest has to stay everywhere. */
describe(
  'an index, from peers and to them',
  { skip: !hasRegistry && 'docker-registry and skopeo are not installed' },
  () => {
    const index = platformIndex({ layers: [tarOf({ base: 'base' })] }, ['amd64', 'arm64'])
    const digest = sha256(index.manifest)
    let scratch: string
    let registry: LocalRegistry
    let door: RegistryDoor
    before(async () => {
      scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'g-idx-'))
      registry = await LocalRegistry.start(scratch)
      door = await RegistryDoor.open()
      writeLayout(path.join(scratch, 'layout'))
      await copyAll(`oci:${scratch}/layout`, `docker://${registry.host}/multi:1`)
    })
    after(async () => {
      await door.close()
      await registry.close()
      fs.rmSync(scratch, { recursive: true, force: true })
    })

    const images = (): typeof door.test.engine.images => door.test.engine.images
    const digestAt = async (place: string): Promise<string> => {
      const raw = await run('skopeo', [
        'inspect',
        '--raw',
        '--tls-verify=false',
        '--creds',
        creds,
        place,
      ])
      return sha256(Buffer.from(raw.stdout))
    }
    const digestOf = async (name: string): Promise<string | undefined> =>
      (await images().inspect(name)).Descriptor?.digest

    it('is pulled from docker-registry by tag and by digest under the digest that skopeo put it in with', async () => {
      assert.equal(await digestAt(`docker://${registry.host}/multi:1`), digest)
      const name = `${registry.host}/multi`
      await collect(images().pull(`${name}:1`))
      await collect(images().pull(`${name}@${digest}`))
      assert.deepEqual((await images().inspect(`${name}:1`)).RepoDigests, [`${name}@${digest}`])
    })

    it('goes from skopeo through load and push to docker-registry', async () => {
      const archive = path.join(scratch, 'from-skopeo.tar')
      await copyAll(`docker://${registry.host}/multi:1`, `oci-archive:${archive}:x.test/loaded:1`)
      await collect(images().load(fs.createReadStream(archive)))
      assert.equal(await digestOf('x.test/loaded:1'), digest)
      await images().tag('x.test/loaded:1', `${registry.host}/pushed`, '1')
      await collect(images().push(`${registry.host}/pushed:1`))
      assert.equal(await digestAt(`docker://${registry.host}/pushed:1`), digest)
    })

    it('goes from skopeo into the registry here, is an image, and comes out by skopeo and by save', async () => {
      await copyAll(`docker://${registry.host}/multi:1`, `docker://${door.host}/multi:1`)
      assert.equal(await digestOf(`${door.host}/multi:1`), digest)
      await copyAll(`docker://${door.host}/multi:1`, `oci:${scratch}/back:1`)
      assert.equal(digestInLayout(path.join(scratch, 'back')), digest)

      const saved = path.join(scratch, 'saved.tar')
      const archive = await images().save([`${door.host}/multi:1`])
      await pipeline(archive, fs.createWriteStream(saved))
      await copyAll(`oci-archive:${saved}`, `oci:${scratch}/from-save:1`)
      assert.equal(digestInLayout(path.join(scratch, 'from-save')), digest)
    })

    it('is one image for this platform to dockerd and to podman, which load what was saved', async (t) => {
      const saved = path.join(scratch, 'for-peers.tar')
      const archive = path.join(scratch, 'from-skopeo-2.tar')
      await copyAll(`docker://${registry.host}/multi:1`, `oci-archive:${archive}:x.test/peers:1`)
      await collect(images().load(fs.createReadStream(archive)))
      await pipeline(await images().save(['x.test/peers:1']), fs.createWriteStream(saved))
      const { Id } = await images().inspect('x.test/peers:1')
      if (hasDockerd) {
        const dockerd = await Dockerd.start()
        t.after(() => dockerd.stop())
        const docker = (...args: string[]): Promise<{ stdout: string }> =>
          run('docker', ['-H', dockerd.url, ...args])
        await docker('load', '-q', '-i', saved)
        const told = await docker(
          'image',
          'inspect',
          '-f',
          '{{.Id}} {{.Architecture}}',
          'x.test/peers:1',
        )
        assert.equal(told.stdout.trim(), `${Id} amd64`)
      } else t.diagnostic('no dockerd here')
      if (isOnPath('podman')) {
        const podman = (...args: string[]): Promise<{ stdout: string }> =>
          run('podman', [
            '--root',
            `${scratch}/podman`,
            '--runroot',
            `${scratch}/podman-run`,
            ...args,
          ])
        await podman('load', '-q', '-i', saved)
        const told = await podman('image', 'inspect', '-f', 'sha256:{{.Id}}', 'x.test/peers:1')
        assert.equal(told.stdout.trim(), Id)
      } else t.diagnostic('no podman here')
    })

    const creds = `${USER.name}:${USER.password}`

    async function copyAll(from: string, to: string): Promise<void> {
      const args = ['--insecure-policy', 'copy', '-q', '--all', '--preserve-digests']
      if (from.startsWith('docker://')) args.push('--src-tls-verify=false')
      if (to.startsWith('docker://')) args.push('--dest-tls-verify=false')
      if (from.includes(door.host)) args.push('--src-creds', creds)
      if (to.includes(door.host)) args.push('--dest-creds', creds)
      await run('skopeo', [...args, from, to])
    }

    function writeLayout(directory: string): void {
      fs.mkdirSync(path.join(directory, 'blobs/sha256'), { recursive: true })
      for (const [name, content] of [
        ...index.blobs,
        ...index.parts,
        [digest, index.manifest] as const,
      ])
        fs.writeFileSync(path.join(directory, 'blobs/sha256', name.slice(7)), content)
      fs.writeFileSync(path.join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
      const mediaType = 'application/vnd.oci.image.index.v1+json'
      fs.writeFileSync(
        path.join(directory, 'index.json'),
        JSON.stringify({
          schemaVersion: 2,
          manifests: [{ mediaType, digest, size: index.manifest.length }],
        }),
      )
    }

    function digestInLayout(directory: string): string | undefined {
      const content = fs.readFileSync(path.join(directory, 'index.json'), 'utf8')
      return (JSON.parse(content) as { manifests: { digest: string }[] }).manifests[0]?.digest
    }
  },
)
