import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LogNews } from '../../../engine/runtime/shim-protocol.ts'
import type { Bench } from './shim-helper.ts'
import { openBench, readLog, sh } from './shim-helper.ts'

describe('the log a shim writes', () => {
  let bench: Bench
  before(() => {
    bench = openBench()
  })
  after(async () => {
    await bench.clean()
  })

  it('is byte for byte what Docker writes', async () => {
    fs.writeFileSync(
      path.join(bench.layer, 'etc/odd'),
      Buffer.concat([
        Buffer.from('plain\t"quoted" back\\slash <b>&</b>\r\n\u2028 \u2029 é 漢 😀 \x7f\x01\n'),
        Buffer.from([0xff, 0xc0, 0x80, 0xed, 0xa0, 0x80, 0xe2, 0x82, 0x0a]),
        Buffer.from('no newline'),
      ]),
    )
    const run = await bench.launch({ process: { args: ['cat', '/etc/odd'] } })
    await run.shim.ended
    const lines = fs
      .readFileSync(run.options.log?.path ?? '', 'utf8')
      .trimEnd()
      .split('\n')
    const bad = '\\ufffd'
    assert.deepEqual(
      lines.map((line) => line.replace(/"time":"[^"]+"/, '"time":"T"')),
      [
        String.raw`plain\u0009\"quoted\" back\\slash \u003cb\u003e\u0026\u003c/b\u003e\r\n`,
        '\\u2028 \\u2029 é 漢 😀 \x7f\\u0001\\n',
        `${bad.repeat(8)}\\n`,
        'no newline',
      ].map((log) => `{"log":"${log}","stream":"stdout","time":"T"}`),
    )
    for (const line of lines)
      assert.match(line, /"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z"\}$/)
  })

  it('cuts lines after 16 KiB as Docker does', async () => {
    const run = await bench.launch({
      process: sh(
        'head -c 40000 /dev/zero | tr "\\0" a; echo; head -c 16384 /dev/zero | tr "\\0" b; echo; echo c',
      ),
    })
    await run.shim.ended
    assert.deepEqual(
      run.log().map(({ log }) => [log[0], log.length, log.endsWith('\n')]),
      [
        ['a', 16384, false],
        ['a', 16384, false],
        ['a', 40000 - 2 * 16384 + 1, true],
        ['b', 16384, false],
        ['\n', 1, true],
        ['c', 2, true],
      ],
    )
  })

  it('has strictly rising times over both streams and over runs', async () => {
    const options = { process: sh('seq 1 50000 & seq 1 50000 >&2; wait') }
    const run = await bench.launch(options)
    await run.shim.ended
    const again = await bench.launch({ ...options, log: run.options.log })
    await again.shim.ended
    const times = run.log().map(({ time }) => nanos(time))
    assert.equal(times.length, 200_000)
    for (let n = 1; n < times.length; n++) {
      assert.ok((times[n] ?? 0n) > (times[n - 1] ?? 0n), `line ${n}`)
    }
  })

  it('stays ahead of what is in the file even when the clock went back', async () => {
    const file = path.join(bench.root, 'future')
    fs.writeFileSync(
      file,
      '{"log":"x\\n","stream":"stdout","time":"2099-01-02T03:04:05.999999999Z"}\n{"log":"torn',
    )
    const run = await bench.launch({
      log: { path: file, maxSizeBytes: 0, maxFiles: 1 },
      process: sh('echo y'),
    })
    await run.shim.ended
    assert.deepEqual(
      readLog(file).map(({ log, time }) => [log, time]),
      [
        ['x\n', '2099-01-02T03:04:05.999999999Z'],
        ['y\n', '2099-01-02T03:04:06Z'],
      ],
    )
  })

  it('rotates by size and loses no line among the files it keeps', async () => {
    const file = path.join(bench.root, 'rotated')
    const run = await bench.launch({
      log: { path: file, maxSizeBytes: 1_000_000, maxFiles: 4 },
      process: sh('seq 1 30000'),
    })
    await run.shim.ended
    const files = [`${file}.3`, `${file}.2`, `${file}.1`, file].filter((name) =>
      fs.existsSync(name),
    )
    assert.ok(files.length >= 3)
    for (const name of files.slice(0, -1)) {
      const { size } = fs.statSync(name)
      assert.ok(size >= 1_000_000 && size < 1_000_200, `${name} ${size}`)
    }
    const numbers = files.flatMap(readLog).map(({ log }) => Number(log))
    assert.equal(numbers.at(-1), 30000)
    for (let n = 1; n < numbers.length; n++)
      assert.equal((numbers[n] ?? 0) - (numbers[n - 1] ?? 0), 1)
    assert.equal(fs.existsSync(`${file}.4`), false)
  })

  it('starts over with one file only', async () => {
    const file = path.join(bench.root, 'single')
    const run = await bench.launch({
      log: { path: file, maxSizeBytes: 100_000, maxFiles: 1 },
      process: sh('seq 1 10000'),
    })
    await run.shim.ended
    assert.ok(fs.statSync(file).size <= 100_200)
    assert.equal(readLog(file).at(-1)?.log, '10000\n')
    assert.equal(fs.existsSync(`${file}.1`), false)
  })

  it('is not written at all when there is none', async () => {
    const run = await bench.launch({ log: null, process: sh('echo unseen; exit 2') })
    assert.equal((await run.shim.ended)?.code, 2)
    assert.deepEqual(fs.readdirSync(path.dirname(run.options.runDir)).sort(), [
      'exit',
      'run',
      'u',
      'w',
    ])
  })

  it('does not stop the container when the disk is full, and stays whole', async (t) => {
    const { mount, umount } = await import('../../../engine/native/mount.ts')
    const small = path.join(bench.root, 'small')
    fs.mkdirSync(small)
    mount('tmpfs', small, 'tmpfs', 0, 'size=64k')
    t.after(() => {
      umount(small, 2)
    })
    const file = path.join(small, 'log')
    const run = await bench.launch({
      log: { path: file, maxSizeBytes: 0, maxFiles: 1 },
      process: sh('for i in 1 2 3 4 5 6 7 8 9; do seq 1 300; sleep 0.02; done; exit 6'),
    })
    assert.equal((await run.shim.ended)?.code, 6)
    assert.ok(readLog(file).length > 100)
    assert.match(
      fs.readFileSync(path.join(run.options.runDir, 'shim.log'), 'utf8'),
      /log cannot be written/,
    )
  })

  it('with a buffer keeps nobody waiting for a frozen disk, and says what it has lost', async (t) => {
    const image = path.join(bench.root, 'disk')
    const slow = path.join(bench.root, 'slow')
    const shell = (...args: string[]): string => execFileSync('sh', ['-ec', ...args], { encoding: 'utf8' }) // prettier-ignore
    fs.mkdirSync(slow)
    shell('truncate -s 96M "$0"; mkfs.ext4 -q "$0"; mount -o loop "$0" "$1"', image, slow)
    let isFrozen = false
    const freeze = (how: '-f' | '-u'): void => {
      execFileSync('fsfreeze', [how, slow])
      isFrozen = how === '-f'
    }
    t.after(() => {
      if (isFrozen) freeze('-u')
      shell('umount -l "$0"', slow)
    })
    const signs = path.join(bench.root, 'signs')
    fs.mkdirSync(signs)
    const file = path.join(slow, 'log')
    const run = await bench.launch({
      mounts: [{ destination: '/mnt', type: 'bind', source: signs, options: ['rbind'] }],
      log: { path: file, maxSizeBytes: 1 << 20, maxFiles: 9, compress: true, bufferBytes: 1 << 20 },
      process: sh(
        'echo first; while [ ! -e /mnt/go ]; do sleep 0.01; done; seq 200000; touch /mnt/over; while [ ! -e /mnt/end ]; do sleep 0.05; done; echo last; exit 7',
      ),
    })
    const news: LogNews[] = []
    run.shim.onLogNews((one) => news.push(one))
    await until(() => readLog(file)[0]?.log === 'first\n')
    freeze('-f')
    fs.writeFileSync(path.join(signs, 'go'), '')
    await until(() => fs.existsSync(path.join(signs, 'over')))
    assert.equal(readLog(file).length, 1)
    freeze('-u')
    fs.writeFileSync(path.join(signs, 'end'), '')
    assert.equal((await run.shim.ended)?.code, 7)
    const lines = [9, 8, 7, 6, 5, 4, 3, 2, 1]
      .map((number) => `${file}.${String(number)}`)
      .filter((rotated) => fs.existsSync(rotated))
      .concat(file)
      .flatMap((each) => readLog(each))
    const lost = lines.map(
      ({ log }) =>
      Number(/^gantry: (\d+) lines? (?:was|were) lost here: the disk did not keep up\n$/.exec(log)?.[1] ?? 0), // prettier-ignore
    )
    const sum = lost.reduce((all, one) => all + one, 0)
    const told = lost.filter((one) => one > 0).length
    t.diagnostic(`${String(sum)} lines lost, told in ${String(told)} places`)
    assert.ok(sum > 100_000)
    assert.equal(lines.length - told + sum, 200_002)
    assert.equal(lines.at(-1)?.log, 'last\n')
    const times = lines.map(({ time }) => nanos(time))
    assert.ok(times.every((time, at) => at === 0 || time > (times[at - 1] ?? 0n)))
    assert.ok(news.some(({ what }) => what === 'rotated'))
    assert.equal(
      news.reduce((all, each) => all + each.lost, 0),
      sum,
    )
  })

  it('keeps up with hundreds of thousands of lines a second', async (t) => {
    const start = performance.now()
    const run = await bench.launch({ process: sh('seq 1000000 1600000') })
    await run.shim.ended
    const seconds = (performance.now() - start) / 1000
    await sleep(0)
    const text = fs.readFileSync(run.options.log?.path ?? '', 'latin1')
    assert.equal(text.split('\n').length, 600_002)
    t.diagnostic(`${Math.round(600_001 / seconds)} lines/s`)
  })
})

async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + 10_000
  while (!holds()) {
    assert.ok(performance.now() < end, 'it did not come about')
    await sleep(10)
  }
}

function nanos(time: string): bigint {
  const [seconds = '', fraction = ''] = time.replace('Z', '').split('.')
  return BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
}
