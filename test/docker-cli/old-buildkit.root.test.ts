import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { eventually, openCli, type Cli } from './harness.ts'

/** Debian's, though another may come first on PATH. */
const OLD = '/usr/bin'

function whyNotOld(): string | false {
  const { stdout } = spawnSync(`${OLD}/docker`, ['--version'], { encoding: 'utf8' })
  return /version (1\d|20)\./.test(stdout ?? '') ? false : `${OLD}/docker is not of before 23`
}

describe('docker build of before buildx, by BuildKit', { skip: whyNotOld() }, () => {
  let cli: Cli
  let context: string
  before(async () => {
    process.env.PATH = `${OLD}:${process.env.PATH ?? ''}`
    process.env.DOCKER_BUILDKIT = '1'
    cli = await openCli()
    context = path.join(cli.dir, 'context')
    fs.mkdirSync(context)
    fs.writeFileSync(path.join(context, 'a'), 'from the context')
    fs.writeFileSync(path.join(context, 'ignored'), 'x')
    fs.writeFileSync(path.join(context, '.dockerignore'), 'ignored\n')
    const dockerfile = `FROM ${cli.image}\nCOPY . /ctx\n`
    fs.writeFileSync(path.join(context, 'Dockerfile'), dockerfile)
  })
  after(() => cli.close())

  it('takes directories, secrets and the Dockerfile from its session', async () => {
    const file = path.join(cli.dir, 'Dockerfile.apart')
    const secret = path.join(cli.dir, 'secret')
    fs.writeFileSync(secret, 'told')
    fs.writeFileSync(
      file,
      `FROM ${cli.image}\nCOPY . /ctx\nRUN --mount=type=secret,id=s cp /run/secrets/s /said\n`,
    )
    const tag = `${cli.prefix}/session`
    const args = ['build', '-t', tag, '--secret', `id=s,src=${secret}`, '-f', file, context]
    const { code, stderr } = await cli.run(args)
    assert.equal(code, 0, stderr)
    assert.match(stderr, /RUN --mount=type=secret/)
    const said = await cli.ok('run', '--rm', tag, 'sh', '-c', 'cat /said; ls /ctx')
    assert.equal(said, 'toldDockerfile\na')
  })

  it('takes an archive from its standard input', async () => {
    const tar = spawnSync('tar', ['-C', context, '-c', '.']).stdout
    const tag = `${cli.prefix}/piped`
    const { code, stderr } = await cli.run(['build', '-t', tag, '-'], { input: tar })
    assert.equal(code, 0, stderr)
    assert.equal(await cli.ok('run', '--rm', tag, 'cat', '/ctx/a'), 'from the context')
  })

  it('says only the ID when it is to be quiet, and puts files where --output wants them', async () => {
    const id = await cli.ok('build', '-q', context)
    assert.match(id, /^sha256:[0-9a-f]{64}$/)
    const out = path.join(cli.dir, 'out')
    await cli.ok('build', '-o', out, context)
    assert.equal(fs.readFileSync(path.join(out, 'ctx/a'), 'utf8'), 'from the context')
  })

  it('is cancelled when it is interrupted', async () => {
    const dir = path.join(cli.dir, 'cancelled')
    fs.mkdirSync(dir)
    fs.writeFileSync(
      path.join(dir, 'Dockerfile'),
      `FROM ${cli.image}\nRUN echo begun; exec sleep 98764\n`,
    )
    const running = (): Promise<string> =>
      Promise.resolve(spawnSync('pgrep', ['-fx', 'sleep 98764']).stdout.toString())
    const session = cli.start(['build', '--progress', 'plain', dir])
    await eventually(running, (pids) => pids !== '')
    session.kill('SIGINT')
    await eventually(running, (pids) => pids === '')
    assert.notEqual(await session.exited, 0)
  })
})
