import assert from 'node:assert/strict'
import fs from 'node:fs'
import { after, before, describe, test } from 'node:test'
import type { HostConfig } from '../../../engine/types/docker.ts'
import { openTestEngine, type TestEngine } from '../../helpers/local-engine.ts'

describe('a container that joins the IPC namespace of another', () => {
  let host: TestEngine

  before(async () => {
    host = await openTestEngine()
  })

  after(async () => {
    await host.close()
    assert.deepEqual(host.warnings, [])
  })

  async function start(name: string, script: string, HostConfig: HostConfig): Promise<string> {
    const { containers } = host.engine
    const { Id } = await containers.create(
      { Image: 'busybox:latest', Cmd: ['sh', '-c', script], HostConfig },
      { name },
    )
    await containers.start(Id)
    return Id
  }

  test('sees the shared memory of a shareable one, and goes on when that ends', async () => {
    const { containers } = host.engine
    await start('donor', 'echo hello > /dev/shm/x; exec sleep 100', {
      IpcMode: 'shareable',
      ShmSize: 1 << 20,
    })
    const joiner = await start(
      'joiner',
      'until [ -s /dev/shm/x ]; do sleep 0.05; done; grep -q hello /dev/shm/x && echo 1 > /dev/shm/y',
      {
        IpcMode: 'container:donor',
      },
    )
    const { exited } = await containers.wait(joiner)
    assert.equal((await exited).StatusCode, 0)
    await containers.remove('donor', { force: true })
    const mounts = fs.readFileSync('/proc/mounts', 'utf8')
    assert.ok(!mounts.includes(`${host.instance.runRoot}/c/`), 'the mount on the host is gone')
  })

  test('is refused when the other does not share, or does not run', async () => {
    await start('private', 'exec sleep 100', {})
    await assert.rejects(
      start('third', 'true', { IpcMode: 'container:private' }),
      /non-shareable IPC \(hint: use IpcMode:shareable/,
    )
    await host.engine.containers.remove('private', { force: true })
    await assert.rejects(start('fourth', 'true', { IpcMode: 'container:third' }), {
      code: 'CONFLICT',
    })
  })
})
