import assert from 'node:assert/strict'
import fs from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import type { Collector, Unpacked } from '../helpers/collectors.ts'
import { collectStream, collectUdp, unpackAll } from '../helpers/collectors.ts'
import { eventually, openCli, whyNot } from './harness.ts'
import type { Cli } from './harness.ts'

describe('docker logs', { skip: await whyNot() }, () => {
  let cli: Cli
  const collectors: Collector[] = []
  const name = (suffix: string): string => `${cli.prefix}-${suffix}`

  before(async () => {
    cli = await openCli()
  })
  after(async () => {
    for (const collector of collectors) await collector.close()
    await cli.close()
  })

  /** Runs it to its end, as detached. */
  async function ran(suffix: string, script: string, ...options: string[]): Promise<string> {
    const id = await cli.ok(
      'run', '-d', '--network', 'none', '--name', name(suffix), ...options, cli.image, 'sh', '-c', script,
    ) // prettier-ignore
    await cli.ok('wait', name(suffix))
    return id
  }

  async function keep<T extends Collector>(opened: Promise<T>): Promise<T> {
    const collector = await opened
    collectors.push(collector)
    return collector
  }

  const logFile = (suffix: string): Promise<string> =>
    cli.ok('inspect', '-f', '{{.LogPath}}', name(suffix))

  it('gives each stream its own, the last lines, and times', async () => {
    await ran('two', 'echo a; sleep 0.1; echo b >&2; sleep 0.1; printf "c\\n\\nd"')
    const all = await cli.run(['logs', name('two')])
    assert.deepEqual(all, { code: 0, stdout: 'a\nc\n\nd', stderr: 'b\n' })
    const last = await cli.run(['logs', '--tail', '2', name('two')])
    assert.deepEqual([last.stdout, last.stderr], ['\nd', ''])
    assert.equal((await cli.run(['logs', '--tail', '0', name('two')])).stdout, '')
    assert.equal((await cli.run(['logs', '--tail', 'all', name('two')])).stdout, 'a\nc\n\nd')
    const stamped = await cli.ok('logs', '-t', name('two'))
    assert.match(stamped, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z a\n\S{30} c\n\S{30} \n\S{30} d$/)
  })

  it('gives what was written between two moments, in every form of a moment', async () => {
    await ran('when', 'for i in 1 2 3 4 5; do echo $i; sleep 0.15; done')
    const stamped = (await cli.ok('logs', '-t', name('when'))).split('\n')
    const at = (index: number): string => stamped[index]?.slice(0, 30) ?? ''
    const lines = async (...options: string[]): Promise<string> =>
      (await cli.ok('logs', ...options, name('when'))).replaceAll('\n', '')
    assert.equal(await lines('--since', at(2)), '345')
    assert.equal(await lines('--until', at(2)), '123')
    assert.equal(await lines('--since', at(1), '--until', at(3)), '234')
    const unix = `${String(Date.parse(`${at(3).slice(0, 19)}Z`) / 1000)}${at(3).slice(19, 29)}`
    assert.equal(await lines('--since', unix), '45')
    assert.equal(await lines('--since', '10m'), '12345')
    assert.equal(await lines('--until', '10m'), '')
    assert.equal(await lines('--since', at(1), '--tail', '2'), '45')
  })

  it('keeps a line of more than 16 KiB whole', async () => {
    await ran('long', 'head -c 40000 /dev/zero | tr "\\0" x; echo; echo end')
    assert.equal((await cli.run(['logs', name('long')])).stdout, `${'x'.repeat(40_000)}\nend\n`)
    assert.equal((await cli.run(['logs', '--tail', '1', name('long')])).stdout, 'end\n')
  })

  it('is what the terminal showed with a TTY', async () => {
    await ran('tty', 'echo out; echo err >&2; tty', '-t')
    const { stdout } = await cli.run(['logs', name('tty')])
    assert.match(stdout, /^out\r\nerr\r\n\/dev\/(pts\/\d+|console)\r\n$/)
  })

  it('has labels, variables and tag as details, and in the file', async () => {
    await ran(
      'details', 'echo hi',
      '--label', 'tier=a b&c', '--label', 'com.x/y=1', '--label', 'other=z', '-e', 'FOO=x/y', '-e', 'OS_A=1',
      '--log-opt', 'labels=tier', '--log-opt', 'labels-regex=^com\\.', '--log-opt', 'env=FOO,NONE',
      '--log-opt', 'env-regex=^OS_', '--log-opt', 'tag={{.ImageName}}/{{.Name}}/{{.ID}}',
    ) // prettier-ignore
    const id = (await cli.ok('inspect', '-f', '{{.Id}}', name('details'))).slice(0, 12)
    const tag = `${cli.image}/${name('details')}/${id}`
    assert.equal(
      await cli.ok('logs', '--details', name('details')),
      `FOO=x%2Fy,OS_A=1,com.x%2Fy=1,tag=${encodeURIComponent(tag)},tier=a+b%26c hi`,
    )
    const line = (await fs.readFile(await logFile('details'), 'utf8')).trimEnd()
    assert.ok(
      line.startsWith(
        `{"log":"hi\\n","stream":"stdout","attrs":{"FOO":"x/y","OS_A":"1","com.x/y":"1","tag":"${tag}","tier":"a b\\u0026c"},"time":"`,
      ),
      line,
    )
    await ran('plain', 'echo hi')
    assert.equal((await cli.run(['logs', '--details', name('plain')])).stdout, ' hi\n')
  })

  it('follows until the container stops, and again after its next start', async () => {
    const script = 'trap "echo bye; exit 0" TERM; echo up; while :; do sleep 0.05; done'
    await cli.ok(
      'run', '-d', '--network', 'none', '--name', name('follow'), cli.image, 'sh', '-c', script,
    ) // prettier-ignore
    const first = cli.start(['logs', '-f', name('follow')])
    await first.until('up\n')
    await cli.ok('restart', name('follow'))
    assert.equal(await first.exited, 0)
    assert.equal(first.output, 'up\nbye\n')
    const second = cli.start(['logs', '-f', '--tail', '1', name('follow')])
    await second.until('up\n')
    await cli.ok('rm', '-f', name('follow'))
    assert.equal(await second.exited, 0)
    assert.equal(second.output, 'up\n')
  })

  it('ends at once when what is followed does not run', async () => {
    await ran('over', 'echo done')
    const { code, stdout } = await cli.run(['logs', '-f', name('over')])
    assert.deepEqual([code, stdout], [0, 'done\n'])
    await cli.ok('create', '--name', name('new'), cli.image)
    assert.deepEqual(await cli.run(['logs', '-f', name('new')]), {
      code: 0,
      stdout: '',
      stderr: '',
    })
  })

  it('follows to --until and no further', async (test) => {
    // dockerd waits for a line later than that
    if (!cli.own) return test.skip('ours')
    await cli.ok(
      'run', '-d', '--network', 'none', '--name', name('until'), cli.image,
      'sh', '-c', 'echo early; sleep 1000',
    ) // prettier-ignore
    await eventually(
      () => cli.ok('logs', name('until')),
      (words) => words === 'early',
    )
    const until = ((Date.now() + 1500) / 1000).toFixed(3)
    const { code, stdout } = await cli.run(['logs', '-f', '--until', until, name('until')])
    assert.deepEqual([code, stdout], [0, 'early\n'])
    await cli.ok('rm', '-f', name('until'))
  })

  it('reads over rotated and compressed files, and a follower misses none', async () => {
    await cli.ok(
      'run', '-d', '--network', 'none', '--name', name('rotated'),
      '--log-opt', 'max-size=200k', '--log-opt', 'max-file=5', '--log-opt', 'compress=true', cli.image,
      'sh', '-c', 'echo 0; until [ -e /go ]; do sleep 0.02; done; seq 1 999; i=1; while [ $i -lt 20 ]; do seq $((i*1000)) $((i*1000+999)); sleep 0.1; i=$((i+1)); done',
    ) // prettier-ignore
    const follower = cli.start(['logs', '-f', name('rotated')])
    await follower.until('0')
    await cli.ok('exec', name('rotated'), 'touch', '/go')
    await follower.exited
    const stdout = follower.output
    const expected = Array.from({ length: 20_000 }, (_, number) => String(number))
    // dockerd's followers lose lines when files are compressed under them
    if (cli.own) assert.deepEqual(stdout.trimEnd().split('\n'), expected)
    const file = await logFile('rotated')
    const names = async (): Promise<string[]> =>
      (await fs.readdir(path.dirname(file)))
        .filter((one) => one.startsWith(path.basename(file)))
        .map((one) => one.slice(path.basename(file).length))
        .sort()
    await eventually(names, (all) => all.filter((one) => one.endsWith('.gz')).length === 4)
    assert.deepEqual(await names(), ['', '.1.gz', '.2.gz', '.3.gz', '.4.gz'])
    const kept = (await cli.run(['logs', name('rotated')])).stdout.trimEnd().split('\n')
    assert.ok(kept.length > 4000)
    assert.deepEqual(kept, expected.slice(-kept.length))
    const last = await cli.ok('logs', '--tail', '4000', name('rotated'))
    assert.deepEqual(last.split('\n'), expected.slice(-4000))
  })

  it('cannot read what is not kept', async () => {
    await ran('none', 'echo gone', '--log-driver', 'none')
    const { code, stderr } = await cli.run(['logs', name('none')])
    assert.equal(code, 1)
    assert.match(stderr, /configured logging driver does not support reading/)
    assert.equal(await logFile('none'), '')
    const hidden = ['--log-driver', 'syslog', '--log-opt', 'syslog-address=udp://127.0.0.1:9']
    await ran('hidden', 'echo gone', ...hidden, '--log-opt', 'cache-disabled=true')
    assert.match(
      (await cli.run(['logs', name('hidden')])).stderr,
      /configured logging driver does not support reading/,
    )
  })

  it('reads what the local driver keeps, with its defaults', async () => {
    await ran('local', 'echo out; echo err >&2', '--log-driver', 'local')
    assert.deepEqual(await cli.run(['logs', name('local')]), {
      code: 0,
      stdout: 'out\n',
      stderr: 'err\n',
    })
    const config = '{{.HostConfig.LogConfig.Type}} {{json .HostConfig.LogConfig.Config}}'
    assert.equal(await cli.ok('inspect', '-f', config, name('local')), 'local {}')
    assert.equal(await cli.ok('inspect', '-f', config, name('two')), 'json-file {}')
  })

  it('refuses what a driver does not have', async () => {
    for (const [options, words] of [
      [['--log-opt', 'colour=red'], "unknown log opt 'colour' for json-file log driver"],
      [['--log-driver', 'local', '--log-opt', 'x=1'], "unknown log opt 'x' for log driver local"],
      [['--log-opt', 'max-size=-1'], "invalid size: '-1'"],
      [['--log-opt', 'max-file=0'], 'max-file cannot be less than 1'],
      [['--log-opt', 'compress=true'], 'compress cannot be true when max-file is less than 2'],
      [['--log-opt', 'mode=x'], 'logger: logging mode not supported: x'],
      [['--log-opt', 'tag={{.Foo}}'], "can't evaluate field Foo in type *logger.Info"],
      [['--log-driver', 'gelf'], 'gelf-address is a required parameter'],
      [['--log-driver', 'journald'], 'journald is not enabled on this host'],
      [['--log-driver', 'syslog', '--log-opt', 'syslog-facility=x'], 'invalid syslog facility'],
    ] as const) {
      if (options.includes('journald' as never) && (await hasJournald())) continue
      const { code, stderr } = await cli.run([
        'run', '--rm', '--network', 'none', ...options, cli.image, 'true',
      ]) // prettier-ignore
      assert.equal(code, 125)
      assert.ok(stderr.includes(words), `${stderr} has not: ${words}`)
    }
  })

  it('tells which drivers there are', async () => {
    const info = await cli.ok('info', '--format', '{{.LoggingDriver}} {{json .Plugins.Log}}')
    assert.match(info, /^json-file /)
    for (const driver of ['json-file', 'local', 'syslog', 'gelf', 'fluentd'])
      assert.ok(info.includes(`"${driver}"`), info)
  })

  it('sends to syslog and can be read all the same', async () => {
    const udp = await keep(collectUdp())
    await ran(
      'syslog', 'echo out; echo err >&2',
      '--log-driver', 'syslog', '--log-opt', `syslog-address=udp://127.0.0.1:${String(udp.port)}`,
      '--log-opt', 'syslog-format=rfc3164', '--log-opt', 'tag=docker/{{.Name}}', '--log-opt', 'syslog-facility=local0',
    ) // prettier-ignore
    await udp.until(({ received }) => received.length === 2)
    const messages = udp.received.map(String).sort()
    const stamp = '[A-Z][a-z]{2} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d'
    for (const [index, expected] of ['<131>.*: err\n', '<134>.*: out\n'].entries()) {
      const pattern = expected.replace('.*', `${stamp} \\S+ docker/${name('syslog')}\\[\\d+\\]`)
      assert.match(messages[index] ?? '', new RegExp(`^${pattern}$`))
    }
    assert.equal((await cli.run(['logs', name('syslog')])).stdout, 'out\n')
  })

  it('sends the last lines of a container that removes itself', async () => {
    const server = await keep(collectStream())
    await cli.ok(
      'run', '--rm', '--network', 'none', '--log-driver', 'syslog',
      '--log-opt', `syslog-address=tcp://127.0.0.1:${String(server.port)}`, cli.image, 'seq', '1', '3000',
    ) // prettier-ignore
    await server.until(({ text }) => text().endsWith(': 3000\n'))
    assert.equal(server.text().split('\n').length - 1, 3000)
  })

  it('sends to gelf', async () => {
    const udp = await keep(collectUdp())
    const id = await ran(
      'gelf', 'echo out', '--label', 'tier=front', '--log-opt', 'labels=tier',
      '--log-driver', 'gelf', '--log-opt', `gelf-address=udp://127.0.0.1:${String(udp.port)}`,
    ) // prettier-ignore
    await udp.until(({ received }) => received.length === 1)
    const message = JSON.parse(gunzipSync(udp.received[0] ?? Buffer.alloc(0)).toString())
    assert.equal(message.short_message, 'out')
    assert.equal(message.version, '1.1')
    assert.equal(message.level, 6)
    assert.equal(message._container_id, id)
    assert.equal(message._container_name, name('gelf'))
    assert.equal(message._image_name, cli.image)
    assert.equal(message._command, 'sh -c echo out')
    assert.equal(message._tag, id.slice(0, 12))
    assert.equal(message._tier, 'front')
    assert.ok(Math.abs(message.timestamp - Date.now() / 1000) < 60)
  })

  it('sends to fluentd', async () => {
    const server = await keep(collectStream())
    const id = await ran(
      'fluentd', 'echo out; echo err >&2', '--log-opt', 'tag=x.{{.Name}}',
      '--log-driver', 'fluentd', '--log-opt', `fluentd-address=127.0.0.1:${String(server.port)}`,
    ) // prettier-ignore
    const records = (): Record<string, string>[] =>
      unpackAll(Buffer.concat(server.received)).flatMap((message) => {
        const [tag, entries, record] = message as [string, Unpacked[] | number, Unpacked]
        assert.equal(tag, `x.${name('fluentd')}`)
        // Docker sends each by itself, we as many as there are
        const all =
          typeof entries === 'number' ? [record] : entries.map((entry) => (entry as Unpacked[])[1])
        return all as Record<string, string>[]
      })
    await server.until(() => records().length === 2)
    assert.deepEqual(
      records().sort((one, other) => ((one['log'] ?? '') < (other['log'] ?? '') ? 1 : -1)),
      [
        { log: 'out', source: 'stdout', container_id: id, container_name: `/${name('fluentd')}` },
        { log: 'err', source: 'stderr', container_id: id, container_name: `/${name('fluentd')}` },
      ],
    )
  })
})

async function hasJournald(): Promise<boolean> {
  return fs.stat('/run/systemd/journal/socket').then(
    () => true,
    () => false,
  )
}
