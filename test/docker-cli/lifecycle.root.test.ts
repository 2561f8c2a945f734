import assert from 'node:assert/strict'
import fs from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { ask } from '../helpers/docker-api.ts'
import { soFar } from '../helpers/so-far.ts'
import { eventually, openCli, whyNot } from './harness.ts'
import type { Cli } from './harness.ts'
import { startWait } from './http.ts'

const isOwn = process.env.GANTRY_TEST_DOCKER_HOST === undefined

describe('the life of a container', { skip: await whyNot() }, () => {
  let cli: Cli
  before(async () => {
    cli = await openCli()
  })
  after(() => cli.close())

  const name = (suffix: string): string => `${cli.prefix}-${suffix}`
  const inspect = (format: string, box: string): Promise<string> =>
    cli.ok('inspect', '-f', format, box)
  const status = (box: string): Promise<string> => inspect('{{.State.Status}}', box)
  async function run(box: string, script: string, ...options: string[]): Promise<string> {
    await cli.ok('run', '-d', '--name', name(box), ...options, cli.image, 'sh', '-c', script)
    return name(box)
  }
  const wait = (box: string, condition: string, patienceMs = 20_000): Promise<number | undefined> =>
    ask(cli.socketPath, 'POST', `/containers/${box}/wait?condition=${condition}`, {
      patienceMs,
    }).then(({ json }) => (json as { StatusCode?: number } | undefined)?.StatusCode)

  it('docker run ends with 125, 126, 127, 137 and 143 for what they mean', async () => {
    const code = async (...args: string[]): Promise<number | null> =>
      (await cli.run(['run', '--rm', ...args])).code
    assert.equal(await code('--pid', 'nonsense', cli.image), 125)
    assert.equal(await code(cli.image, '/etc'), 126)
    assert.equal(await code(cli.image, 'no-such-command'), 127)
    // an init is deaf to what it sends to itself
    assert.equal(await code(cli.image, 'sh', '-c', 'kill -KILL $$'), 0)
    assert.equal(await code('--init', cli.image, 'sh', '-c', 'kill -KILL $$'), 137)
    assert.equal(await code('--init', cli.image, 'sh', '-c', 'kill -TERM $$'), 143)
    assert.equal(await code(cli.image, 'sh', '-c', 'exit 42'), 42)
  })

  it('stops by the signal that it asks for, by name, number or real-time name', async () => {
    for (const [signal, number] of [
      ['SIGUSR1', 10],
      ['12', 12],
      ['RTMIN+3', 37],
    ] as const) {
      const box = await run(
        `sig${String(number)}`,
        `trap "exit 9" ${String(number)}; echo up; while :; do sleep 0.05; done`,
        '--stop-signal',
        signal,
      )
      await eventually(
        () => cli.ok('logs', box),
        (words) => words === 'up',
      )
      await cli.ok('stop', '-t', '20', box)
      assert.equal(await inspect('{{.State.ExitCode}}', box), '9', signal)
      await cli.ok('rm', box)
    }
    const refused = await cli.run(['create', '--stop-signal', 'NOPE', cli.image])
    assert.match(refused.stderr, /invalid signal: NOPE/i)
  })

  it('has the grace time that it asks for; 0 is none, -1 for ever', async () => {
    const deaf = 'trap "" TERM; echo up; while :; do sleep 0.05; done'
    const none = await run('grace0', deaf, '--stop-timeout', '0')
    await eventually(
      () => cli.ok('logs', none),
      (words) => words === 'up',
    )
    const since = Date.now()
    await cli.ok('stop', none)
    assert.ok(Date.now() - since < 8_000, 'not the ten seconds that are the default')
    assert.equal(await inspect('{{.State.ExitCode}}', none), '137')
    const forever = await run('grace-1', 'trap "sleep 2; exit 5" TERM; echo up; while :; do sleep 0.05; done') // prettier-ignore
    await eventually(
      () => cli.ok('logs', forever),
      (words) => words === 'up',
    )
    const answer = await ask(cli.socketPath, 'POST', `/containers/${forever}/stop?t=-1`)
    assert.equal(answer.status, 204)
    assert.equal(await inspect('{{.State.ExitCode}}', forever), '5')
    await cli.ok('rm', none, forever)
  })

  it('restarts with a delay that doubles; stop, kill and rm -f interrupt it', async () => {
    for (const verb of [['stop'], ['kill'], ['rm', '-f']]) {
      const box = await run(`loop-${verb[0] ?? ''}`, 'exit 3', '--restart', 'always')
      await eventually(
        async () => `${await status(box)} ${await inspect('{{.RestartCount}}', box)}`,
        (now) => /^restarting [3-9]/.test(now),
      )
      await cli.ok(...verb, box)
      if (verb[0] === 'rm') continue
      assert.equal(await status(box), 'exited')
      await new Promise((resolve) => setTimeout(resolve, 1500))
      assert.equal(await status(box), 'exited')
      await cli.ok('rm', box)
    }
    const counted = await run('counted', 'exit 3', '--restart', 'on-failure:2')
    await eventually(
      () => status(counted),
      (now) => now === 'exited',
    )
    assert.equal(await inspect('{{.RestartCount}} {{.State.ExitCode}}', counted), '2 3')
    await cli.ok('start', counted)
    await eventually(
      () => inspect('{{.RestartCount}} {{.State.Status}}', counted),
      (now) => now === '2 exited',
    )
    await cli.ok('rm', counted)
    for (const [args, words] of [
      [
        ['--rm', '--restart', 'always'],
        /conflicting options|can't set .*(restart|AutoRemove|--rm)/i,
      ],
      [['--restart', 'sometimes'], /invalid restart policy/i],
      [['--restart', 'always:3'], /maximum retry count can(not| only) be used/i],
    ] as const) {
      const refused = await cli.run(['run', ...args, cli.image, 'true'])
      assert.equal(refused.code, 125)
      assert.match(refused.stderr, words)
    }
  })

  it('a restart keeps a container that is removed after its end', async () => {
    const box = await run('kept', 'sleep 1000', '--rm')
    await cli.ok('restart', '-t', '0', box)
    assert.equal(await status(box), 'running')
    await cli.ok('stop', '-t', '0', box)
    await eventually(
      () => cli.run(['inspect', box]),
      ({ code }) => code !== 0,
    )
  })

  it('is waited for: until it does not run, until its next end, until it is gone', async () => {
    const box = name('waited')
    await cli.ok('create', '--name', box, cli.image, 'sh', '-c', 'sleep 0.3; exit 6')
    assert.equal(await wait(box, 'not-running'), 0)
    const next = await startWait(cli.host, box, 'next-exit')
    const gone = await startWait(cli.host, box, 'removed')
    await cli.ok('start', box)
    assert.equal(await wait(box, 'not-running'), 6)
    assert.equal(await next.exitCode, 6)
    await cli.ok('rm', box)
    assert.equal(await gone.exitCode, 6)
    // each end counts, whatever the restart policy does next
    const looping = await run('looping', 'sleep 0.3; exit 7', '--restart', 'always')
    assert.equal(await wait(looping, 'not-running'), 7)
    assert.equal(await wait(looping, 'next-exit'), 7)
    await cli.ok('rm', '-f', looping)
    const missing = await ask(cli.socketPath, 'POST', `/containers/${name('nobody')}/wait`)
    assert.equal(missing.status, 404)
  })

  it('is renamed while it runs, unless the name is taken or none', async () => {
    const [a, b] = [await run('ra', 'sleep 1000'), await run('rb', 'sleep 1000')]
    const taken = await cli.run(['rename', a, b])
    assert.match(
      taken.stderr,
      new RegExp(`The container name "/${b}" is already in use by container`),
    )
    const bad = await cli.run(['rename', a, 'no good'])
    assert.match(bad.stderr, /Invalid container name \(.*no good\), only \[a-zA-Z0-9\]/)
    await cli.ok('rename', a, name('rc'))
    assert.notEqual((await cli.run(['inspect', a])).code, 0)
    await cli.ok('rename', b, a)
    await cli.ok('rm', '-f', a, name('rc'))
  })

  it('is pruned by label and age, and only when it does not run', async () => {
    const label = `pruned=${cli.prefix}`
    const running = await run('pr', 'sleep 1000', '--label', label)
    const made = async (suffix: string, ...more: string[]): Promise<string> => {
      await cli.ok('create', '--name', name(suffix), '--label', label, ...more, cli.image, 'true')
      return name(suffix)
    }
    const old = await made('p1')
    const kept = await made('p2', '--label', 'keep=yes')
    const isThere = async (box: string): Promise<boolean> =>
      (await cli.run(['inspect', box])).code === 0
    await cli.ok('container', 'prune', '-f', '--filter', `label=${label}`, '--filter', 'until=1h')
    assert.deepEqual([await isThere(old), await isThere(kept)], [true, true])
    await cli.ok('container', 'prune', '-f', '--filter', `label=${label}`, '--filter', 'label!=keep=yes') // prettier-ignore
    assert.deepEqual([await isThere(old), await isThere(kept)], [false, true])
    await cli.ok('container', 'prune', '-f', '--filter', `label=${label}`)
    assert.deepEqual([await isThere(kept), await isThere(running)], [false, true])
    const refused = await cli.run(['container', 'prune', '-f', '--filter', 'name=x'])
    assert.match(refused.stderr, /invalid filter 'name'/i)
    await cli.ok('rm', '-f', running)
  })

  it('writes its ID to a --cidfile, and not over one', async () => {
    const file = path.join(cli.dir, 'cid')
    const id = await cli.ok(
      'run',
      '-d',
      '--cidfile',
      file,
      '--name',
      name('cid'),
      cli.image,
      'true',
    )
    assert.equal(await fs.readFile(file, 'utf8'), id)
    const again = await cli.run(['create', '--cidfile', file, cli.image])
    assert.match(again.stderr, /container ID file found/i)
    await cli.ok('rm', name('cid'))
  })

  it('lends its volumes; anonymous ones go with --rm, and with rm -v', async () => {
    const volumesOf = (box: string): Promise<string> =>
      inspect('{{range .Mounts}}{{.Name}} {{end}}', box)
    const lender = await run('lender', 'echo lent > /data/file; sleep 1000', '-v', '/data')
    await eventually(() => cli.run(['exec', lender, 'cat', '/data/file']), ({ stdout }) => stdout === 'lent\n') // prettier-ignore
    assert.equal(
      await cli.ok('run', '--rm', '--volumes-from', `${lender}:ro`, cli.image, 'sh', '-c', 'cat /data/file; touch /data/x 2>/dev/null || echo ro'), // prettier-ignore
      'lent\nro',
    )
    const lent = (await volumesOf(lender)).trim()
    assert.equal(
      (await cli.run(['volume', 'inspect', lent])).code,
      0,
      'a borrower does not take it',
    )
    await cli.ok('rm', '-f', '-v', lender)
    assert.notEqual((await cli.run(['volume', 'inspect', lent])).code, 0)
    const passing = await run('passing', 'sleep 1000', '--rm', '-v', '/data', '-v', `${name('named')}:/named`) // prettier-ignore
    const [first = '', second = ''] = (await volumesOf(passing)).trim().split(' ')
    await cli.ok('stop', '-t', '0', passing)
    await eventually(
      () => cli.run(['inspect', passing]),
      ({ code }) => code !== 0,
    )
    const left = (await cli.ok('volume', 'ls', '-q')).split('\n')
    const anonymous = first === name('named') ? second : first
    assert.deepEqual([left.includes(anonymous), left.includes(name('named'))], [false, true])
  })

  it('takes, of two lenders with a volume at one place, that of the one named last', async () => {
    const volumeOf = (box: string): Promise<string> =>
      inspect('{{range .Mounts}}{{.Name}}{{end}}', box)
    for (const lender of ['lender1', 'lender2'])
      await cli.ok('create', '--name', name(lender), '-v', '/data', cli.image, 'true')
    await cli.ok('create', '--name', name('borrower'), '--volumes-from', name('lender1'), '--volumes-from', name('lender2'), cli.image, 'true') // prettier-ignore
    assert.equal(await volumeOf(name('borrower')), await volumeOf(name('lender2')))
    await cli.ok('rm', '-v', name('borrower'), name('lender1'), name('lender2'))
  })

  it('tells each act in order: volumes and networks taken up before the start, let go of at the end', async () => {
    const box = name('told')
    const network = name('told-net')
    await cli.ok('network', 'create', network)
    const since = String(Date.now() / 1000)
    await cli.ok('create', '-t', '--name', box, '--network', network, '-v', '/data', cli.image, 'sleep', '1000') // prettier-ignore
    const id = await inspect('{{.Id}}', box)
    for (const args of [
      ['start'],
      ['pause'],
      ['unpause'],
      ['update', '--cpu-shares', '512'],
      ['top'],
      ['kill', '-s', 'WINCH'],
      ['restart', '-t', '0'],
      ['stop', '-t', '0'],
      ['rm', '-v'],
    ])
      await cli.ok(...args, box)
    await cli.ok('network', 'rm', network)
    const lines = await cli.ok('events', '--since', since, '--until', String(soFar()), '--format', '{{json .}}') // prettier-ignore
    const told = lines
      .split('\n')
      .map(
        (line) =>
          JSON.parse(line) as {
            Type: string
            Action: string
            Actor: { ID: string; Attributes: Record<string, string> }
          },
      ) // prettier-ignore
      .filter(({ Actor }) => Actor.ID === id || Actor.Attributes['container'] === id)
      .map(({ Action, Actor, Type }) =>
        [Type, Action, Actor.Attributes['signal'] ?? Actor.Attributes['exitCode'] ?? '']
          .join(' ')
          .trim(),
      )
    const up = ['network connect', 'volume mount', 'container start']
    // the end is told when all is let go of; 20.10 told it before, and since 25 the stop may come first
    const down = ['network disconnect', 'volume unmount', 'container die 137', 'container stop']
    const killed = ['container kill 15', 'container kill 9', ...down]
    assert.deepEqual(isOwn ? told : inOrder(told, down), [
      'container create',
      ...up,
      'container pause',
      'container unpause',
      'container update',
      'container top',
      'container kill 28',
      ...killed,
      ...up,
      'container restart',
      ...killed,
      'container destroy',
    ])
  })

  it('verbs at once leave one state, and each an answer that fits', async () => {
    const box = name('raced')
    await cli.ok('create', '--name', box, '--stop-signal', 'KILL', cli.image, 'sleep', '1000')
    const act = (verb: string): Promise<number> =>
      ask(cli.socketPath, 'POST', `/containers/${box}/${verb}`).then((answer) => answer.status)
    for (let round = 0; round < 4; round++) {
      const starts = await Promise.all(Array.from({ length: 6 }, () => act('start')))
      assert.ok(
        starts.every((code) => code === 204 || code === 304),
        starts.join(),
      )
      assert.equal(await status(box), 'running')
      const mixed = await Promise.all(['stop', 'kill', 'restart?t=0', 'start', 'stop', 'pause', 'unpause'].map(act)) // prettier-ignore
      assert.ok(
        mixed.every((code) => [204, 304, 409, 500].includes(code)),
        mixed.join(),
      )
      await act('unpause')
      await act('kill')
      await eventually(
        () => status(box),
        (now) => now === 'exited',
      )
    }
    await act('start')
    const removals = await Promise.all(
      Array.from({ length: 5 }, () =>
        ask(cli.socketPath, 'DELETE', `/containers/${box}?force=1`).then((answer) => answer.status),
      ),
    )
    assert.ok(removals.includes(204), removals.join())
    assert.ok(
      removals.every((code) => [204, 404, 409].includes(code)),
      removals.join(),
    )
    assert.notEqual((await cli.run(['inspect', box])).code, 0)
    // the name is free at once
    await cli.ok('create', '--name', box, cli.image)
    await cli.ok('rm', box)
  })
})

/** Events of these actions that follow each other, in this order. */
function inOrder(told: string[], actions: string[]): string[] {
  const ordered: string[] = []
  for (const one of told) {
    let at = ordered.length
    const rank = actions.indexOf(one)
    while (rank !== -1 && actions.indexOf(ordered[at - 1] ?? '') > rank) at--
    ordered.splice(at, 0, one)
  }
  return ordered
}
