import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import fs from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { eventually, openCli, whyNot } from './harness.ts'
import type { Cli } from './harness.ts'
import { RawStream, request } from './raw-stream.ts'

describe('streams', { skip: await whyNot() }, () => {
  let cli: Cli
  let box: string
  const name = (suffix: string): string => `${cli.prefix}-${suffix}`

  before(async () => {
    cli = await openCli()
    box = name('box')
    await cli.ok(
      'run',
      '-d',
      '--name',
      box,
      '-e',
      'GREETING=hi',
      '-w',
      '/var',
      cli.image,
      'sleep',
      '1000',
    )
  })
  after(() => cli.close())

  /** An exec prepared and started over a raw connection. */
  async function exec(
    config: { Cmd: string[] } & Record<string, unknown>,
    options: {
      upgrade?: boolean
      keep?: boolean
      container?: string
      readAfterMs?: number
    } = {},
  ): Promise<{ id: string; stream: RawStream }> {
    const { json } = await request(
      cli.socketPath,
      'POST',
      `/containers/${options.container ?? box}/exec`,
      { AttachStdout: true, AttachStderr: true, ...config },
    )
    const id = String(json.Id)
    const stream = await RawStream.open(cli.socketPath, `/exec/${id}/start`, {
      body: { Tty: config.Tty ?? false },
      ...options,
    })
    return { id, stream }
  }

  async function codeOf(id: string): Promise<unknown> {
    const { json } = await eventually(
      () => request(cli.socketPath, 'GET', `/exec/${id}/json`),
      ({ json: { Running } }) => Running === false,
    )
    return json.ExitCode
  }

  const attach = (container: string, query: string, options = {}): Promise<RawStream> =>
    RawStream.open(cli.socketPath, `/containers/${container}/attach?${query}`, options)

  describe('attach', () => {
    it('by websocket carries both ways and ends with the container', async () => {
      const cat = name('ws')
      await cli.ok(
        'run',
        '-di',
        '--name',
        cat,
        cli.image,
        'sh',
        '-c',
        'read line; echo "got $line"',
      )
      const query = 'stream=1&stdin=1&stdout=1'
      const address = `ws+unix:${cli.socketPath}:/containers/${cat}/attach/ws?${query}`
      const socket = new WebSocket(address)
      const said: string[] = []
      socket.on('message', (data: Buffer) => said.push(data.toString()))
      const closed = once(socket, 'close')
      await once(socket, 'open')
      socket.send('hello\n')
      await closed
      assert.equal(said.join(''), 'got hello\n')
      assert.equal(await cli.ok('wait', cat), '0')
    })

    it('replays what was printed with logs=1 and goes on with what is printed', async () => {
      const talker = name('talker')
      await cli.ok(
        'run',
        '-di',
        '--name',
        talker,
        cli.image,
        'sh',
        '-c',
        'echo past; while read l; do echo $l; done',
      )
      await eventually(
        () => cli.ok('logs', talker),
        (text) => text === 'past',
      )
      const all = await attach(talker, 'logs=1&stream=1&stdin=1&stdout=1&stderr=1')
      await all.until('past\n')
      all.send('present\n')
      await all.until('present\n')
      assert.equal(all.frames.stdout.toString(), 'past\npresent\n')
      const past = await (await attach(talker, 'logs=1&stdout=1')).ended()
      assert.equal(past.frames.stdout.toString(), 'past\npresent\n')
      all.destroy()
      await cli.ok('rm', '-f', talker)
    })

    it('gives several clients at once the same, each its own streams', async () => {
      const talker = name('talker')
      await cli.ok(
        'run',
        '-di',
        '--name',
        talker,
        cli.image,
        'sh',
        '-c',
        'while read l; do echo out $l; echo err $l >&2; done',
      )
      const both = await attach(talker, 'stream=1&stdin=1&stdout=1&stderr=1')
      const out = await attach(talker, 'stream=1&stdout=1')
      const err = await attach(talker, 'stream=1&stderr=1', { upgrade: false })
      const second = await attach(talker, 'stream=1&stdin=1')
      both.send('1\n')
      await both.until('err 1\n')
      second.send('2\n')
      await both.until('err 2\n')
      await both.until('out 2\n')
      await err.until('err 2\n')
      await out.until('out 2\n')
      assert.deepEqual(both.frames, {
        stdout: Buffer.from('out 1\nout 2\n'),
        stderr: Buffer.from('err 1\nerr 2\n'),
      })
      assert.equal(out.frames.stdout.toString(), 'out 1\nout 2\n')
      assert.equal(out.frames.stderr.length, 0)
      assert.equal(err.frames.stderr.toString(), 'err 1\nerr 2\n')
      assert.equal(err.frames.stdout.length, 0)
      assert.equal(second.length, 0)
      for (const stream of [both, out, err, second]) stream.destroy()
      await cli.ok('rm', '-f', talker)
    })

    it('gives all that a terminal prints as its standard output, and nothing as its standard error', async () => {
      const talker = name('terminal')
      await cli.ok('create', '-it', '--name', talker, cli.image, 'sh', '-c', 'read l; echo got $l')
      const early = await attach(talker, 'stream=1&stderr=1')
      await cli.ok('start', talker)
      const out = await attach(talker, 'stream=1&stdin=1&stdout=1')
      const err = await attach(talker, 'stream=1&stderr=1', { upgrade: false })
      out.send('1\r')
      await out.until('got 1\r\n')
      await Promise.all([err.ended(), early.ended()])
      assert.equal(err.length + early.length, 0)
      await cli.ok('rm', '-f', talker)
    })

    it('leaves a terminal by the keys given, and passes on what only began like them', async () => {
      const shell = name('shell')
      await cli.ok('run', '-dit', '--name', shell, cli.image, 'cat')
      const keys = await attach(shell, 'stream=1&stdin=1&stdout=1&detachKeys=ctrl-a,ctrl-a,x')
      keys.send('\x01\x01\x01y\n')
      await keys.until('y\r\n')
      // echoed by the terminal as ^A
      assert.match(keys.output.toString(), /^\^A\^A\^Ay\r\n/)
      keys.send('\x01')
      keys.send('\x01')
      keys.send('x')
      await keys.ended()
      const byDefault = await attach(shell, 'stream=1&stdin=1&stdout=1')
      byDefault.send('\x10z\n')
      await byDefault.until('z\r\n')
      byDefault.send('\x10\x11')
      await byDefault.ended()
      assert.equal(await cli.ok('inspect', '-f', '{{.State.Running}}', shell), 'true')
      const wrong = await request(
        cli.socketPath,
        'POST',
        `/containers/${shell}/attach?stream=1&stdin=1&detachKeys=ctrl-%C3%A9`,
      )
      assert.equal(wrong.status, 400)
      await cli.ok('rm', '-f', shell)
    })

    it('ends standard input with its one client where it is to be read once, else never', async () => {
      const once = name('once')
      await cli.ok('create', '-i', '--name', once, cli.image, 'sh', '-c', 'cat; echo over')
      for (const upgrade of [true, false]) {
        const stream = await attach(once, 'stream=1&stdin=1&stdout=1', { upgrade })
        await cli.ok('start', once)
        stream.send('words\n')
        stream.closeInput()
        assert.equal((await stream.ended()).frames.stdout.toString(), 'words\nover\n')
        assert.equal(await cli.ok('wait', once), '0')
      }
      const more = name('more')
      await cli.ok('run', '-di', '--name', more, cli.image, 'cat')
      const first = await attach(more, 'stream=1&stdin=1&stdout=1')
      first.send('first\n')
      await first.until('first\n')
      first.closeInput()
      await first.ended()
      const next = await attach(more, 'stream=1&stdin=1&stdout=1')
      next.send('next\n')
      await next.until('next\n')
      next.destroy()
      await cli.ok('rm', '-f', once, more)
    })

    it('is over when it is known how the container ended', async () => {
      const quick = name('quick')
      await cli.ok('create', '--name', quick, cli.image, 'sh', '-c', 'exit 3')
      for (let run = 0; run < 20; run++) {
        const stream = await attach(quick, 'stream=1&stdout=1&stderr=1')
        await request(cli.socketPath, 'POST', `/containers/${quick}/start`)
        await stream.ended()
        const { json } = await request(cli.socketPath, 'GET', `/containers/${quick}/json`)
        const { ExitCode, Running } = json.State as { ExitCode: number; Running: boolean }
        assert.deepEqual({ run, ExitCode, Running }, { run, ExitCode: 3, Running: false })
      }
      await cli.ok('rm', quick)
    })

    it('keeps hands off standard input with --no-stdin', async () => {
      const cat = name('cat')
      await cli.ok('run', '-di', '--name', cat, cli.image, 'cat')
      const watcher = cli.start(['attach', '--no-stdin', cat])
      const other = cli.start(['attach', cat])
      watcher.type('not for it\n')
      watcher.closeInput()
      // again until the watcher is there to see it
      const seen = await eventually(
        async () => {
          other.type('for it\n')
          return watcher.output
        },
        (output) => output !== '',
      )
      assert.match(seen, /^(for it\n)+$/)
      await cli.ok('rm', '-f', cat)
      await Promise.all([watcher.exited, other.exited])
    })

    it('passes signals of the CLI on to the process, whose exit code becomes the CLI’s', async () => {
      const session = cli.start([
        'run',
        '--rm',
        '--name',
        name('proxied'),
        cli.image,
        'sh',
        '-c',
        'trap "echo got it; exit 5" TERM; echo ready; while :; do sleep 0.1; done',
      ])
      await session.until('ready')
      session.kill('SIGTERM')
      assert.equal(await session.exited, 5)
      assert.match(session.output, /got it/)
    })
  })

  describe('standard input', () => {
    it('of 100 MB comes through run -i and back as it was', async () => {
      const sent = randomBytes(1 << 20)
      const input = Buffer.concat(Array.from({ length: 100 }, () => sent))
      const sum = createHash('md5').update(input).digest('hex')
      const there = `${cli.dir}/there`
      const back = await cli.run(['run', '--rm', '-i', cli.image, 'cat'], {
        input,
        into: there,
        timeoutMs: 60_000,
      })
      assert.equal(back.code, 0)
      assert.equal(createHash('md5').update(fs.readFileSync(there)).digest('hex'), sum)
      fs.rmSync(there)
    })

    it('reaches its end while output goes on', async () => {
      for (const upgrade of [true, false]) {
        const { id, stream } = await exec(
          { AttachStdin: true, Cmd: ['sh', '-c', 'cat; echo at the end; sleep 0.2; echo later'] },
          { upgrade },
        )
        stream.send('words\n')
        await stream.until('words\n')
        stream.closeInput()
        assert.equal((await stream.ended()).frames.stdout.toString(), 'words\nat the end\nlater\n')
        assert.equal(await codeOf(id), 0)
      }
    })

    it('alone can be had of an exec', async () => {
      const { id, stream } = await exec({
        AttachStdin: true,
        AttachStdout: false,
        AttachStderr: false,
        Cmd: ['sh', '-c', 'cat > /tmp/taken; echo unseen'],
      })
      stream.send('taken\n')
      stream.closeInput()
      assert.equal(await codeOf(id), 0)
      assert.equal((await stream.ended()).length, 0)
      assert.equal(await cli.ok('exec', box, 'cat', '/tmp/taken'), 'taken')
    })
  })

  describe('exec', () => {
    it('has the environment of the container, and HOME and TERM of its own', async () => {
      const env = async (...options: string[]): Promise<string[]> =>
        (await cli.ok('exec', ...options, box, 'env'))
          .trim()
          .split(/\r?\n/)
          .filter((line) => line !== '')
          .sort()
      const host = await cli.ok('inspect', '-f', '{{.Config.Hostname}}', box)
      assert.deepEqual(await env(), ['GREETING=hi', 'HOME=/root', `HOSTNAME=${host}`, 'PATH=/bin'])
      assert.deepEqual(await env('-u', 'web', '-e', 'GREETING=ho', '-e', 'MORE=1'), [
        'GREETING=ho',
        'HOME=/var/www',
        `HOSTNAME=${host}`,
        'MORE=1',
        'PATH=/bin',
      ])
      assert.deepEqual(await env('-t'), [
        'GREETING=hi',
        'HOME=/root',
        `HOSTNAME=${host}`,
        'PATH=/bin',
        'TERM=xterm',
      ])
      assert.deepEqual(await env('-u', '4321', '-e', 'PATH=/bin:/x'), [
        'GREETING=hi',
        'HOME=/',
        `HOSTNAME=${host}`,
        'PATH=/bin:/x',
      ])
      assert.equal(await cli.ok('exec', box, 'pwd'), '/var')
      assert.equal(
        await cli.ok('exec', '-w', '/tmp', '-u', 'web:extra', box, 'sh', '-c', 'pwd; id -u; id -g'),
        '/tmp\n1000\n2000',
      )
      assert.match(await cli.ok('exec', '-u', 'web', box, 'id', '-G'), /^1000 2000$/)
    })

    it('has all capabilities with --privileged, the container’s without', async () => {
      const caps = async (...options: string[]): Promise<bigint> =>
        BigInt(
          `0x${(await cli.ok('exec', ...options, box, 'sh', '-c', 'grep CapEff /proc/self/status | cut -f2')).trim()}`,
        )
      const plain = await caps()
      // a host that lacks some makes runc fail
      const privileged = cli.own ? await caps('--privileged') : ((1n << 22n) - 1n) | plain
      assert.equal(plain & (1n << 21n), 0n)
      assert.notEqual(privileged & (1n << 21n), 0n)
      assert.equal(privileged & plain, plain)
    })

    it('ends with the code of its command; 126 or 127 when that cannot be started', async () => {
      for (const [code, ...command] of [
        [0, 'true'],
        [3, 'sh', '-c', 'exit 3'],
        [137, 'sh', '-c', 'kill -9 $$'],
        [126, '/etc/passwd'],
        [126, '/tmp'],
        [127, '/no/such/file'],
      ] as const) {
        const { id, stream } = await exec({ Cmd: [...command] })
        await stream.ended()
        // dockerd 20.10 has 126 for both
        const wanted = !cli.own && code === 127 ? 126 : code
        assert.equal(await codeOf(id), wanted, command.join(' '))
      }
      const { id, stream } = await exec({ Cmd: ['no-such-command'] })
      assert.match(
        (await stream.ended()).output.toString(),
        /exec: "no-such-command": executable file not found in \$PATH/,
      )
      assert.match(String(await codeOf(id)), cli.own ? /^127$/ : /^12[67]$/)
    })

    it('with Detach answers at once, and tells at once what cannot be started', async () => {
      const made = await request(cli.socketPath, 'POST', `/containers/${box}/exec`, {
        Cmd: ['sh', '-c', 'until [ -e /tmp/end ]; do sleep 0.02; done'],
      })
      const id = String(made.json.Id)
      const started = await request(cli.socketPath, 'POST', `/exec/${id}/start`, { Detach: true })
      assert.equal(started.status, 200)
      const { json } = await request(cli.socketPath, 'GET', `/exec/${id}/json`)
      assert.equal(json.Running, true)
      await cli.ok('exec', box, 'touch', '/tmp/end')
      assert.equal(await codeOf(id), 0)
      const again = await request(cli.socketPath, 'POST', `/exec/${id}/start`, { Detach: true })
      assert.equal(again.status, 409)
      const missing = await request(cli.socketPath, 'POST', `/containers/${box}/exec`, {
        Cmd: ['no-such-command'],
      })
      const refused = await request(
        cli.socketPath,
        'POST',
        `/exec/${String(missing.json.Id)}/start`,
        { Detach: true },
      )
      assert.equal(refused.status, 400)
      assert.match(String(refused.json.message), /executable file not found in \$PATH/)
    })

    it('without any stream ends with its command', async () => {
      const { id, stream } = await exec({
        AttachStdout: false,
        AttachStderr: false,
        Cmd: ['sh', '-c', 'sleep 0.2; exit 4'],
      })
      assert.equal((await stream.ended()).length, 0)
      assert.equal(await codeOf(id), 4)
    })

    it('has a terminal of the size given, also before its first byte, and of every later one', async () => {
      const { id, stream } = await exec({ AttachStdin: true, Tty: true, Cmd: ['sh'] })
      const resized = await request(cli.socketPath, 'POST', `/exec/${id}/resize?h=30&w=90`)
      assert.equal(resized.status, 200)
      stream.send('stty size; read x; stty size; read x; exit 6\n')
      await stream.until('30 90')
      await request(cli.socketPath, 'POST', `/exec/${id}/resize?h=31&w=91`)
      stream.send('\n')
      await stream.until('31 91')
      // no frames on a terminal
      assert.match(stream.head, /application\/vnd\.docker\.raw-stream/)
      stream.send('\n')
      await stream.ended()
      assert.equal(await codeOf(id), 6)
      const gone = await request(cli.socketPath, 'POST', `/exec/${id}/resize?h=1&w=1`)
      assert.ok(gone.status >= 400, String(gone.status))
    })

    it('is framed unless its start asks for a terminal, whatever it was made with', async () => {
      for (const [tty, asked] of [
        [true, false],
        [false, true],
      ]) {
        const { json } = await request(cli.socketPath, 'POST', `/containers/${box}/exec`, {
          AttachStdin: true, AttachStdout: true, Tty: tty, Cmd: ['sh', '-c', 'read x; echo $x$x'],
        }) // prettier-ignore
        const path = `/v1.45/exec/${String(json.Id)}`
        const stream = await RawStream.open(cli.socketPath, `${path}/start`, {
          body: asked ? { Tty: true } : {},
        })
        stream.send('ab\n')
        await stream.ended()
        const printed = asked ? stream.output : stream.frames.stdout
        assert.equal(printed.toString(), tty ? 'ab\r\nabab\r\n' : 'abab\n')
        assert.match(stream.head, asked ? /docker\.raw-stream/ : /docker\.multiplexed-stream/)
      }
      const { id } = await exec({ Cmd: ['sleep', '1000'] })
      const resized = await request(cli.socketPath, 'POST', `/exec/${id}/resize?h=30&w=90`)
      assert.equal(resized.status, 200, 'without a terminal there is nothing to size')
    })

    it('leaves its terminal by the detach keys and lives on', async () => {
      const { id, stream } = await exec({
        AttachStdin: true,
        Tty: true,
        DetachKeys: 'ctrl-x,q',
        Cmd: ['cat'],
      })
      stream.send('\x18w\n')
      await stream.until('w\r\n')
      stream.send('\x18q')
      await stream.ended()
      // dockerd 20.10 takes it for a failure of the exec; later ones let it live, too
      if (!cli.own) return
      const { json } = await request(cli.socketPath, 'GET', `/exec/${id}/json`)
      assert.equal(json.Running, true)
      assert.equal(json.DetachKeys, Buffer.from('\x18q').toString('base64'))
      process.kill(Number(json.Pid), 'SIGKILL')
      assert.equal(await codeOf(id), 137)
    })

    it('is refused where nothing runs or nothing moves', async () => {
      const still = name('still')
      await cli.ok('run', '-d', '--name', still, cli.image, 'sleep', '1000')
      await cli.ok('pause', still)
      const paused = await request(cli.socketPath, 'POST', `/containers/${still}/exec`, {
        Cmd: ['true'],
      })
      assert.equal(paused.status, 409)
      assert.match(String(paused.json.message), /is paused, unpause the container before exec/)
      await cli.ok('unpause', still)
      const { json } = await request(cli.socketPath, 'POST', `/containers/${still}/exec`, {
        Cmd: ['true'],
      })
      await cli.ok('kill', still)
      await cli.ok('wait', still)
      const stopped = await request(cli.socketPath, 'POST', `/containers/${still}/exec`, {
        Cmd: ['true'],
      })
      assert.equal(stopped.status, 409)
      assert.match(String(stopped.json.message), /is not running/)
      // prepared while it ran
      const late = await request(cli.socketPath, 'POST', `/exec/${String(json.Id)}/start`, {
        Detach: true,
      })
      assert.ok(late.status === 409 || late.status === 404, String(late.status))
      await cli.ok('rm', still)
    })

    it('is over with its process, though others hold its output', async () => {
      const { id, stream } = await exec({ Cmd: ['sh', '-c', 'sleep 1000 & echo away'] })
      assert.equal((await stream.ended()).frames.stdout.toString(), 'away\n')
      assert.equal(await codeOf(id), 0)
    })
  })

  describe('the last bytes', () => {
    const BYTES = 300_000

    it('of an exec come whole, each time, by terminal and pipe', async () => {
      const rounds = cli.own ? 60 : 5
      for (const Tty of [false, true]) {
        for (let round = 0; round < rounds; round++) {
          const { stream } = await exec({
            Tty,
            Cmd: [
              'sh',
              '-c',
              `dd if=/dev/zero bs=${String(BYTES)} count=1 2>/dev/null; echo -n end`,
            ],
          })
          const { output, frames } = await stream.ended()
          const got = Tty ? output : frames.stdout
          assert.equal(got.length, BYTES + 3, `round ${String(round)}`)
          assert.equal(got.subarray(-3).toString(), 'end')
        }
      }
    })

    it('of a container come whole to who attached before its start', async () => {
      const rounds = cli.own ? 8 : 3
      for (const tty of [[], ['-t']]) {
        const printer = name('printer')
        await cli.ok(
          'create',
          '--name',
          printer,
          ...tty,
          cli.image,
          'sh',
          '-c',
          `dd if=/dev/zero bs=${String(BYTES)} count=1 2>/dev/null; echo -n end`,
        )
        for (let round = 0; round < rounds; round++) {
          const stream = await attach(printer, 'stream=1&stdout=1')
          await request(cli.socketPath, 'POST', `/containers/${printer}/start`)
          const { output, frames } = await stream.ended()
          const got = tty.length > 0 ? output : frames.stdout
          assert.equal(got.length, BYTES + 3, `round ${String(round)}`)
          await request(cli.socketPath, 'POST', `/containers/${printer}/wait`)
        }
        await cli.ok('rm', '-f', printer)
      }
    })
  })

  it('begin once the client has read the head of its answer: some lose what comes with it', async (t) => {
    if (!cli.own) return t.skip('a race with dockerd, which it mostly wins')
    const ways: Record<string, unknown>[] = [
      {},
      { Tty: true },
      { AttachStdin: true },
      // those are served by the engine itself
      { AttachStdin: true, Tty: true, DetachKeys: 'ctrl-x' },
    ]
    for (const way of ways) {
      for (const upgrade of [true, false]) {
        const { stream } = await exec(
          { Cmd: ['echo', 'said'], ...way },
          { upgrade, readAfterMs: 60 },
        )
        assert.equal(stream.cameWithHead, 0, JSON.stringify({ ...way, upgrade }))
        await stream.until('said')
        stream.socket.destroy()
      }
    }
    const talker = name('talker')
    await cli.ok('run', '-d', '--name', talker, cli.image, 'sh', '-c', 'echo said; sleep 1000')
    for (const query of ['logs=1&stream=1&stdout=1', 'logs=1&stdout=1']) {
      const stream = await RawStream.open(cli.socketPath, `/containers/${talker}/attach?${query}`, {
        readAfterMs: 60,
      })
      assert.equal(stream.cameWithHead, 0, query)
      await stream.until('said')
      stream.socket.destroy()
    }
    await cli.ok('rm', '-f', talker)
  })

  describe('a client that does not read', () => {
    it('makes the container wait instead of the engine grow, and its end lets it go on', async () => {
      const printer = name('flood')
      await cli.ok(
        'create',
        '--name',
        printer,
        '--log-driver',
        'none',
        cli.image,
        'sh',
        '-c',
        'dd if=/dev/zero bs=65536 count=16384; echo done > /tmp/done; sleep 1000',
      )
      const stream = await attach(printer, 'stream=1&stdout=1', { keep: false })
      stream.pause()
      const before = rssOf(cli.pid)
      await cli.ok('start', printer)
      await sleep(500)
      const pid = await cli.ok('inspect', '-f', '{{.State.Pid}}', printer)
      const isDone = (): boolean => fs.existsSync(`/proc/${pid}/root/tmp/done`)
      await sleep(300)
      assert.equal(isDone(), false)
      if (cli.own)
        assert.ok(rssOf(cli.pid) - before < 48, `grew by ${String(rssOf(cli.pid) - before)} MiB`)
      stream.destroy()
      await eventually(async () => isDone(), Boolean)
      await cli.ok('rm', '-f', printer)
    })
  })

  describe('many execs', () => {
    it('run eight at a time and 300 one after the other, and leave nothing open', async () => {
      const open = (): number =>
        cli.pid === undefined ? 0 : fs.readdirSync(`/proc/${String(cli.pid)}/fd`).length
      const one = async (index: number): Promise<void> => {
        const { id, stream } = await exec({
          Cmd: ['sh', '-c', `echo ${String(index)}; exit ${String(index % 7)}`],
        })
        assert.equal((await stream.ended()).frames.stdout.toString(), `${String(index)}\n`)
        assert.equal(await codeOf(id), index % 7)
      }
      await Promise.all(Array.from({ length: 8 }, (_, index) => one(index)))
      const before = open()
      const count = cli.own ? 300 : 10
      for (let index = 0; index < count; index++) await one(index)
      await eventually(
        async () => open(),
        (now) => now <= before + 4,
      )
    })

    it('beyond what one container takes are refused in words, and then taken again', async () => {
      // dockerd's number has no end
      if (!cli.own) return
      const crowded = name('crowded')
      await cli.ok('run', '-d', '--name', crowded, cli.image, 'sleep', '1000')
      const streams: RawStream[] = []
      let refused: RawStream | undefined
      for (let index = 0; index < 300 && !refused; index++) {
        const stream = await attach(crowded, 'stream=1&stdout=1')
        if (stream.status >= 400) refused = stream
        else streams.push(stream)
      }
      assert.ok(refused)
      await refused.ended()
      assert.equal(refused.status, 409)
      assert.match(refused.output.toString(), /too many clients/)
      for (const stream of streams) stream.destroy()
      await eventually(
        () => cli.run(['exec', crowded, 'echo', 'again']),
        ({ stdout }) => stdout === 'again\n',
      )
      await cli.ok('rm', '-f', crowded)
    })
  })
})

/** MiB of a process. */
function rssOf(pid: number | undefined): number {
  if (pid === undefined) return 0
  const status = fs.readFileSync(`/proc/${String(pid)}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024
}
