import assert from 'node:assert/strict'
import fs from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { eventually, openCli, whyNot } from './harness.ts'
import type { Cli } from './harness.ts'

describe('docker run', { skip: await whyNot() }, () => {
  let cli: Cli
  const name = (suffix: string): string => `${cli.prefix}-${suffix}`

  before(async () => {
    cli = await openCli()
  })
  after(() => cli.close())

  it('prints to both streams, hands the exit code on and leaves nothing with --rm', async () => {
    const result = await cli.run([
      'run',
      '--rm',
      '--name',
      name('rm'),
      cli.image,
      'sh',
      '-c',
      'echo out; echo err >&2; exit 7',
    ])
    assert.deepEqual(result, { code: 7, stdout: 'out\n', stderr: 'err\n' })
    await eventually(
      () => cli.run(['inspect', name('rm')]),
      ({ code }) => code !== 0,
    )
  })

  it('pipes standard input with -i until its end', async () => {
    const input = 'line\n'.repeat(20_000)
    const result = await cli.run(['run', '--rm', '-i', cli.image, 'cat'], { input })
    assert.equal(result.code, 0)
    assert.equal(result.stdout.length, input.length)
    assert.equal(result.stdout, input)
  })

  it('gives a terminal with -it, of the right size', async () => {
    const session = cli.terminal(['run', '--rm', '-it', cli.image, 'sh'], { rows: 33, cols: 99 })
    await session.until('# ')
    session.type('tty; stty size; echo do""ne\n')
    await session.until('done')
    assert.match(session.output, /\/dev\/(pts\/\d+|console)/)
    assert.match(session.output, /33 99/)
    session.type('exit 5\n')
    assert.equal(await session.exited, 5)
  })

  it('sets environment, working directory, user, host name and labels', async () => {
    const out = await cli.ok(
      'run', '--rm', '-e', 'GREETING=hello world', '-w', '/var/www', '-u', '1000:2000', '-h', 'box', '-l', 'tier=front',
      cli.image, 'sh', '-c', 'echo $GREETING; pwd; id -u; id -g; hostname',
    ) // prettier-ignore
    assert.equal(out, 'hello world\n/var/www\n1000\n2000\nbox')
  })

  it('runs in the background with -d, shows in ps, logs and stops', async () => {
    const id = await cli.ok(
      'run',
      '-d',
      '--name',
      name('bg'),
      cli.image,
      'sh',
      '-c',
      'echo started; exec sleep 1000',
    )
    assert.match(id, /^[0-9a-f]{64}$/)
    await eventually(
      () => cli.ok('logs', name('bg')),
      (text) => text === 'started',
    )
    const row = await cli.ok(
      'ps',
      '--filter',
      `name=${name('bg')}`,
      '--format',
      '{{.ID}} {{.Image}} {{.Status}}',
    )
    assert.match(row, new RegExp(`^${id.slice(0, 12)} ${cli.image} Up `))
    assert.equal(await cli.ok('stop', '-t', '1', name('bg')), name('bg'))
    assert.match(
      await cli.ok('ps', '-a', '--filter', `name=${name('bg')}`, '--format', '{{.Status}}'),
      /^Exited \(137\)/,
    )
    await cli.ok('rm', name('bg'))
  })

  it('removes a background container with --rm -d when it has ended', async () => {
    await cli.ok('run', '-d', '--rm', '--name', name('gone'), cli.image, 'true')
    await eventually(
      () => cli.run(['inspect', name('gone')]),
      ({ code }) => code !== 0,
    )
  })

  it('keeps a named volume over containers and mounts a directory of the host', async () => {
    await cli.ok(
      'run',
      '--rm',
      '-v',
      `${name('data')}:/data`,
      cli.image,
      'sh',
      '-c',
      'echo kept > /data/file',
    )
    assert.equal(
      await cli.ok('run', '--rm', '-v', `${name('data')}:/data:ro`, cli.image, 'cat', '/data/file'),
      'kept',
    )
    const readonly = await cli.run([
      'run',
      '--rm',
      '-v',
      `${name('data')}:/data:ro`,
      cli.image,
      'touch',
      '/data/new',
    ])
    assert.match(readonly.stderr, /Read-only file system/)
    const host = path.join(cli.dir, 'shared')
    await fs.mkdir(host)
    await cli.ok(
      'run',
      '--rm',
      '-v',
      `${host}:/host`,
      cli.image,
      'sh',
      '-c',
      'echo here > /host/file',
    )
    assert.equal(await fs.readFile(path.join(host, 'file'), 'utf8'), 'here\n')
    await cli.ok('volume', 'rm', name('data'))
  })

  it('fills a volume that is empty from the image, whoever made it, and one with something in it never', async () => {
    const volume = name('filled')
    const list = (...options: string[]): Promise<string> =>
      cli.ok('run', '--rm', ...options, cli.image, 'ls', '/var')
    await cli.ok('volume', 'create', volume)
    assert.equal(await list('-v', `${volume}:/var:nocopy`), '')
    assert.equal(await list('-v', `${volume}:/var`), 'www')
    await cli.ok('run', '--rm', '-v', `${volume}:/v`, cli.image, 'sh', '-c', 'rmdir /v/www; touch /v/own')
    assert.equal(await list('-v', `${volume}:/var`), 'own')
    await cli.ok('volume', 'rm', volume)
  }) // prettier-ignore

  it('publishes a port with -p', async () => {
    await cli.ok(
      'run', '-d', '--name', name('web'), '-p', '127.0.0.1::80', cli.image,
      'sh', '-c', 'mkdir -p /srv; echo served > /srv/index.html; exec httpd -f -p 80 -h /srv',
    ) // prettier-ignore
    const [address = ''] = (await cli.ok('port', name('web'), '80')).split('\n')
    assert.match(address, /^127\.0\.0\.1:\d+$/)
    const page = await eventually(
      () =>
        fetch(`http://${address}/`)
          .then((answer) => answer.text())
          .catch(() => ''),
      (text) => text !== '',
    )
    assert.equal(page, 'served\n')
    assert.match(
      await cli.ok('ps', '--filter', `name=${name('web')}`, '--format', '{{.Ports}}'),
      /127\.0\.0\.1:\d+->80\/tcp/,
    )
    await cli.ok('rm', '-f', name('web'))
  })

  it('limits memory, CPU and processes', async () => {
    const limits = ['-m', '32m', '--cpus', '0.5', '--pids-limit', '20']
    await cli.ok('run', '-d', '--name', name('small'), ...limits, cli.image, 'sleep', '1000')
    const shown = await cli.ok(
      'inspect', '-f', '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}', name('small'),
    ) // prettier-ignore
    assert.equal(shown, '33554432 500000000 20')
    const stats = await cli.ok(
      'stats',
      '--no-stream',
      '--format',
      '{{.MemUsage}} {{.PIDs}}',
      name('small'),
    )
    assert.match(stats, /\/ 32MiB 1$/)
    await cli.ok('rm', '-f', name('small'))
  })

  it('starts again what fails, as often as --restart says', async () => {
    await cli.ok(
      'run',
      '-d',
      '--name',
      name('again'),
      '--restart',
      'on-failure:2',
      cli.image,
      'sh',
      '-c',
      'echo try; exit 3',
    )
    await eventually(
      () =>
        cli.ok(
          'inspect',
          '-f',
          '{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}}',
          name('again'),
        ),
      (state) => state === '2 exited 3',
    )
    assert.equal(await cli.ok('logs', name('again')), 'try\ntry\ntry')
    await cli.ok('rm', name('again'))
  })

  it('tells of a command that is not there, not executable, or of an image that is not there', async () => {
    const missing = await cli.run(['run', '--rm', cli.image, 'no-such-command'])
    assert.equal(missing.code, 127)
    assert.match(missing.stderr, /exec: "no-such-command": executable file not found in \$PATH/)
    const refused = await cli.run(['run', '--rm', cli.image, '/etc/passwd'])
    assert.equal(refused.code, 126)
    assert.match(refused.stderr, /exec: "\/etc\/passwd": permission denied/)
    const image = await cli.run(['run', '--rm', '--pull', 'never', `${cli.prefix}/nothing:1`])
    assert.equal(image.code, 125)
    assert.match(image.stderr, /No such image: \S+\/nothing:1/)
  })

  it('refuses a name that is taken', async () => {
    const id = await cli.ok('create', '--name', name('taken'), cli.image)
    const second = await cli.run(['create', '--name', name('taken'), cli.image])
    assert.equal(second.code, 1)
    assert.match(
      second.stderr,
      new RegExp(
        `Conflict. The container name "/${name('taken')}" is already in use by container "${id}"`,
      ),
    )
    await cli.ok('rm', name('taken'))
  })
})
