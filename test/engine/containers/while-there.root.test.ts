import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openTestEngine, type TestEngine } from '../../helpers/local-engine.ts'
import { patient } from '../../helpers/patience.ts'
import { tarOf } from '../images/archives.ts'

describe('a copy into a container that is removed meanwhile', () => {
  let host: TestEngine
  before(async () => {
    host = await openTestEngine()
  })
  after(() => host.close())

  it('says that, and not which file it missed first', async () => {
    const { containers } = host.engine
    const { Id } = await containers.create({ Image: 'busybox', Cmd: ['sleep', '1000'] })
    await containers.start(Id)
    const { dataRoot } = host.instance
    const until = async (holds: () => boolean): Promise<void> => {
      for (const end = Date.now() + patient(10_000); !holds(); await sleep(5))
        assert.ok(Date.now() < end, 'it did not come about')
    }
    const archive = tarOf({ first: 'here', second: 'nowhere' })
    const tar = new PassThrough()
    const copied = assert.rejects(containers.writeArchive(Id, '/', tar), {
      code: 'CONFLICT',
      message: `container ${Id} is marked for removal`,
    })
    try {
      // a header and its block
      tar.write(archive.subarray(0, 1024))
      await until(() => fs.existsSync(path.join(dataRoot, 'snapshots', Id, 'fs/first')))
      await containers.remove(Id, { force: true })
      await until(() => fs.readdirSync(path.join(dataRoot, 'trash')).length === 0)
    } finally {
      tar.end(archive.subarray(1024))
    }
    await copied
    await assert.rejects(containers.writeArchive(Id, '/', new PassThrough().end(archive)), {
      code: 'NOT_FOUND',
    })
  })
})
