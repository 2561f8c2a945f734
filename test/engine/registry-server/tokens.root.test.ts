import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { busyboxRootfsTar } from '../../helpers/busybox.ts'
import { Dockerd, hasDockerd } from '../../helpers/dockerd.ts'
import { isOnPath } from '../../helpers/on-path.ts'
import { RegistryDoor, USER } from '../../helpers/registry-door.ts'
import { dockerArchive } from '../images/archives.ts'

const run = promisify(execFile)

/** Access tokens in the place of passwords, by other people's programs. */
describe('the registry, to clients with access tokens', () => {
  let door: RegistryDoor
  let scratch: string
  let archive: string
  before(async () => {
    door = await RegistryDoor.open()
    scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'g-tok-'))
    archive = path.join(scratch, 'app.tar')
    fs.writeFileSync(archive, dockerArchive({ layers: [busyboxRootfsTar()], tags: ['app:1'] }))
  })
  after(async () => {
    await door.close()
    fs.rmSync(scratch, { recursive: true, force: true })
  })

  const make = (name: string, scope: 'read' | 'write'): Promise<{ token: string }> =>
    door.tokens.make({ id: door.userId }, { name, scope, expiresAt: null })
  const basic = (user: string, token: string): string =>
    `Basic ${Buffer.from(`${user}:${token}`).toString('base64')}`

  it('refuses writing with DENIED to a token that may only read, and 401 to one that is over', async () => {
    const { token } = await make('reader', 'read')
    const auth = basic('ANN', token)
    assert.equal((await door.fetch('/v2/', { auth })).status, 200)
    const refused = await door.fetch('/v2/a/b/blobs/uploads/', { method: 'POST', auth })
    assert.equal(refused.status, 403)
    assert.deepEqual(
      ((await refused.json()) as { errors: { code: string }[] }).errors.map(({ code }) => code),
      ['DENIED'],
    )
    assert.equal((await door.fetch('/v2/', { auth: `Bearer ${token}` })).status, 200)
    assert.equal((await door.fetch('/v2/', { auth: basic('bob', token) })).status, 401)
    const [made] = await door.tokens.list({ id: door.userId })
    await door.tokens.revoke({ id: door.userId }, made?.id ?? '')
    const over = await door.fetch('/v2/', { auth })
    assert.equal(over.status, 401)
    assert.match(over.headers.get('www-authenticate') ?? '', /^Basic /)
    assert.match(await over.text(), /"code":"UNAUTHORIZED"/)
  })

  it(
    'takes from skopeo and gives to it',
    { skip: !isOnPath('skopeo') && 'skopeo is not installed' },
    async () => {
      const reader = (await make('skopeo-read', 'read')).token
      const writer = (await make('skopeo-write', 'write')).token
      const target = `docker://${door.host}/team/skopeo:1`
      const copy = ['--insecure-policy', 'copy', '-q']
      const push = (token: string): Promise<unknown> =>
        run('skopeo', [
          ...copy,
          '--dest-tls-verify=false',
          `--dest-creds=${USER.name}:${token}`,
          `docker-archive:${archive}`,
          target,
        ])
      await assert.rejects(push(reader), /denied|may only read/i)
      await push(writer)
      await run('skopeo', [
        ...copy,
        '--src-tls-verify=false',
        `--src-creds=${USER.name}:${reader}`,
        target,
        `dir:${path.join(scratch, 'out')}`,
      ])
      assert.ok(fs.existsSync(path.join(scratch, 'out', 'manifest.json')))
    },
  )

  it(
    'takes docker login, push and pull',
    { skip: !hasDockerd && 'dockerd is not installed' },
    async (t) => {
      const dockerd = await Dockerd.start()
      t.after(() => dockerd.stop())
      const docker = (home: string, ...args: string[]): Promise<{ stdout: string }> =>
        run('docker', ['--config', path.join(scratch, home), '-H', dockerd.url, ...args])
      const name = `${door.host}/team/docker:1`
      const logIn = async (home: string, scope: 'read' | 'write'): Promise<void> => {
        const { token } = await make(home, scope)
        const { stdout } = await docker(home, 'login', door.host, '-u', USER.name, '-p', token)
        assert.match(stdout, /Login Succeeded/)
      }
      await logIn('docker-read', 'read')
      await logIn('docker-write', 'write')
      await docker('docker-read', 'load', '-i', archive)
      await docker('docker-read', 'tag', 'app:1', name)
      await assert.rejects(docker('docker-read', 'push', name), /denied/i)
      await docker('docker-write', 'push', name)
      await docker('docker-write', 'rmi', name)
      await docker('docker-read', 'pull', name)
    },
  )
})
