import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { installedRuntimes } from '../../engine/runtime/oci-runtimes.ts'
import { eventually, openCli, whyNot } from './harness.ts'
import type { Cli } from './harness.ts'

const peer = process.env.GANTRY_TEST_DOCKER_HOST !== undefined
const installed = new Map(installedRuntimes({}).map(({ name, path: file }) => [name, file]))

const RUNTIMES = ['gantry', 'runc', 'crun']
const skipped = new Map(RUNTIMES.map((runtime) => [runtime, whyNotRuntime(runtime)]))

/** Side by side: most of the time goes into waiting for what takes its time. */
describe('runtimes', { skip: await whyNot(), concurrency: true }, () => {
  let cli: Cli
  before(async () => {
    cli = await openCli()
  })
  after(() => cli.close())

  /** One scenario for every way of making containers: it is the engine's promise, whoever keeps it. */
  for (const runtime of RUNTIMES) {
    describe(
      `docker run --runtime ${runtime}`,
      { skip: skipped.get(runtime), concurrency: 1 },
      () => {
        const name = (suffix: string): string => `${cli.prefix}-${runtime}-${suffix}`
        const run = (...args: string[]): Promise<string> =>
          cli.ok('run', '--rm', '--runtime', runtime, ...args)
        const start = (suffix: string, ...args: string[]): Promise<string> =>
          cli.ok('run', '-d', '--runtime', runtime, '--name', name(suffix), ...args)
        const inspect = (suffix: string, format: string): Promise<string> =>
          cli.ok('inspect', '-f', format, name(suffix))

        it('is listed, runs what is asked for, and inspect says so', async () => {
          assert.match(
            await cli.ok('info', '-f', '{{json .Runtimes}}'),
            new RegExp(`"${runtime}":`),
          )
          const id = await start('real', cli.image, 'sleep', '1000')
          assert.equal(await inspect('real', '{{.HostConfig.Runtime}}'), runtime)
          const file = installed.get(runtime)
          if (cli.own && file !== undefined) {
            const root = path.join(cli.dir, 'run/c', id, 'runtime')
            const said = execFileSync(file, ['--root', root, 'state', id], { encoding: 'utf8' })
            const state = JSON.parse(said) as { status: string; pid: number }
            assert.equal(state.status, 'running')
            assert.equal(String(state.pid), await inspect('real', '{{.State.Pid}}'))
          }
          await cli.ok('rm', '-f', name('real'))
          if (cli.own) assert.equal(fs.existsSync(path.join(cli.dir, 'run/c', id)), false)
        })

        it('hands on streams, input and exit code', async () => {
          const both = await cli.run(
            [
              'run',
              '--rm',
              '-i',
              '--runtime',
              runtime,
              cli.image,
              'sh',
              '-c',
              'wc -c; echo err >&2; exit 9',
            ],
            { input: 'x'.repeat(300_000) },
          )
          assert.deepEqual(both, { code: 9, stdout: '300000\n', stderr: 'err\n' })
          const many = await run(cli.image, 'seq', '20000')
          assert.equal(many.split('\n').length, 20_000)
        })

        it('gives a terminal of the size of the client', async () => {
          const args = ['run', '--rm', '-it', '--runtime', runtime, cli.image, 'sh']
          const session = cli.terminal(args, { rows: 33, cols: 99 })
          await session.until('# ')
          session.type('stty size; tty; echo do""ne\n')
          await session.until('done')
          assert.match(session.output, /33 99/)
          assert.match(session.output, /\/dev\/(pts\/0|console)/)
          session.type('exit 5\n')
          assert.equal(await session.exited, 5)
        })

        it('tells a command that is not there from one that does not run, and says why', async () => {
          const attempt = (...args: string[]) =>
            cli.run(['run', '--rm', '--runtime', runtime, cli.image, ...args])
          const missing = await attempt('no-such-command')
          assert.equal(missing.code, 127)
          assert.match(
            missing.stderr,
            /OCI runtime create failed.*no-such-command.* not found in \$PATH/,
          )
          const directory = await attempt('/etc')
          // crun says "operation not permitted", in which no client sees more than a failure
          if (runtime === 'crun') assert.match(directory.stderr, /open executable/)
          else assert.equal(directory.code, 126, directory.stderr)
          assert.equal((await attempt('/etc/hostname')).code, 126)
        })

        it('keeps user, groups, environment, host name and working directory', async () => {
          const out = await run(
            ...[
              '-u',
              '1000:2000',
              '--group-add',
              '33',
              '-e',
              'GREETING=hello world',
              '-w',
              '/var/www',
            ],
            ...['-h', 'box', '--domainname', 'example.org'],
            cli.image,
            ...[
              'sh',
              '-c',
              'id; echo $GREETING; pwd; hostname; cat /proc/sys/kernel/domainname; umask',
            ],
          )
          const lines = out.split('\n')
          assert.match(lines[0] ?? '', /^uid=1000\S* gid=2000\S* groups=33\S*,?/)
          assert.deepEqual(lines.slice(1), [
            'hello world',
            '/var/www',
            'box',
            'example.org',
            '0022',
          ])
        })

        it('keeps capabilities, seccomp, privileges, sysctls and limits of processes', async () => {
          const out = await run(
            ...['--cap-drop', 'ALL', '--cap-add', 'CHOWN', '--security-opt', 'no-new-privileges'],
            ...['--sysctl', 'net.ipv4.ip_forward=1', '--ulimit', 'nofile=512:1024'],
            cli.image,
            ...['sh', '-c', 'grep -E "^(CapBnd|CapEff|NoNewPrivs|Seccomp):" /proc/self/status'],
          )
          assert.deepEqual(
            out.split('\n').map((line) => line.replace(/\s+/, '')),
            ['CapEff:0000000000000001', 'CapBnd:0000000000000001', 'NoNewPrivs:1', 'Seccomp:2'],
          )
          const limits = await run(
            ...['--sysctl', 'net.ipv4.ip_forward=1', '--ulimit', 'nofile=512:1024'],
            cli.image,
            ...['sh', '-c', 'cat /proc/sys/net/ipv4/ip_forward; ulimit -Sn; ulimit -Hn'],
          )
          assert.equal(limits, '1\n512\n1024')
          const open = await run(
            '--security-opt',
            'seccomp=unconfined',
            cli.image,
            'grep',
            '^Seccomp:',
            '/proc/self/status',
          )
          assert.match(open, /^Seccomp:\s+0$/)
        })

        it('mounts volumes, binds and tmpfs on a root that may be read-only', async () => {
          const shared = path.join(cli.dir, `bind-${runtime}`)
          fs.mkdirSync(shared)
          fs.writeFileSync(path.join(shared, 'from-host'), 'seen\n')
          const out = await run(
            ...[
              '--read-only',
              '--tmpfs',
              '/scratch:size=1m',
              '-v',
              `${shared}:/bound:ro`,
              '-v',
              `${name('vol')}:/kept`,
            ],
            ...['--shm-size', '32m', '--device', '/dev/zero:/dev/nothing'],
            cli.image,
            ...[
              'sh',
              '-c',
              `cat /bound/from-host; touch /bound/x 2>/dev/null || echo bound ro; touch /x 2>/dev/null || echo root ro;
          echo kept > /kept/file; df -k /scratch /dev/shm | awk 'NR>1{print $2}'; head -c 3 /dev/nothing | wc -c`,
            ],
          )
          assert.deepEqual(out.split('\n'), ['seen', 'bound ro', 'root ro', '1024', '32768', '3'])
          assert.equal(
            await run('-v', `${name('vol')}:/kept`, cli.image, 'cat', '/kept/file'),
            'kept',
          )
        })

        it(
          'keeps read-only what is mounted below a read-only bind, unless that is to be writable',
          { skip: peer && 'dockerd does so since 25, where it sees the mounts of this test' },
          async () => {
            const outer = path.join(cli.dir, `outer-${runtime}`)
            const below = path.join(outer, 'below')
            fs.mkdirSync(below, { recursive: true })
            execFileSync('mount', ['-t', 'tmpfs', 'below', below])
            try {
              const bind = `type=bind,src=${outer},dst=/bound`
              const attempt = (...options: string[]): Promise<string> =>
                run(...options, cli.image, 'sh', '-c', 'cd /bound; touch x below/x 2>&1 || true')
              const both = /\bx: Read-only file system\n.*below\/x: Read-only file system/
              assert.match(await attempt('-v', `${outer}:/bound:ro`), both)
              assert.match(await attempt('--mount', `${bind},ro`), both)
              const forced = 'ro,bind-recursive=readonly,bind-propagation=rprivate'
              assert.match(await attempt('--mount', `${bind},${forced}`), both)
              const shallow = await attempt('--mount', `${bind},ro,bind-recursive=writable`)
              assert.match(shallow, /^touch: x: Read-only file system$/)
              assert.ok(fs.existsSync(path.join(below, 'x')))
            } finally {
              execFileSync('umount', [below])
            }
          },
        )

        it('sees what the host mounts below a slave bind, and shows it what it mounts below a shared one', async () => {
          const shared = path.join(cli.dir, `shared-${runtime}`)
          const mount = (...args: string[]): void => void execFileSync('mount', args)
          fs.mkdirSync(path.join(shared, 'of-host'), { recursive: true })
          fs.mkdirSync(path.join(shared, 'of-box'))
          mount('--bind', shared, shared)
          try {
            mount('--make-shared', shared)
            await start('slave', '-v', `${shared}:/bound:slave`, cli.image, 'sleep', '1000')
            mount('-t', 'tmpfs', 'seen', path.join(shared, 'of-host'))
            await run(
              '--privileged',
              '-v',
              `${shared}:/bound:shared`,
              cli.image,
              'mount',
              '-t',
              'tmpfs',
              'made',
              '/bound/of-box',
            )
            const seen = await cli.ok('exec', name('slave'), 'cat', '/proc/mounts')
            assert.match(seen, /^seen \/bound\/of-host /m)
            assert.match(
              fs.readFileSync('/proc/mounts', 'utf8'),
              new RegExp(`^made ${shared}/of-box `, 'm'),
            )
          } finally {
            await cli.run(['rm', '-f', name('slave')])
            execFileSync('umount', ['-R', shared])
          }
        })

        it(
          'has an init before its command when asked',
          { skip: peer && 'needs docker-init there' },
          async () => {
            assert.match(await run('--init', cli.image, 'ps'), /^\s*1 root .*init -- ps$/m)
          },
        )

        it('sets limits and changes them live', async () => {
          await start(
            'limits',
            '-m',
            '64m',
            '--cpus',
            '0.5',
            '--pids-limit',
            '50',
            '--cpu-shares',
            '512',
            cli.image,
            'sleep',
            '1000',
          )
          const pid = await inspect('limits', '{{.State.Pid}}')
          assert.equal(
            readLimit(pid, 'memory', 'memory.limit_in_bytes', 'memory.max'),
            String(64 << 20),
          )
          assert.equal(readLimit(pid, 'pids', 'pids.max', 'pids.max'), '50')
          assert.match(readLimit(pid, 'cpu', 'cpu.cfs_quota_us', 'cpu.max'), /^50000\b/)
          await cli.ok(
            'update',
            '-m',
            '96m',
            '--memory-swap',
            '192m',
            '--pids-limit',
            '60',
            name('limits'),
          )
          assert.equal(
            readLimit(pid, 'memory', 'memory.limit_in_bytes', 'memory.max'),
            String(96 << 20),
          )
          assert.equal(readLimit(pid, 'pids', 'pids.max', 'pids.max'), '60')
          assert.match(
            await cli.ok(
              'stats',
              '--no-stream',
              '--format',
              '{{.MemUsage}} {{.PIDs}}',
              name('limits'),
            ),
            /\/ 96MiB 1$/,
          )
          await cli.ok('rm', '-f', name('limits'))
        })

        it('notices that the kernel ended it for want of memory', async () => {
          const eater = 'x=; while :; do x=$x$x$(head -c 1000000 /dev/zero | tr "\\0" x); done'
          const { code } = await cli.run([
            'run',
            '--runtime',
            runtime,
            '--name',
            name('oom'),
            '-m',
            '16m',
            '--memory-swap',
            '16m',
            cli.image,
            'sh',
            '-c',
            eater,
          ])
          assert.equal(code, 137)
          assert.equal(await inspect('oom', '{{.State.OOMKilled}}'), 'true')
          await cli.ok('rm', name('oom'))
        })

        it('execs with streams, user, environment, terminal and exit code', async () => {
          await start('exec', '-m', '64m', cli.image, 'sleep', '1000')
          const box = name('exec')
          const piped = await cli.run(
            ['exec', '-i', box, 'sh', '-c', 'wc -c; echo err >&2; exit 9'],
            {
              input: 'x'.repeat(300_000),
            },
          )
          assert.deepEqual(piped, { code: 9, stdout: '300000\n', stderr: 'err\n' })
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
          // 126 from dockerd 20.10
          assert.ok(
            missing.code === 127 || (!cli.own && missing.code === 126),
            String(missing.code),
          )
          assert.match(
            missing.stdout + missing.stderr,
            /OCI runtime exec failed.*no-such-command.* not found in \$PATH/,
          )
          const session = cli.terminal(['exec', '-it', box, 'sh'], { rows: 21, cols: 77 })
          await session.until('# ')
          session.type('stty size; echo do""ne\n')
          await session.until('done')
          assert.match(session.output, /21 77/)
          session.type('exit 4\n')
          assert.equal(await session.exited, 4)
          // in the limits and namespaces of the container
          await cli.ok('exec', '-d', box, 'sleep', '500')
          const pids = async (): Promise<string[]> =>
            (await cli.ok('top', box, '-o', 'pid,args'))
              .split('\n')
              .filter((line) => line.includes('sleep'))
          await eventually(pids, (list) => list.length === 2)
          const own = cgroupsOf(await inspect('exec', '{{.State.Pid}}'))
          for (const line of await pids())
            assert.deepEqual(cgroupsOf(line.trim().split(/\s+/)[0] ?? ''), own)
          assert.equal(
            (
              await Promise.all(Array.from({ length: 6 }, () => cli.ok('exec', box, 'echo', 'ok')))
            ).join(),
            'ok,ok,ok,ok,ok,ok',
          )
          await cli.ok('rm', '-f', box)
        })

        it('pauses, resizes, takes signals and stops', async () => {
          const trap =
            'trap "echo hup" HUP; trap "exit 3" TERM; echo ready; while :; do sleep 0.1; done'
          await start('signals', '-t', cli.image, 'sh', '-c', trap)
          const logs = (): Promise<string> => cli.ok('logs', name('signals'))
          await eventually(logs, (said) => said.includes('ready'))
          await cli.ok('kill', '-s', 'HUP', name('signals'))
          await eventually(logs, (said) => said.includes('hup'))
          await cli.ok('pause', name('signals'))
          assert.equal(await inspect('signals', '{{.State.Status}}'), 'paused')
          await cli.ok('unpause', name('signals'))
          await cli.ok('stop', name('signals'))
          assert.equal(await inspect('signals', '{{.State.ExitCode}}'), '3')
          await cli.ok('start', name('signals'))
          await cli.ok('kill', name('signals'))
          assert.equal(await inspect('signals', '{{.State.ExitCode}}'), '137')
          await cli.ok('rm', name('signals'))
        })

        it('restarts by policy and checks health', async () => {
          await start(
            'again',
            '--restart',
            'on-failure:2',
            cli.image,
            'sh',
            '-c',
            'echo run; exit 6',
          )
          await eventually(
            () => inspect('again', '{{.State.Status}} {{.RestartCount}}'),
            (said) => said === 'exited 2',
          )
          assert.equal(await cli.ok('logs', name('again')), 'run\nrun\nrun')
          await start(
            'health',
            '--health-cmd',
            'test -e /tmp/well',
            '--health-interval',
            '200ms',
            '--health-retries',
            '1',
            cli.image,
            'sleep',
            '1000',
          )
          await eventually(
            () => inspect('health', '{{.State.Health.Status}}'),
            (said) => said === 'unhealthy',
          )
          await cli.ok('exec', name('health'), 'touch', '/tmp/well')
          await eventually(
            () => inspect('health', '{{.State.Health.Status}}'),
            (said) => said === 'healthy',
          )
          // a probe that takes too long goes, with what it started
          await start(
            'slow',
            ...['--health-cmd', 'sleep 77 & sleep 99', '--health-interval', '200ms'],
            ...['--health-timeout', '200ms', '--health-retries', '2'],
            cli.image,
            'sleep',
            '1000',
          )
          await eventually(
            () => inspect('slow', '{{.State.Health.Status}}'),
            (said) => said === 'unhealthy',
          )
          if (cli.own) {
            const probes = (await cli.ok('top', name('slow')))
              .split('\n')
              .filter((line) => /sleep (77|99)/.test(line))
            // the shell of the one that runs just now, and its two
            assert.ok(probes.length <= 3, `those of one probe at most:\n${probes.join('\n')}`)
          }
          await cli.ok('rm', '-f', name('slow'))
          await cli.ok('rm', '-f', name('again'), name('health'))
        })

        it('has its address in the network, and joins the namespaces of another container', async () => {
          await start('donor', '--ipc', 'shareable', cli.image, 'sleep', '1000')
          const address = await inspect('donor', '{{.NetworkSettings.Networks.bridge.IPAddress}}')
          assert.match(
            await cli.ok('exec', name('donor'), 'ip', '-4', 'addr', 'show', 'eth0'),
            new RegExp(`inet ${address}/`),
          )
          assert.match(
            await run(cli.image, 'ping', '-c', '1', '-W', '2', address),
            /1 packets received/,
          )
          const donor = name('donor')
          await cli.ok('exec', donor, 'sh', '-c', 'echo shared > /dev/shm/note')
          const joined = await run(
            '--pid',
            `container:${donor}`,
            '--ipc',
            `container:${donor}`,
            '--network',
            `container:${donor}`,
            cli.image,
            'sh',
            '-c',
            'cat /dev/shm/note; ps | grep -c "[s]leep 1000"; ip -4 addr show eth0',
          )
          assert.match(joined, new RegExp(`^shared\n1\n[^]*inet ${address}/`))
          await cli.ok('rm', '-f', donor)
        })
      },
    )
  }

  describe('docker run --runtime', { skip: peer && 'of Gantry only' }, () => {
    it("is Gantry's own where none is named, and refuses what is not there", async () => {
      await cli.ok('create', '--name', `${cli.prefix}-own`, cli.image)
      assert.equal(
        await cli.ok('inspect', '-f', '{{.HostConfig.Runtime}}', `${cli.prefix}-own`),
        'gantry',
      )
      assert.equal(await cli.ok('info', '-f', '{{.DefaultRuntime}}'), 'gantry')
      const unknown = await cli.run(['run', '--rm', '--runtime', 'kata', cli.image])
      assert.equal(unknown.code, 125)
      assert.match(unknown.stderr, /unknown or invalid runtime name: kata/)
    })
  })
})

function whyNotRuntime(runtime: string): string | false {
  if (peer) return runtime === 'runc' ? false : 'dockerd has runc only'
  return runtime === 'gantry' || installed.has(runtime) ? false : `${runtime} is not installed`
}

/** @see proc_pid_cgroup(5) */
function cgroupsOf(pid: string): string[] {
  return fs.readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n')
}

function readLimit(pid: string, controller: string, v1: string, v2: string): string {
  const lines = cgroupsOf(pid).map((line) => line.split(':'))
  const own = lines.find(([, controllers = '']) => controllers.split(',').includes(controller))
  const file =
    own === undefined
      ? path.join('/sys/fs/cgroup', lines[0]?.[2] ?? '', v2)
      : path.join('/sys/fs/cgroup', own[1] ?? '', own[2] ?? '', v1)
  return fs.readFileSync(file, 'utf8').trim()
}
