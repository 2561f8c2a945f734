import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ContainerCreateConfig } from '../../../engine/contract/containers.ts'
import { openTestEngine, type TestEngine } from '../../helpers/local-engine.ts'

describe('the source of a bind', () => {
  let host: TestEngine
  let at: string
  before(async () => {
    host = await openTestEngine()
    at = fs.mkdtempSync(path.join(os.tmpdir(), 'g-bind-'))
    execFileSync('mount', ['-t', 'tmpfs', 'own', at])
    execFileSync('mount', ['--make-private', at])
  })
  after(async () => {
    await host.close()
    execFileSync('umount', ['-R', at])
    fs.rmdirSync(at)
  })

  /** Its exit code. */
  const run = async (id: string): Promise<number> => {
    await host.engine.containers.start(id)
    return (await (await host.engine.containers.wait(id)).exited).StatusCode
  }
  const create = async (config: ContainerCreateConfig): Promise<string> =>
    (await host.engine.containers.create({ Image: 'busybox', ...config })).Id

  test('is made at each start, as when /run has been emptied by a reboot', async () => {
    const source = path.join(at, 'made', 'below')
    const id = await create({ Cmd: ['touch', '/x/was-here'], HostConfig: { Binds: [`${source}:/x`] } }) // prettier-ignore
    const borrower = await create({ Cmd: ['touch', '/x/too'], HostConfig: { VolumesFrom: [id] } })
    for (const [who, file] of [
      [id, 'was-here'],
      [id, 'was-here'],
      [borrower, 'too'],
    ] as const) {
      fs.rmSync(path.dirname(source), { recursive: true, force: true })
      assert.equal(await run(who), 0)
      assert.deepEqual(fs.readdirSync(source), [file])
    }
  })

  test('is missed by its name at the start of a container that does not have it made', async () => {
    const Source = path.join(at, 'given')
    fs.mkdirSync(Source)
    const id = await create({ HostConfig: { Mounts: [{ Type: 'bind', Source, Target: '/x' }] } })
    fs.rmdirSync(Source)
    await assert.rejects(host.engine.containers.start(id), {
      code: 'INVALID_PARAMETER',
      message: `invalid mount config for type "bind": bind source path does not exist: ${Source}`,
    })
    assert.equal(fs.existsSync(Source), false)
  })

  test('has to be on a mount that can spread what is asked to spread', async () => {
    const bound = (propagation: string): Promise<string> =>
      create({
        Cmd: ['sh', '-c', 'mount -t tmpfs inner /x/inner'],
        HostConfig: { Binds: [`${at}/tree:/x:${propagation}`], Privileged: true },
      })
    fs.mkdirSync(path.join(at, 'tree', 'inner'), { recursive: true })
    for (const [propagation, lacks] of [
      ['shared', 'shared mount'],
      ['rshared', 'shared mount'],
      ['slave', 'shared or slave mount'],
      ['rslave', 'shared or slave mount'],
    ] as const) {
      await assert.rejects(host.engine.containers.start(await bound(propagation)), {
        code: 'INVALID_PARAMETER',
        message: `path ${at}/tree is mounted on ${at} but it is not a ${lacks}`,
      })
    }
    execFileSync('mount', ['--make-shared', at])
    const spread = (): boolean =>
      fs.readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${at}/tree/inner `)
    for (const [propagation, isSpread] of [
      ['rprivate', false],
      ['rslave', false],
      ['rshared', true],
    ] as const) {
      assert.equal(await run(await bound(propagation)), 0)
      assert.equal(spread(), isSpread, propagation)
    }
  })
})
