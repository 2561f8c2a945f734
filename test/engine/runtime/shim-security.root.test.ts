import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { seccompProfileFor } from '../../../engine/runtime/seccomp-profile.ts'
import { compileSeccomp } from '../../../engine/runtime/seccomp.ts'
import { shimPath } from '../../../engine/native/addon.ts'
import { boundingSet } from '../../../engine/runtime/capabilities.ts'
import type { Bench } from './shim-helper.ts'
import { eventually, openBench, plainProcess, readAll, sh, unframe } from './shim-helper.ts'

const OUT = { stdin: false, stdout: true, stderr: true, detach: false }

describe('what a container may not', () => {
  let bench: Bench
  before(() => {
    bench = openBench()
  })
  after(async () => {
    await bench.clean()
  })

  it('holds the capabilities asked for and no others', async () => {
    const run = await bench.launch({
      process: sh('grep -E "^Cap|NoNewPrivs|Seccomp:" /proc/self/status'),
    })
    await run.shim.ended
    assert.equal(
      run.stdout().replaceAll('\t', ' '),
      'CapInh: 0000000000000000\nCapPrm: 00000000a80425fb\nCapEff: 00000000a80425fb\nCapBnd: 00000000a80425fb\n' +
        'CapAmb: 0000000000000000\nNoNewPrivs: 0\nSeccomp: 0\n',
    )
  })

  it('never holds more than the shim itself', async () => {
    const everything = ['CAP_SYS_ADMIN', 'CAP_SYS_RESOURCE', 'CAP_NET_ADMIN']
    const run = await bench.launch({
      process: {
        ...sh('grep CapEff /proc/self/status'),
        capabilities: {
          bounding: everything,
          effective: everything,
          permitted: everything,
          inheritable: [],
          ambient: [],
        },
      },
    })
    await run.shim.ended
    const own = BigInt(
      `0x${/CapEff:\s+(\w+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`,
    )
    const theirs = BigInt(`0x${/CapEff:\s+(\w+)/.exec(run.stdout())?.[1] ?? '0'}`)
    assert.equal(theirs & ~own, 0n)
    assert.ok(theirs & (1n << 21n))
  })

  it('is all that is left, for a shim that may drop nothing and has nothing to drop', async () => {
    const names = boundingSet().filter((name) => name !== 'CAP_SETPCAP')
    const capabilities = { bounding: names, effective: names, permitted: names }
    const options = bench.options({
      process: {
        ...sh('echo runs'),
        capabilities: { ...capabilities, inheritable: [], ambient: [] },
      },
    })
    const file = path.join(path.dirname(options.runDir), 'options.json')
    fs.writeFileSync(file, JSON.stringify(options))
    const launcher = path.join(import.meta.dirname, 'shim-launcher.ts')
    const node = [process.execPath, '--import', 'tsx', launcher, file]
    const said = execFileSync('setpriv', ['--bounding-set=-setpcap', ...node], { encoding: 'utf8' })
    assert.match(said, /started/)
    await eventually(() => fs.existsSync(options.exitPath), 'ended')
    assert.match(fs.readFileSync(options.log?.path ?? '', 'utf8'), /"runs\\n"/)
  })

  it('raises ambient capabilities for a user', async () => {
    const names = ['CAP_NET_BIND_SERVICE', 'CAP_SETPCAP']
    const run = await bench.launch({
      process: {
        ...sh('grep -E "CapEff|CapAmb" /proc/self/status'),
        user: { uid: 99, gid: 99 },
        capabilities: {
          bounding: names,
          effective: names,
          permitted: names,
          inheritable: names,
          ambient: ['CAP_NET_BIND_SERVICE'],
        },
      },
    })
    await run.shim.ended
    assert.equal(run.stdout(), 'CapEff:\t0000000000000400\nCapAmb:\t0000000000000400\n')
  })

  for (const noNewPrivileges of [false, true]) {
    it(`is held by seccomp ${noNewPrivileges ? 'with' : 'without'} no_new_privs, as root and as a user`, async () => {
      const profile = seccompProfileFor({})
      assert.ok(profile)
      const seccompFilter = compileSeccomp(profile)
      const script = sh(
        'grep -E "^(NoNewPrivs|Seccomp):" /proc/self/status; unshare -U true 2>&1 || echo held',
      )
      for (const user of [
        { uid: 0, gid: 0 },
        { uid: 1000, gid: 1000 },
      ]) {
        const run = await bench.launch({
          seccompFilter,
          process: { ...script, noNewPrivileges, user },
        })
        await run.shim.ended
        assert.match(
          run.stdout(),
          new RegExp(`NoNewPrivs:\t${noNewPrivileges ? 1 : 0}\nSeccomp:\t2\n[^]*held\n$`),
        )
      }
      const run = await bench.launch({
        seccompFilter,
        process: { ...sh('sleep 60'), noNewPrivileges },
      })
      const { stream } = await run.shim.exec({
        id: 'held',
        ...OUT,
        seccompFilter,
        process: plainProcess(script.args, { noNewPrivileges }),
      })
      assert.ok(stream)
      assert.match(unframe(await readAll(stream)).stdout, /Seccomp:\t2\n[^]*held\n$/)
    })
  }

  it('sees masked paths empty and cannot write read-only ones', async () => {
    const run = await bench.launch({
      process: sh(
        'wc -c < /proc/timer_list; ls /sys/firmware /proc/acpi | grep -v :; echo 1 > /proc/sys/kernel/domainname || echo refused; mkdir /sys/x || echo refused; echo b > /sys/fs/cgroup/x || echo refused',
      ),
    })
    await run.shim.ended
    assert.equal(run.stdout().replaceAll(/^\n/gm, ''), '0\nrefused\nrefused\nrefused\n')
  })

  it('cannot write to a read-only root, but to what is mounted in it', async () => {
    const run = await bench.launch({
      readonly: true,
      mounts: [
        { destination: '/scratch', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'size=1m'] },
      ],
      process: {
        ...sh(
          'touch /x || echo refused; echo ok > /scratch/x; cat /scratch/x; touch /dev/shm/y && echo shm',
        ),
        cwd: '/scratch/sub',
      },
    })
    await run.shim.ended
    assert.equal(run.stdout(), 'refused\nok\nshm\n')
  })

  it('cannot overwrite the shim through /proc/self/exe', async () => {
    const before = fs.readFileSync(shimPath())
    // the entry point is the shim itself; kept open for writing by the next
    fs.symlinkSync('/proc/self/exe', path.join(bench.layer, 'bin/self'))
    fs.writeFileSync(path.join(bench.layer, 'bin/selfscript'), '#!/proc/self/exe\n', {
      mode: 0o755,
    })
    for (const program of ['/bin/self', '/bin/selfscript', '/proc/self/exe']) {
      const run = await bench
        .launch({ process: { args: [program, '/'] } })
        .catch((error: unknown) => error as Error)
      if (!(run instanceof Error)) await run.shim.ended
    }
    const run = await bench.launch({
      process: sh(
        'for n in $(seq 1 400); do for p in /proc/[0-9]*; do echo overwritten > $p/exe; done; done 2>/dev/null; sleep 60',
      ),
    })
    for (let n = 0; n < 30; n++) {
      const { exited, stream } = await run.shim.exec({
        id: `x${n}`,
        ...OUT,
        process: plainProcess(['/proc/self/exe', '/']),
      })
      stream?.resume()
      await exited
    }
    assert.ok(before.equals(fs.readFileSync(shimPath())))
    fs.rmSync(path.join(bench.layer, 'bin/self'))
  })

  it('runs the shim from a read-only view of itself', async () => {
    const run = await bench.launch({ process: sh('sleep 60') })
    assert.throws(() => {
      fs.closeSync(fs.openSync(`/proc/${run.shim.shimPid}/exe`, 'r+'))
    }, /EROFS|ETXTBSY/)
    const flags = execFileSync('stat', ['-Lfc', '%T', `/proc/${run.shim.shimPid}/exe`], {
      encoding: 'utf8',
    })
    assert.ok(flags)
  })

  it('cannot leave the root by its working directory', async () => {
    for (const cwd of [
      '/proc/self/fd/3',
      '/proc/self/fd/7',
      '/proc/self/fd/8/../../..',
      '/proc/self/cwd/..',
    ]) {
      const run = await bench
        .launch({ process: { ...sh('ls /layers /etc/os-release; pwd'), cwd } })
        .catch((error: unknown) => error as Error)
      if (run instanceof Error) continue
      await run.shim.ended
      assert.doesNotMatch(run.stdout(), /base|os-release/)
    }
  })

  it('cannot see or trace a process of the host, nor make a disk', async () => {
    const run = await bench.launch({
      process: {
        ...sh(`ls -d /proc/${process.pid} || echo unseen; kill -0 ${run0()} || echo refused`),
      },
    })
    await run.shim.ended
    assert.equal(run.stdout(), 'unseen\nrefused\n')
  })

  function run0(): number {
    return process.pid
  }
})
