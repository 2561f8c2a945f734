import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { text } from 'node:stream/consumers'
import type { EventMessage } from '../../engine/types/docker.ts'
import type { Attributed } from '../../engine/types/gantry.ts'
import path from 'node:path'
import { busyboxRootfsTar } from '../helpers/busybox.ts'
import { EngineProcess } from '../helpers/engine-process.ts'
import { testInstance } from '../helpers/local-engine.ts'
import { soFar } from '../helpers/so-far.ts'
import { sweepInstance } from '../helpers/sweep-instance.ts'
import { eventually, whyNot } from './harness.ts'
import os from 'node:os'

/** A user of every Debian that is not root, and lets itself be run as. */
const NOBODY = 65534

describe('who did it', { skip: await whyNot() }, () => {
  let dir = ''
  let engine: EngineProcess
  let group = 0

  before(async () => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
    engine = new EngineProcess(testInstance(dir))
    await engine.start()
    // the way to the socket, which others than root have to pass
    fs.chmodSync(dir, 0o711)
    group = fs.statSync(engine.instance.socketPath).gid
    if (group === 0) {
      // no group docker here: one that means nothing else
      group = 59_999
      fs.chownSync(engine.instance.socketPath, 0, group)
    }
    fs.writeFileSync(path.join(dir, 'busybox.tar'), busyboxRootfsTar(), { mode: 0o644 })
    await asRoot('import', '--change', 'ENV PATH=/bin', path.join(dir, 'busybox.tar'), 'box:1')
  })
  after(async () => {
    const all = (await asRoot('ps', '-aq')).split('\n').filter((id) => id !== '')
    if (all.length > 0) await asRoot('rm', '-f', ...all)
    await engine.kill('SIGTERM')
    await sweepInstance(engine.instance)
    fs.rmSync(dir, { recursive: true, force: true })
  })

  const run = async (command: string, args: string[]): Promise<string> => {
    const child = spawn(command, args, {
      env: {
        ...process.env,
        DOCKER_HOST: `unix://${engine.instance.socketPath}`,
        DOCKER_CONFIG: path.join(dir, 'config'),
      },
      timeout: 30_000,
    })
    const [out, err, code] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      new Promise<number | null>((resolve) => child.on('close', resolve)),
    ])
    if (code !== 0) throw new Error(`${args.join(' ')}: ${String(code)} ${err}`)
    return out.trimEnd()
  }
  const asRoot = (...args: string[]): Promise<string> => run('docker', args)
  const asNobody = (...args: string[]): Promise<string> =>
    run('setpriv', [
      `--reuid=${String(NOBODY)}`,
      `--regid=${String(group)}`,
      '--clear-groups',
      'docker',
      ...args,
    ])
  const inspect = async (...words: string[]): Promise<Attributed | undefined> =>
    (JSON.parse(await asRoot(...words)) as Attributed[])[0]
  // the CLI shows of volumes and networks only what it knows
  const volume = (name: string): Promise<Attributed> => engine.engine.volumes.inspect(name)
  const network = (name: string): Promise<Attributed> => engine.engine.networks.inspect(name)
  const makerOf = async (found: Promise<Attributed | undefined>): Promise<string> => {
    const by = (await found)?.Gantry?.CreatedBy
    return `${by?.Kind} ${by?.Name} ${by?.Uid} ${by?.Command} ${by?.Pid !== undefined && by.Pid > 1}`
  }
  /** `action by door reason` of a container's events, oldest first. */
  const history = async (name: string): Promise<string[]> => {
    const lines = await asRoot(
      'events', '--since', '0', '--until', String(soFar()), '--filter', `container=${name}`,
      '--filter', 'type=container', '--format', '{{json .}}',
    ) // prettier-ignore
    return lines.split('\n').map((line) => {
      const { Action, Actor } = JSON.parse(line) as EventMessage
      const attributes = Actor?.Attributes ?? {}
      return [
        Action?.split(':')[0],
        attributes['gantry.by'],
        attributes['gantry.door'],
        attributes['gantry.reason'],
      ]
        .filter(Boolean)
        .join(' ')
    })
  }

  it('is told by inspect of containers, networks, volumes and images, as the kernel tells it', async () => {
    await asRoot('create', '--name', 'roots', 'box:1', 'true')
    await asNobody('create', '--name', 'nobodys', '-v', 'nobodys:/data', 'box:1', 'true')
    await asNobody('network', 'create', 'nobodys')
    await asNobody('tag', 'box:1', 'box:2')
    assert.equal(await makerOf(inspect('inspect', 'roots')), 'socket root 0 docker true')
    const nobody = `socket nobody ${String(NOBODY)} docker true`
    assert.equal(await makerOf(inspect('inspect', 'nobodys')), nobody)
    assert.equal(await makerOf(network('nobodys')), nobody)
    assert.equal(await makerOf(volume('nobodys')), nobody)
    assert.equal(await makerOf(inspect('image', 'inspect', 'box:1')), 'socket root 0 docker true')
    const image = await inspect('image', 'inspect', 'box:1')
    const names = Object.entries(image?.Gantry?.NamedBy ?? {}).map(([name, by]) => [name, by.Name])
    assert.deepEqual(names, [
      ['box:1', 'root'],
      ['box:2', 'nobody'],
    ])
  })

  it('is told by events: who started, who stopped, and that nobody caused a crash', async () => {
    await asRoot(
      'run',
      '-d',
      '--name',
      'stopped',
      '--stop-signal',
      'KILL',
      'box:1',
      'sleep',
      '1000',
    )
    await asNobody('stop', 'stopped')
    assert.deepEqual(await history('stopped'), [
      'create root socket',
      'start root socket',
      'kill nobody socket',
      'die nobody socket',
      'stop nobody socket',
    ])
    await asNobody('run', '-d', '--name', 'crashed', 'box:1', 'sh', '-c', 'sleep 0.2; exit 3')
    await asRoot('wait', 'crashed')
    assert.deepEqual(await history('crashed'), [
      'create nobody socket',
      'start nobody socket',
      'die system system its process ended',
    ])
    // a signal ends what does not handle it, and what it ended its sender has ended
    await asRoot(
      'run',
      '-d',
      '--name',
      'hup',
      'box:1',
      'sh',
      '-c',
      'trap "exit 129" HUP; echo ready; sleep 9 & wait',
    )
    // a signal to an init that has no handler yet is nobody's
    await eventually(
      () => asRoot('logs', 'hup'),
      (text) => text === 'ready',
    )
    await asNobody('kill', '-s', 'HUP', 'hup')
    await asRoot('wait', 'hup')
    assert.equal((await history('hup')).at(-1), 'die nobody socket')
  })

  it('is the restart policy when a container is started again, and root when root removes it', async () => {
    await asNobody(
      'run', '-d', '--name', 'again', '--restart', 'on-failure:1', 'box:1', 'sh', '-c', 'exit 3',
    ) // prettier-ignore
    await eventually(
      () => history('again'),
      (events) => events.filter((event) => event.startsWith('die')).length === 2,
    )
    await asRoot('rm', '-f', 'again')
    assert.deepEqual(await history('again'), [
      'create nobody socket',
      'start nobody socket',
      'die system system its process ended',
      'start system system restart policy',
      'die system system its process ended',
      'destroy root socket',
    ])
  })

  it('is the health check where it finds a change, and whoever runs an exec', async () => {
    await asNobody(
      'run', '-d', '--name', 'probed', '--health-cmd', 'true', '--health-interval', '100ms', 'box:1', 'sleep', '1000',
    ) // prettier-ignore
    await eventually(
      () => history('probed'),
      (events) => events.includes('health_status system system health check'),
    )
    await asRoot('exec', 'probed', 'true')
    const execs = (await history('probed')).filter((event) => event.startsWith('exec_'))
    assert.deepEqual(execs, [
      'exec_create root socket',
      'exec_start root socket',
      'exec_die system system its process ended',
    ])
    await asRoot('rm', '-f', 'probed')
  })

  it('cannot be forged by a label', async () => {
    await asNobody(
      'create',
      '--name',
      'forged',
      '-l',
      'gantry.by=root',
      '-l',
      'tier=x',
      'box:1',
      'true',
    )
    assert.deepEqual(await history('forged'), ['create nobody socket'])
    assert.match(
      await asRoot(
        'events', '--since', '0', '--until', String(soFar()), '--filter', 'label=gantry.by=nobody',
        '--filter', 'container=forged', '--format', '{{.Action}} {{index .Actor.Attributes "tier"}}',
      ), // prettier-ignore
      /^create x$/,
    )
  })

  it('is remembered by an engine that was killed and started again', async () => {
    const before = await history('stopped')
    await asNobody(
      'run',
      '-d',
      '--name',
      'outlives',
      '--restart',
      'always',
      'box:1',
      'sleep',
      '1000',
    )
    await engine.kill()
    await engine.start()
    fs.chownSync(engine.instance.socketPath, 0, group)
    assert.deepEqual(await history('stopped'), before)
    assert.match(await makerOf(inspect('inspect', 'outlives')), /^socket nobody/)
    assert.match(await makerOf(volume('nobodys')), /^socket nobody/)
    assert.match(await makerOf(network('nobodys')), /^socket nobody/)
    await asRoot('rm', '-f', 'outlives')
    assert.equal((await history('outlives')).at(-2), 'die root socket')
  })
})
