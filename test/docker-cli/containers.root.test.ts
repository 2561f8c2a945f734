import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { soFar } from '../helpers/so-far.ts'
import { eventually, openCli, whyNot } from './harness.ts'
import type { Cli } from './harness.ts'
import { startWait } from './http.ts'

describe('docker with a running container', { skip: await whyNot() }, () => {
  let cli: Cli
  let box: string
  const name = (suffix: string): string => `${cli.prefix}-${suffix}`
  const state = (format: string): Promise<string> => cli.ok('inspect', '-f', format, box)

  before(async () => {
    cli = await openCli()
    box = name('box')
    await cli.ok('run', '-dit', '--name', box, cli.image, 'sh')
  })
  after(() => cli.close())

  it('exec runs a command, hands on its streams and exit code', async () => {
    const result = await cli.run(['exec', box, 'sh', '-c', 'echo out; echo err >&2; exit 9'])
    assert.deepEqual(result, { code: 9, stdout: 'out\n', stderr: 'err\n' })
    const piped = await cli.run(['exec', '-i', box, 'wc', '-c'], { input: 'x'.repeat(300_000) })
    assert.equal(piped.stdout, '300000\n')
    assert.equal(
      await cli.ok(
        'exec',
        '-e',
        'A=b c',
        '-w',
        '/tmp',
        '-u',
        '1000',
        box,
        'sh',
        '-c',
        'echo $A; pwd; id -u',
      ),
      'b c\n/tmp\n1000',
    )
    const missing = await cli.run(['exec', box, 'no-such-command'])
    assert.ok(missing.code === 127 || missing.code === 126, String(missing.code))
    assert.match(
      missing.stdout + missing.stderr,
      /exec: "no-such-command": executable file not found in \$PATH/,
    )
    await cli.ok('exec', '-d', box, 'sh', '-c', 'echo made > /tmp/detached')
    await eventually(
      () => cli.run(['exec', box, 'cat', '/tmp/detached']),
      ({ stdout }) => stdout === 'made\n',
    )
  })

  it('exec -it gives a terminal', async () => {
    const session = cli.terminal(['exec', '-it', box, 'sh'], { rows: 21, cols: 77 })
    await session.until('# ')
    session.type('stty size; echo do""ne\n')
    await session.until('done')
    assert.match(session.output, /21 77/)
    session.type('exit 4\n')
    assert.equal(await session.exited, 4)
  })

  it('attach talks to the terminal, and leaves it with the detach keys', async () => {
    const session = cli.terminal(['attach', box])
    session.type('\n')
    await session.until('# ')
    session.type('echo at""tached\n')
    await session.until('attached')
    session.type('\x10\x11')
    await session.exited
    assert.match(session.output, /read escape sequence/)
    assert.equal(await state('{{.State.Running}}'), 'true')
  })

  it('top shows its processes and stats its use', async () => {
    assert.match(await cli.ok('top', box), /PID[\s\S]*\bsh\b/)
    assert.match(await cli.ok('top', box, '-o', 'pid,comm'), /PID\s+COMMAND\n\d+\s+(sh|busybox)/)
    assert.match(
      await cli.ok(
        'stats',
        '--no-stream',
        '--format',
        '{{.Name}} {{.CPUPerc}} {{.MemUsage}} {{.PIDs}}',
        box,
      ),
      new RegExp(`^${box} [\\d.]+% [\\d.]+\\w+ / [\\d.]+\\w+ 1$`),
    )
    const live = cli.start(['stats', '--format', '{{.PIDs}}', box])
    await live.until(/1[\s\S]*1/)
    live.kill()
  })

  it('pause freezes it and unpause lets it go on', async () => {
    await cli.ok('pause', box)
    assert.equal(await state('{{.State.Status}}'), 'paused')
    assert.match((await cli.run(['exec', box, 'true'])).stderr, /is paused/)
    await cli.ok('unpause', box)
    assert.equal(await state('{{.State.Status}}'), 'running')
  })

  it('rename, update and inspect agree', async () => {
    await cli.ok('rename', box, name('renamed'))
    assert.equal(await cli.ok('inspect', '-f', '{{.Name}}', name('renamed')), `/${name('renamed')}`)
    await cli.ok('rename', name('renamed'), box)
    await cli.ok('update', '--memory', '64m', '--memory-swap', '64m', '--restart', 'always', box)
    assert.equal(
      await state('{{.HostConfig.Memory}} {{.HostConfig.RestartPolicy.Name}}'),
      '67108864 always',
    )
    await cli.ok('update', '--restart', 'no', box)
    const missing = await cli.run(['inspect', '--type', 'container', name('nobody')])
    assert.equal(missing.code, 1)
    assert.match(missing.stderr, /No such container: /)
  })

  it('restart, kill, wait and start change its state, and say so when there is nothing to do', async () => {
    await cli.ok('restart', '-t', '0', box)
    const waiting = await startWait(cli.host, box, 'not-running')
    await cli.ok('kill', box)
    assert.equal(await waiting.exitCode, 137)
    assert.equal(await cli.ok('wait', box), '137')
    assert.match((await cli.run(['kill', box])).stderr, /is not running/)
    assert.match((await cli.run(['exec', box, 'true'])).stderr, /is not running/)
    assert.equal(await cli.ok('stop', box), box)
    await cli.ok('start', box)
    assert.equal(await cli.ok('start', box), box)
    assert.match(
      (await cli.run(['rm', box])).stderr,
      /cannot remove (container .*container is running|a running container)[:\w\s.]*[Ss]top the container before/,
    )
  })

  it('logs gives the end, what came since, times, and follows to the last line', async () => {
    const talker = name('talker')
    await cli.ok(
      'run',
      '-d',
      '--name',
      talker,
      cli.image,
      'sh',
      '-c',
      'for i in 1 2 3 4 5; do echo line $i; done; echo oops >&2; sleep 1; echo late; exit 0',
    )
    const follow = await cli.run(['logs', '-f', talker])
    assert.equal(follow.stdout, 'line 1\nline 2\nline 3\nline 4\nline 5\nlate\n')
    assert.equal(follow.stderr, 'oops\n')
    assert.equal(await cli.ok('logs', '--tail', '1', talker), 'late')
    const stamped = await cli.ok('logs', '-t', '--tail', '1', talker)
    assert.match(stamped, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z late$/)
    const since = stamped.split(' ')[0] ?? ''
    assert.equal(await cli.ok('logs', '--since', since, talker), 'late')
    assert.equal(
      (await cli.run(['logs', '--until', since, '--tail', '3', talker])).stdout.split('\n')[0],
      'line 5',
    )
    await cli.ok('rm', talker)
  })

  it('events tell of a life, past and live', async () => {
    const since = String(Date.now() / 1000)
    const live = cli.start([
      'events',
      '--since',
      since,
      '--filter',
      `container=${name('short')}`,
      '--format',
      '{{.Action}}',
    ])
    await cli.ok('run', '--rm', '--name', name('short'), cli.image, 'true')
    await live.until('destroy')
    live.kill()
    const past = await cli.ok(
      'events', '--since', since, '--until', String(soFar()), '--filter', `container=${name('short')}`,
      '--filter', 'event=create', '--filter', 'event=start', '--filter', 'event=die', '--filter', 'event=destroy', '--format', '{{.Action}}',
    ) // prettier-ignore
    assert.equal(past, 'create\nstart\ndie\ndestroy')
    assert.match(live.output, /create\n[\s\S]*start\n[\s\S]*die\n[\s\S]*destroy\n/)
  })

  it('create, start -a and container prune', async () => {
    const once = name('once')
    await cli.ok(
      'create',
      '--name',
      once,
      '--label',
      `run=${cli.prefix}`,
      cli.image,
      'sh',
      '-c',
      'echo ran; exit 6',
    )
    const started = await cli.run(['start', '-a', once])
    assert.deepEqual([started.code, started.stdout], [6, 'ran\n'])
    const pruned = await cli.ok('container', 'prune', '-f', '--filter', `label=run=${cli.prefix}`)
    assert.match(pruned, /Deleted Containers:\n[0-9a-f]{64}\n/)
    assert.equal((await cli.run(['inspect', once])).code, 1)
  })
})
