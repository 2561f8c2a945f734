import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { soFar } from '../helpers/so-far.ts'
import { eventually, openCli, whyNot } from './harness.ts'
import type { Cli } from './harness.ts'

interface Health {
  Status: string
  FailingStreak: number
  Log: { Start: string; End: string; ExitCode: number; Output: string }[]
}

describe('docker run --health-cmd', { skip: await whyNot() }, () => {
  let cli: Cli
  before(async () => {
    cli = await openCli()
  })
  after(() => cli.close())

  const health = async (box: string): Promise<Health> =>
    JSON.parse(await cli.ok('inspect', '-f', '{{json .State.Health}}', box)) as Health
  const run = async (name: string, ...args: string[]): Promise<string> => {
    const box = `${cli.prefix}-${name}`
    await cli.ok('run', '-d', '--name', box, ...args, cli.image, 'sleep', '1000')
    return box
  }

  it('is starting, then healthy; keeps the last five results, each cut at 4096 bytes', async () => {
    const since = String(Date.now() / 1000)
    const box = await run(
      'well',
      '--health-cmd',
      'until [ -e /go ]; do sleep 0.02; done; echo mark; head -c 5000 /dev/zero | tr "\\0" x; sleep 0.05; echo late >&2',
      '--health-interval',
      '200ms',
    )
    assert.equal((await health(box)).Status, 'starting')
    assert.match(
      await cli.ok('ps', '--filter', `name=${box}`, '--format', '{{.Status}}'),
      /^Up .*\(health: starting\)$/,
    )
    await cli.ok('exec', box, 'touch', '/go')
    const { FailingStreak, Log } = await eventually(
      () => health(box),
      ({ Log, Status }) => Status === 'healthy' && Log.length === 5,
    )
    assert.equal(FailingStreak, 0)
    const last = Log[4]
    assert.equal(last?.ExitCode, 0)
    assert.ok(last.Output.startsWith('mark\nxxx'), last.Output.slice(0, 20))
    assert.equal(last.Output.length, 4096 + 3)
    assert.ok(last.Output.endsWith('...'))
    assert.ok(last.Start < last.End)
    const { Log: later } = await eventually(
      () => health(box),
      ({ Log: now }) => now[0]?.Start !== Log[0]?.Start,
    )
    assert.equal(later.length, 5)
    assert.match(
      await cli.ok(
        'ps',
        '--filter',
        `name=${box}`,
        '--filter',
        'health=healthy',
        '--format',
        '{{.Status}}',
      ),
      /\(healthy\)$/,
    )
    const events = await cli.ok(
      'events', '--since', since, '--until', String(soFar()), '--filter', `container=${box}`,
      '--filter', 'event=health_status', '--format', '{{.Action}}',
    ) // prettier-ignore
    assert.equal(events, 'health_status: healthy')
    // else the first probe after the next start may be over before its health is asked for
    await cli.ok('exec', box, 'rm', '/go')
    await cli.ok('kill', box)
    assert.equal((await health(box)).Status, 'unhealthy')
    await cli.ok('start', box)
    assert.equal((await health(box)).Status, 'starting')
  })

  it('is unhealthy after so many failures in a row, and healthy again after one success', async () => {
    const box = await run(
      'ill',
      '--health-cmd',
      'test -e /tmp/well || exit 4',
      '--health-interval',
      '150ms',
      '--health-retries',
      '3',
    )
    const ill = await eventually(
      () => health(box),
      ({ Status }) => Status === 'unhealthy',
    )
    assert.ok(ill.FailingStreak >= 3, String(ill.FailingStreak))
    assert.equal(ill.Log.at(-1)?.ExitCode, 4)
    await cli.ok('exec', box, 'touch', '/tmp/well')
    const well = await eventually(
      () => health(box),
      ({ Status }) => Status === 'healthy',
    )
    assert.equal(well.FailingStreak, 0)
  })

  it('does not count failures in the start period', async () => {
    const box = await run(
      'slow',
      '--health-cmd',
      'exit 1',
      '--health-interval',
      '100ms',
      '--health-retries',
      '1',
      '--health-start-period',
      '60s',
      ...(cli.own ? ['--health-start-interval', '100ms'] : []),
    )
    const { FailingStreak, Status } = await eventually(
      () => health(box),
      ({ Log }) => Log.length >= 3,
    )
    assert.deepEqual({ FailingStreak, Status }, { FailingStreak: 0, Status: 'starting' })
  })

  it('ends a probe that takes too long, with what it has started', async () => {
    const box = await run(
      'hung',
      '--health-cmd',
      'echo waiting; sleep 4321 & sleep 4321',
      '--health-interval',
      '100ms',
      '--health-timeout',
      '300ms',
    )
    const { Log } = await eventually(
      () => health(box),
      ({ Status }) => Status === 'unhealthy',
    )
    assert.equal(Log.at(-1)?.ExitCode, -1)
    assert.match(
      Log.at(-1)?.Output ?? '',
      /^Health check exceeded timeout \(300ms\)(: waiting\n)?$/,
    )
    if (!cli.own) return
    const sleepers = (await cli.ok('top', box))
      .split('\n')
      .filter((line) => /sleep 4321/.test(line))
    // those of the probe that runs just now
    assert.ok(sleepers.length <= 3, sleepers.join('\n'))
  })

  it('rests while the container is paused', async () => {
    const box = await run('rest', '--health-cmd', 'exit 0', '--health-interval', '100ms')
    await eventually(
      () => health(box),
      ({ Status }) => Status === 'healthy',
    )
    await cli.ok('pause', box)
    const before = (await health(box)).Log.at(-1)?.Start
    await new Promise((resolve) => setTimeout(resolve, 600))
    const paused = await health(box)
    assert.equal(paused.Log.at(-1)?.Start, before)
    // Docker calls it unhealthy meanwhile
    if (cli.own) assert.equal(paused.Status, 'healthy')
    await cli.ok('unpause', box)
    await eventually(
      () => health(box),
      ({ Log, Status }) => Status === 'healthy' && Log.at(-1)?.Start !== before,
    )
  })

  it("comes from the image, field by field, and `--no-healthcheck` takes the image's away", async () => {
    const image = `${cli.prefix}/checked:1`
    await cli.ok('import', '--change', 'ENV PATH=/bin', '--change',
      'HEALTHCHECK --interval=150ms --retries=7 CMD echo from the image', `${cli.dir}/busybox.tar`, image) // prettier-ignore
    const box = `${cli.prefix}-inherits`
    await cli.ok('run', '-d', '--name', box, '--health-retries', '2', image, 'sleep', '1000')
    const { Log } = await eventually(
      () => health(box),
      ({ Status }) => Status === 'healthy',
    )
    assert.equal(Log[0]?.Output, 'from the image\n')
    assert.equal(
      await cli.ok(
        'inspect',
        '-f',
        '{{.Config.Healthcheck.Retries}} {{.Config.Healthcheck.Interval}}',
        box,
      ),
      '2 150ms',
    )
    const bare = `${cli.prefix}-bare`
    await cli.ok('run', '-d', '--name', bare, '--no-healthcheck', image, 'sleep', '1000')
    assert.equal(await cli.ok('inspect', '-f', '{{json .State.Health}}', bare), 'null')
    for (const [args, words] of [
      [
        ['--health-cmd', 'true', '--health-interval', '10us'],
        /Interval in Healthcheck cannot be less than 1ms/,
      ],
      [
        ['--health-cmd', 'true', '--health-retries', '-1'],
        /Retries in Healthcheck cannot be negative|--health-retries cannot be negative/,
      ],
    ] as const) {
      const refused = await cli.run(['create', ...args, cli.image])
      assert.notEqual(refused.code, 0)
      assert.match(refused.stderr, words)
    }
  })
})
