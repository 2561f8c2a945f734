import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { after, describe, it } from 'node:test'
import { openTestEngine } from '../../helpers/local-engine.ts'
import { sha256 } from '../../helpers/registry-door.ts'
import { registryImage, tarOf } from '../images/archives.ts'

const CHILD = path.join(import.meta.dirname, 'crash-child.ts')

describe('the registry, killed at any moment of pushes', async () => {
  const test = await openTestEngine({ image: false })
  after(() => test.close())
  const { bridgeSubnet, dataRoot, runRoot } = test.instance

  async function startChild(): Promise<{ host: string; kill: () => Promise<void> }> {
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', CHILD, dataRoot, runRoot, bridgeSubnet],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    for await (const line of createInterface({ input: child.stdout })) {
      const port = /^port (\d+)$/.exec(line)?.[1]
      if (port === undefined) continue
      return {
        host: `127.0.0.1:${port}`,
        kill: async () => {
          const exited = once(child, 'exit')
          child.kill('SIGKILL')
          await exited
        },
      }
    }
    throw new Error('the child ended')
  }

  /** Pushes an image as clients do, asking first what is there. */
  async function push(
    host: string,
    tag: string,
    image: ReturnType<typeof registryImage>,
  ): Promise<string> {
    const at = (rest: string): string => `http://${host}/v2/crash/app/${rest}`
    for (const [digest, content] of image.blobs) {
      if ((await fetch(at(`blobs/${digest}`), { method: 'HEAD' })).ok) continue
      const begun = await fetch(at('blobs/uploads/'), { method: 'POST' })
      const location = `http://${host}${begun.headers.get('location') ?? ''}`
      const half = content.length >> 1
      await fetch(location, { method: 'PATCH', body: content.subarray(0, half) as BodyInit })
      const put = await fetch(`${location}?digest=${digest}`, {
        method: 'PUT',
        body: content.subarray(half) as BodyInit,
      })
      assert.equal(put.status, 201)
    }
    const put = await fetch(at(`manifests/${tag}`), {
      method: 'PUT',
      headers: { 'Content-Type': 'application/vnd.oci.image.manifest.v1+json' },
      body: image.manifest as BodyInit,
    })
    assert.equal(put.status, 201)
    return sha256(image.manifest)
  }

  it('goes on with an upload from the bytes that it had', async () => {
    await test.engine.close()
    const first = await startChild()
    const content = randomBytes(4 << 20)
    const begun = await fetch(`http://${first.host}/v2/crash/upload/blobs/uploads/`, {
      method: 'POST',
    })
    const location = begun.headers.get('location') ?? ''
    const request = http.request(`http://${first.host}${location}`, { method: 'PATCH' })
    request.on('error', () => undefined)
    request.write(content.subarray(0, 3 << 20))
    const file = path.join(dataRoot, 'uploads', `${path.basename(location)}+crash~upload`)
    while (fs.statSync(file).size === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    await first.kill()

    const second = await startChild()
    try {
      const found = await fetch(`http://${second.host}${location}`)
      const [, last = ''] = /^0-(\d+)$/.exec(found.headers.get('range') ?? '') ?? []
      const offset = Number(last) + 1
      assert.ok(offset >= 1 << 20 && offset <= 3 << 20, `${offset} bytes are there`)
      const digest = sha256(content)
      const put = await fetch(`http://${second.host}${location}?digest=${digest}`, {
        method: 'PUT',
        headers: { 'Content-Range': `${offset}-${content.length - 1}` },
        body: content.subarray(offset) as BodyInit,
      })
      assert.equal(put.status, 201)
    } finally {
      await second.kill()
      await test.reopenAround(() => undefined)
    }
  })

  it('starts clean, has what it said it has, and takes the rest again', async () => {
    await test.engine.close()
    const finished = new Map<string, string>()
    let repeated: (() => Promise<void>) | undefined
    for (let round = 0; round < 4; round++) {
      const child = await startChild()
      // what was acknowledged is there, whole
      for (const [tag, digest] of finished) {
        const got = await fetch(`http://${child.host}/v2/crash/app/manifests/${tag}`)
        assert.equal(sha256(Buffer.from(await got.arrayBuffer())), digest, tag)
      }
      const image = registryImage({
        layers: [tarOf({ a: randomBytes(300_000) }), tarOf({ b: randomBytes(2_000_000) })],
      })
      const tag = `v${round}`
      const dying = push(child.host, tag, image).then(
        (digest) => finished.set(tag, digest),
        () => undefined,
      )
      await new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 250))
      await child.kill()
      await dying
      if (round < 3) continue
      const last = await startChild()
      finished.set(tag, await push(last.host, tag, image))
      repeated = last.kill
    }
    await repeated?.()

    const engine = await test.reopenAround(() => undefined)
    const partial = fs.readdirSync(path.join(dataRoot, 'blobs/partial'))
    assert.deepEqual(
      partial.filter((name) => name.startsWith('t-')),
      [],
    )
    // every tag there is has all its parts
    for (const tag of (await engine.registry.tags('crash/app')).names) {
      const { content } = await engine.registry.manifest('crash/app', tag)
      const { config, layers } = JSON.parse(content.toString()) as {
        config: { digest: string }
        layers: { digest: string }[]
      }
      for (const { digest } of [config, ...layers])
        assert.equal(
          sha256(fs.readFileSync(path.join(dataRoot, 'blobs/sha256', digest.slice(7)))),
          digest,
        )
    }
    assert.ok((await engine.registry.tags('crash/app')).names.includes('v3'))
    await engine.registry.collectGarbage()
  })
})
