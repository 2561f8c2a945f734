import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { RegistryDoor, sha256 } from '../../helpers/registry-door.ts'
import { registryImage, tarOf } from '../images/archives.ts'

const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'

/** Clients that do not know of each other. */
describe('the registry, when many push and delete the same tag at once', () => {
  let door: RegistryDoor
  before(async () => {
    door = await RegistryDoor.open()
  })
  after(() => door.close())

  async function putBlob(name: string, content: Buffer): Promise<void> {
    assert.equal((await door.putBlob(name, content)).status, 201)
  }
  /** Everything of an image but its manifest, which is returned. */
  async function image(name: string, word: string): Promise<Buffer> {
    const { blobs, manifest } = registryImage({ layers: [tarOf({ word })] })
    for (const content of blobs.values()) await putBlob(name, content)
    return manifest
  }
  async function artifact(name: string): Promise<Buffer> {
    const empty = Buffer.from('{}')
    await putBlob(name, empty)
    const config = {
      mediaType: 'application/vnd.oci.empty.v1+json',
      digest: sha256(empty),
      size: 2,
    }
    return Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers: [] }),
    )
  }
  async function put(name: string, tag: string, manifest: Buffer): Promise<void> {
    assert.equal((await door.putManifest(name, tag, manifest)).status, 201)
  }
  /** The image that the engine has under the tag's name; undefined for none. */
  async function named(name: string, tag: string): Promise<string | undefined> {
    const wanted = `${door.host}/${name}:${tag}`
    const found = (await door.test.engine.images.list()).filter(({ RepoTags }) =>
      RepoTags?.includes(wanted),
    )
    assert.ok(found.length <= 1)
    return found[0]?.Id
  }
  /** The image that the tag names in the registry; undefined for an artifact, or no tag. */
  async function meant(name: string, tag: string): Promise<string | undefined> {
    const got = await door.fetch(`/v2/${name}/manifests/${tag}`)
    if (got.status === 404) return undefined
    const { config } = (await got.json()) as { config: { digest: string; mediaType: string } }
    return config.mediaType.includes('empty') ? undefined : config.digest
  }

  it('has the engine run under the name what the tag names', async () => {
    const name = 'same/app'
    const manifests = [
      ...(await Promise.all(['a', 'b', 'c'].map((word) => image(name, word)))),
      await artifact(name),
    ]
    for (let round = 0; round < 25; round++) {
      const tag = `t${round % 3}`
      const turns = manifests.map((manifest, at) => async () => {
        await new Promise((resolve) => setTimeout(resolve, (at * round) % 7))
        await put(name, tag, manifest)
      })
      const remove = async (): Promise<void> => {
        const { status } = await door.fetch(`/v2/${name}/manifests/${tag}`, { method: 'DELETE' })
        assert.ok(status === 202 || status === 404, String(status))
      }
      await Promise.all([...turns, remove].sort(() => Math.random() - 0.5).map((turn) => turn()))
      assert.equal(await named(name, tag), await meant(name, tag), `round ${round}`)
    }
  })
})
