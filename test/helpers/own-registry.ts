import assert from 'node:assert/strict'
import { registryImage, sha256, tarOf } from '../engine/images/archives.ts'
import { NAME, PASSWORD, type ConsolePage } from './console-page.ts'

/**
 * Puts an image of one small file into a console's own registry, as docker does.
 *
 * @param secret the administrator's password, or an access token of theirs
 */
export async function pushToOwn(
  { host }: ConsolePage,
  repository: string,
  tags: string[],
  file: string,
  secret = PASSWORD,
): Promise<void> {
  const { blobs, manifest } = registryImage({ layers: [tarOf({ file })] })
  const authorization = `Basic ${Buffer.from(`${NAME}:${secret}`).toString('base64')}`
  const send = async (method: string, where: string, body: Buffer, type: string) => {
    const answer = await fetch(`${host.url}/v2/${repository}/${where}`, {
      method,
      headers: { authorization, 'content-type': type },
      body: body as BodyInit,
    })
    assert.equal(answer.status, 201, await answer.text())
  }
  for (const content of blobs.values())
    await send(
      'POST',
      `blobs/uploads/?digest=${sha256(content)}`,
      content,
      'application/octet-stream',
    )
  const { mediaType } = JSON.parse(manifest.toString()) as { mediaType: string }
  for (const tag of tags) await send('PUT', `manifests/${tag}`, manifest, mediaType)
}
