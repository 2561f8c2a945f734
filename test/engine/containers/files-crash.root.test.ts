import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import type { ContainerEngine } from '../../../engine/contract/containers.ts'
import { patient } from '../../helpers/patience.ts'
import { EngineProcess } from '../../helpers/engine-process.ts'
import { importBusybox, testInstance } from '../../helpers/local-engine.ts'
import { leftOvers, sweepInstance } from '../../helpers/sweep-instance.ts'

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

describe('an engine killed with -9 while files are copied', () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
  const host = new EngineProcess(testInstance(root))
  const inData = (name: string): string[] =>
    fs.readdirSync(path.join(host.instance.dataRoot, name)).sort()
  let running: string
  let stopped: string

  before(async () => {
    await importBusybox(await host.start())
    const { containers } = host.engine
    const make = 'for i in $(seq 400); do dd if=/dev/zero of=/f$i bs=100k count=1 2>/dev/null; done'
    const create = async (script: string): Promise<string> => {
      const { Id } = await containers.create({ Image: 'busybox', Cmd: ['sh', '-c', script] })
      await containers.start(Id)
      return Id
    }
    running = await create(`${make}; exec sleep 1000`)
    stopped = await create(make)
    await (
      await containers.wait(stopped)
    ).exited
    while ((await containers.changes(running)).length < 400) await sleep(100)
  })
  after(async () => {
    await host.kill()
    await sweepInstance(host.instance)
    fs.rmSync(root, { recursive: true, force: true })
  })

  const verbs: [string, (containers: ContainerEngine) => Promise<unknown>][] = [
    ['commit of a running container', (containers) => containers.commit(running, { repo: 'made' })],
    ['commit of a stopped one', (containers) => containers.commit(stopped, { repo: 'made' })],
    ['export', async (containers) => slowly(await containers.export(stopped))],
    ['copy out', async (containers) => slowly((await containers.readArchive(stopped, '/')).tar)],
    ['copy in', (containers) => containers.writeArchive(stopped, '/', endless())],
  ]
  for (const [what, start] of verbs) {
    test(`in the middle of a ${what} lists nothing half-made and leaves nothing behind`, async () => {
      const work = start(host.engine.containers)
      work.catch(() => undefined)
      await sleep(50 + Math.random() * 150)
      await host.kill()
      const views = (): string[] =>
        fs
          .readdirSync('/proc')
          .filter((pid) => /^\d+$/.test(pid))
          .filter((pid) => commandOf(pid).includes('--view'))
          .filter((pid) => commandOf(pid).includes(host.instance.runRoot))
      for (const end = Date.now() + patient(10_000); views().length > 0; await sleep(20))
        assert.ok(Date.now() < end, `left behind: ${views().join(' ')}`)
      await host.start()

      const { containers, images } = host.engine
      assert.equal((await containers.inspect(running)).State?.Status, 'running')
      const { Id } = await host.engine.execs.create(running, { Cmd: ['true'], AttachStdout: true })
      const { stream } = await host.engine.execs.start(Id)
      // it ends: nothing is frozen
      if (stream) for await (const _chunk of stream as AsyncIterable<Buffer>);
      for (const { Id: id, RepoTags } of await images.list()) {
        if (RepoTags?.includes('busybox:latest')) continue
        // whole, when the kill came after it was made
        const { Id: made } = await containers.create({ Image: id, Cmd: ['ls', '/f400'] })
        await containers.start(made)
        assert.equal((await (await containers.wait(made)).exited).StatusCode, 0)
        await containers.remove(made)
        await images.remove(id, { force: true })
      }
      assert.deepEqual(inData('blobs/partial'), [])
      assert.deepEqual(inData('snapshots'), [running, stopped].sort())
      // the image's, and the empty one
      assert.equal(inData('layers').length, 2)
      const mounts = leftOvers(host.instance).filter((left) => left.startsWith('mount'))
      // beside the network namespaces that are made ahead
      assert.deepEqual(
        mounts.filter((mount) => !mount.includes('/netns')),
        [],
      )
    })
  }
})

/** Read so slowly that it is not over when the engine is killed. */
async function slowly(tar: Readable): Promise<void> {
  tar.on('error', () => undefined)
  for await (const _chunk of tar as AsyncIterable<Buffer>) await sleep(20)
}

/** An archive that never ends. */
function endless(): Readable {
  const stream = new Readable({ read: () => undefined })
  stream.push(Buffer.alloc(512))
  return stream
}

function commandOf(pid: string): string {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    // ended while we looked
    return ''
  }
}
