import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { whichOnPath } from '../helpers/on-path.ts'
import { eventually, openCli, whyNot } from './harness.ts'
import type { Cli } from './harness.ts'

const RUNTIME = 'sandbox'
const runsc = whichOnPath('runsc')
const whyNotHere =
  process.env.GANTRY_TEST_DOCKER_HOST !== undefined
    ? 'of Gantry only'
    : runsc === undefined && 'runsc is not installed'

describe('docker run in a sandbox of gVisor', { skip: (await whyNot()) || whyNotHere }, () => {
  let cli: Cli
  let dir: string

  before(async () => {
    dir = await fs.mkdtemp(path.join(os.tmpdir(), 'g-runsc-'))
    // Debian 12's runsc takes over no network on newer kernels: it tells the host's namespace from others by a sysctl
    // (net.core.rmem_default) which by now is in each of them.
    const wrapper = path.join(dir, RUNTIME)
    const script = `#!/bin/sh\nexec ${runsc ?? 'runsc'} --network=none "$@"\n`
    await fs.writeFile(wrapper, script, { mode: 0o755 })
    cli = await openCli({ runtimes: { [RUNTIME]: wrapper } })
  })
  after(async () => {
    await cli.close()
    await fs.rm(dir, { recursive: true, force: true })
  })

  const sandboxed = ['--network', 'none', '--runtime', RUNTIME]
  const run = (...args: string[]): Promise<string> => cli.ok('run', '--rm', ...sandboxed, ...args)
  const start = (name: string, ...command: string[]): Promise<string> =>
    cli.ok('run', '-d', '--name', name, ...sandboxed, cli.image, ...command)
  const inspect = (name: string, format: string): Promise<string> =>
    cli.ok('inspect', '-f', format, name)

  it('runs on a kernel that is not the host’s, with the user, directory and environment asked for', async () => {
    const said = await run(
      ...['-u', '1000', '-w', '/tmp', '-e', 'NOTE=kept', cli.image],
      ...['sh', '-c', 'cat /proc/version; id -u; pwd; echo $NOTE'],
    )
    const [kernel, ...rest] = said.split('\n')
    assert.match(kernel ?? '', /^Linux version /)
    assert.ok(!kernel?.includes(os.release()))
    assert.deepEqual(rest, ['1000', '/tmp', 'kept'])
  })

  it('hands on input, output and exit code', async () => {
    const both = await cli.run(
      ['run', '--rm', '-i', ...sandboxed, cli.image, 'sh', '-c', 'cat; echo err >&2; exit 9'],
      { input: 'through' },
    )
    assert.deepEqual(both, { code: 9, stdout: 'through', stderr: 'err\n' })
  })

  it('keeps a read-only bind read-only, with what is mounted below it', async () => {
    const outer = path.join(dir, 'outer')
    const below = path.join(outer, 'below')
    await fs.mkdir(below, { recursive: true })
    execFileSync('mount', ['-t', 'tmpfs', 'below', below])
    try {
      const touch = ['sh', '-c', 'cd /bound; touch x below/x 2>&1 || true']
      const said = await run('-v', `${outer}:/bound:ro`, cli.image, ...touch)
      assert.equal(said.match(/Read-only file system/g)?.length, 2, said)
    } finally {
      execFileSync('umount', [below])
    }
  })

  it('executes, logs, and ends by the signal that stop sends', async () => {
    const name = `${cli.prefix}-kept`
    await start(name, 'sh', '-c', 'trap "exit 5" TERM; echo up; while :; do sleep 0.1; done')
    await eventually(
      () => cli.ok('logs', name),
      (said) => said === 'up',
    )
    assert.equal((await cli.run(['exec', name, 'sh', '-c', 'exit 3'])).code, 3)
    assert.match(await cli.ok('top', name), /runsc-sandbox/)
    const copied = await cli.run(['cp', `${name}:/etc/passwd`, '-'])
    assert.match(copied.stderr, /sandbox|runtime/i, 'the host cannot look into it')
    await cli.ok('stop', name)
    assert.equal(await inspect(name, '{{.State.Status}} {{.State.ExitCode}}'), 'exited 5')
    await cli.ok('start', name)
    await cli.ok('rm', '-f', name)
  })
})
