import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { EngineProcess } from '../helpers/engine-process.ts'
import { importBusybox, testInstance } from '../helpers/local-engine.ts'
import { sweepInstance } from '../helpers/sweep-instance.ts'
import { eventually, whyNot } from './harness.ts'
import { PLUGINS, whyNoPlugin } from './plugins.ts'

const skip = (await whyNot()) || whyNoPlugin('docker-buildx')

describe('what builds of a BuildKit client need for a while', { skip }, () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
  const instance = testInstance(root)
  // whatever would go there fails
  const engine = new EngineProcess(instance, { env: { TMPDIR: path.join(root, 'no-such-place') } })
  const config = path.join(root, 'config')
  const dir = path.join(root, 'context')
  before(async () => {
    fs.mkdirSync(config)
    fs.symlinkSync(PLUGINS, path.join(config, 'cli-plugins'))
    fs.mkdirSync(dir)
    await importBusybox(await engine.start())
  })
  after(async () => {
    await engine.kill('SIGTERM')
    await sweepInstance(instance)
    fs.rmSync(root, { recursive: true, force: true })
  })

  async function build(dockerfile: string, ...args: string[]): Promise<{ told: string }> {
    fs.writeFileSync(path.join(dir, 'Dockerfile'), dockerfile)
    const child = spawn('docker', ['buildx', 'build', '--progress=plain', ...args, dir], {
      env: { ...process.env, DOCKER_HOST: `unix://${instance.socketPath}`, DOCKER_CONFIG: config },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    return { told: await text(child.stderr) }
  }

  it('is below the roots of the engine', async () => {
    const target = path.join(root, 'target')
    const dockerfile = 'FROM busybox\nRUN echo out > /f'
    const { told } = await build(dockerfile, '--output', `type=local,dest=${target}`)
    assert.equal(fs.readFileSync(path.join(target, 'f'), 'utf8'), 'out\n', told)
    assert.deepEqual(fs.readdirSync(path.join(instance.dataRoot, 'builds')), [])
  })

  it('is swept at the start that follows a crash', async () => {
    const agent = path.join(root, 'agent')
    const server = net.createServer().listen(agent)
    const runs = path.join(instance.runRoot, 'c')
    try {
      const building = build(
        'FROM busybox\nRUN --mount=type=ssh test -S "$SSH_AUTH_SOCK" && sleep 30',
        ...['--ssh', `default=${agent}`],
      )
      const left = await eventually(
        () => Promise.resolve(fs.readdirSync(runs).filter((name) => name.startsWith('ssh-'))),
        (names) => names.length > 0,
      )
      await engine.kill('SIGKILL')
      await building
      // one whose name was not yet taken away
      const spool = path.join(instance.dataRoot, 'builds', 'spool-0011223344556677')
      fs.writeFileSync(spool, 'files of an image')
      await engine.start()
      assert.equal(fs.existsSync(spool), false)
      for (const name of left) assert.equal(fs.existsSync(path.join(runs, name)), false)
    } finally {
      server.close()
    }
  })
})
