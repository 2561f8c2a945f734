import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { busyboxRootfsTar } from '../../helpers/busybox.ts'
import { Dockerd, hasDockerd } from '../../helpers/dockerd.ts'
import { isOnPath } from '../../helpers/on-path.ts'
import { RegistryDoor, USER } from '../../helpers/registry-door.ts'
import { dockerArchive, tarOf } from '../images/archives.ts'

const run = promisify(execFile)

describe('who is refused by the registry in the middle of sending', () => {
  let door: RegistryDoor
  let scratch: string
  let archive: string
  before(async () => {
    door = await RegistryDoor.open()
    scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'g-why-'))
    archive = path.join(scratch, 'large.tar')
    const layers = [busyboxRootfsTar(), tarOf({ large: randomBytes(12_000_000) })]
    fs.writeFileSync(archive, dockerArchive({ layers, tags: ['large:1'] }))
    await door.test.engine.registry.setSettings({
      quotas: [{ namespace: 'narrow', bytes: 8_000_000 }],
    })
  })
  after(async () => {
    await door.close()
    fs.rmSync(scratch, { recursive: true, force: true })
  })

  const creds = `${USER.name}:${USER.password}`
  const QUOTA = /denied: the quota of narrow leaves \d+ bytes/

  for (const connection of ['close', 'keep-alive'])
    it(`reads why, and not that the connection broke (Connection: ${connection})`, async () => {
      const port = Number(door.host.split(':')[1])
      const socket = net.connect(port, '127.0.0.1')
      // much more than the kernel keeps for a reader
      const body = Buffer.alloc(32 << 20)
      const lines = [
        'PATCH /v2/narrow/app/blobs/uploads/3e0a5ba4-0000-4000-8000-000000000000 HTTP/1.1',
        `Host: ${door.host}`,
        `Authorization: ${door.authorization}`,
        `Connection: ${connection}`,
        `Content-Length: ${body.length}`,
      ]
      await once(socket, 'connect')
      socket.write(`${lines.join('\r\n')}\r\n\r\n`)
      // all of it before anything is read
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject)
        socket.write(body, () => resolve())
      })
      // the other side closes when it was asked to, having read all
      if (connection !== 'close') socket.end()
      const answer = await text(socket)
      assert.match(answer, /^HTTP\/1\.1 404 /)
      assert.match(answer, /"code":"BLOB_UPLOAD_UNKNOWN"/)
    })

  it('is told by skopeo', { skip: !isOnPath('skopeo') && 'skopeo is not installed' }, async () => {
    const to = ['--dest-tls-verify=false', '--dest-creds', creds]
    const push = run('skopeo', [
      '--insecure-policy',
      'copy',
      ...to,
      `docker-archive:${archive}`,
      `docker://${door.host}/narrow/skopeo:1`,
    ])
    await assert.rejects(push, QUOTA)
  })

  it('is told by podman', { skip: !isOnPath('podman') && 'podman is not installed' }, async () => {
    const roots = ['--root', path.join(scratch, 'root'), '--runroot', path.join(scratch, 'run')]
    const podman = (...args: string[]): Promise<unknown> =>
      run('podman', [...roots, '--storage-driver', 'vfs', ...args])
    await podman('load', '-q', '-i', archive)
    const access = ['--tls-verify=false', '--creds', creds]
    const push = podman('push', ...access, 'localhost/large:1', `${door.host}/narrow/podman:1`)
    await assert.rejects(push, QUOTA)
  })

  it('is told by docker', { skip: !hasDockerd && 'dockerd is not installed' }, async (t) => {
    const dockerd = await Dockerd.start()
    t.after(() => dockerd.stop())
    const docker = (...args: string[]): Promise<unknown> =>
      run('docker', ['--config', path.join(scratch, 'docker'), '-H', dockerd.url, ...args])
    const name = `${door.host}/narrow/docker:1`
    await docker('login', '-u', USER.name, '-p', USER.password, door.host)
    await docker('load', '-i', archive)
    await docker('tag', 'large:1', name)
    await assert.rejects(docker('push', name), QUOTA)
  })
})
