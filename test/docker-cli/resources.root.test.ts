import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { findHierarchies } from '../../engine/cgroups/hierarchies.ts'
import type { ContainerStatsResponse } from '../../engine/types/docker.ts'
import { soFar } from '../helpers/so-far.ts'
import { eventually, openCli, whyNot, type Cli, type CliResult } from './harness.ts'
import { get } from './http.ts'

const { unified, v1 } = findHierarchies()
const isV2 = v1.length === 0
const MIB = 1 << 20

/** A block device that is there on every Linux. */
const loop = fs.existsSync('/dev/loop0') ? '/dev/loop0' : undefined

describe('limits by the docker CLI', { skip: await whyNot() }, () => {
  let cli: Cli
  let count = 0

  before(async () => {
    cli = await openCli()
  })
  after(() => cli.close())
  afterEach(async () => {
    const left = await cli.ok('ps', '-aq', '--filter', `name=${cli.prefix}-`)
    if (left !== '') await cli.ok('rm', '-f', ...left.split('\n'))
  })

  const name = (): string => `${cli.prefix}-${String(count++)}`

  async function sleeper(...options: string[]): Promise<string> {
    const box = name()
    await cli.ok('run', '-d', '--network', 'none', '--name', box, ...options, cli.image, 'sleep', '1000')
    return box
  } // prettier-ignore

  async function directory(box: string, controller: string): Promise<string> {
    const pid = await cli.ok('inspect', '-f', '{{.State.Pid}}', box)
    const text = fs.readFileSync(`/proc/${pid}/cgroup`, 'utf8')
    const hierarchy = v1.find(({ controllers }) => controllers.includes(controller))
    const own = text
      .split('\n')
      .map((line) => line.split(':'))
      .find(([id, controllers = '']) =>
        hierarchy ? controllers.split(',').includes(controller) : id === '0',
      )
    return path.join(hierarchy?.root ?? unified ?? '', own?.[2] ?? '')
  }

  /** A limit as the kernel holds it: in v1 `controller/file`, in v2 the file. */
  async function limit(box: string, inV1: string, inV2: string): Promise<string> {
    const [controller = '', file = ''] = inV1.split('/')
    return fs.readFileSync(path.join(await directory(box, controller), isV2 ? inV2 : file), 'utf8').trim()
  } // prettier-ignore

  const memory = (box: string) => limit(box, 'memory/memory.limit_in_bytes', 'memory.max')
  /** Memory and swap together, as Docker counts. */
  async function memoryAndSwap(box: string): Promise<number> {
    if (!isV2) return Number(await limit(box, 'memory/memory.memsw.limit_in_bytes', ''))
    const swap = await limit(box, '', 'memory.swap.max')
    return swap === 'max' ? Infinity : Number(swap) + Number(await memory(box))
  }
  const inspect = (box: string, field: string) => cli.ok('inspect', '-f', `{{.${field}}}`, box)
  const update = (...args: string[]): Promise<CliResult> => cli.run(['update', ...args])
  const UNLIMITED = 2 ** 62

  it('run sets memory, swap, reservation, CPU and pids in the kernel', async () => {
    const box = await sleeper(
      '-m', '64m', '--memory-reservation', '32m', '--cpus', '0.5', '--cpu-shares', '512', '--cpuset-cpus', '0',
      '--cpuset-mems', '0', '--pids-limit', '77',
    ) // prettier-ignore
    assert.equal(await memory(box), String(64 * MIB))
    assert.equal(await memoryAndSwap(box), 128 * MIB, 'as much swap as memory')
    assert.equal(await inspect(box, 'HostConfig.MemorySwap'), String(128 * MIB))
    assert.equal(
      await limit(box, 'memory/memory.soft_limit_in_bytes', 'memory.low'),
      String(32 * MIB),
    )
    assert.equal(await limit(box, 'cpu/cpu.shares', 'cpu.weight'), isV2 ? '59' : '512')
    if (isV2) assert.equal(await limit(box, '', 'cpu.max'), '50000 100000')
    else {
      assert.equal(await limit(box, 'cpu/cpu.cfs_quota_us', ''), '50000')
      assert.equal(await limit(box, 'cpu/cpu.cfs_period_us', ''), '100000')
    }
    assert.equal(await limit(box, 'cpuset/cpuset.cpus', 'cpuset.cpus'), '0')
    assert.equal(await limit(box, 'cpuset/cpuset.mems', 'cpuset.mems'), '0')
    assert.equal(await limit(box, 'pids/pids.max', 'pids.max'), '77')
    const seen = isV2 ? 'memory.max' : 'memory/memory.limit_in_bytes'
    assert.equal(
      await cli.ok('exec', box, 'cat', `/sys/fs/cgroup/${seen}`),
      String(64 * MIB),
      'as the container sees it',
    )
  })

  it('run sets swap of its own, none, or no end of it', async () => {
    assert.equal(await memoryAndSwap(await sleeper('-m', '64m', '--memory-swap', '80m')), 80 * MIB)
    assert.equal(await memoryAndSwap(await sleeper('-m', '64m', '--memory-swap', '64m')), 64 * MIB)
    assert.ok((await memoryAndSwap(await sleeper('-m', '64m', '--memory-swap', '-1'))) >= UNLIMITED)
  })

  it('run refuses limits that contradict each other', async () => {
    for (const [options, words] of [
      [['-m', '1m'], /Minimum memory limit allowed is 6MB/],
      [['-m', '64m', '--memory-swap', '32m'], /Minimum memoryswap limit should be larger than memory limit/],
      [['--memory-swap', '64m'], /You should always set the Memory limit when using Memoryswap limit/],
      [['-m', '8m', '--memory-reservation', '16m'], /Minimum memory limit can not be less than memory reservation limit/],
      [['--cpus', '1', '--cpu-period', '1000'], /Nano CPUs and CPU Period cannot both be set/],
      [['--cpus', '4096'], /[Rr]ange of CPUs is from 0.01 to/],
      [['--cpuset-cpus', '4095'], /Requested CPUs are not available/],
      [['--cpuset-mems', '4095'], /Requested memory nodes are not available/],
      [['--blkio-weight', '5'], isV2 || cli.own ? /Range of blkio weight is from 10 to 1000/ : /\w/],
    ] as const) {
      const { code, stderr } = await cli.run(['create', ...options, cli.image])
      if (stderr.startsWith('WARNING')) continue
      assert.notEqual(code, 0)
      assert.match(stderr, words)
    }
    if (isV2) return
    const { code, stderr } = await cli.run(['run', '--rm', '--network', 'none', '--cpu-shares', '1', cli.image])
    assert.ok(code === 125 || code === 128, String(code))
    assert.match(stderr, /the minimum allowed cpu-shares is 2/)
  }) // prettier-ignore

  it('swappiness and the OOM killer are v1’s', { skip: isV2 && 'v2 has neither' }, async () => {
    const box = await sleeper('--memory-swappiness', '10', '-m', '32m', '--oom-kill-disable')
    assert.equal(await limit(box, 'memory/memory.swappiness', ''), '10')
    assert.match(await limit(box, 'memory/memory.oom_control', ''), /^oom_kill_disable 1$/m)
    const { stdout, stderr } = await cli.run(['create', '--oom-kill-disable', cli.image])
    assert.match(stderr, /OOM killer is disabled for the container, but no memory limit is set/)
    await cli.ok('rm', stdout.trim())
  })

  it('throttles are by device', { skip: loop === undefined && 'no loop device' }, async () => {
    const { rdev } = fs.statSync(loop ?? '')
    const device = `${String((rdev >> 8) & 0xfff)}:${String(rdev & 0xff)}`
    const box = await sleeper(
      '--device-read-bps', `${loop ?? ''}:1mb`, '--device-write-bps', `${loop ?? ''}:2mb`,
      '--device-read-iops', `${loop ?? ''}:300`, '--device-write-iops', `${loop ?? ''}:400`,
    ) // prettier-ignore
    if (isV2) {
      assert.equal(
        await limit(box, '', 'io.max'),
        `${device} rbps=${String(MIB)} wbps=${String(2 * MIB)} riops=300 wiops=400`,
      )
      return
    }
    const throttle = (file: string) => limit(box, `blkio/blkio.throttle.${file}_device`, '')
    assert.equal(await throttle('read_bps'), `${device} ${String(MIB)}`)
    assert.equal(await throttle('write_bps'), `${device} ${String(2 * MIB)}`)
    assert.equal(await throttle('read_iops'), `${device} 300`)
    assert.equal(await throttle('write_iops'), `${device} 400`)
    const missing = await cli.run(['run', '--rm', '--device-read-bps', '/dev/nope:1mb', cli.image])
    assert.notEqual(missing.code, 0)
    assert.match(missing.stderr, /\/dev\/nope/)
  })

  it('update changes a running container, and what is kept of it', async () => {
    const box = await sleeper('-m', '64m', '--memory-swap', '128m', '--cpu-shares', '512')
    assert.equal((await update('-m', '96m', box)).stdout.trim(), box)
    assert.equal(await memory(box), String(96 * MIB))
    assert.equal(await memoryAndSwap(box), 128 * MIB)
    await cli.ok('update', '-m', '256m', '--memory-swap', '512m', box)
    assert.equal(await memory(box), String(256 * MIB), 'both above what they were')
    await cli.ok('update', '-m', '16m', '--memory-swap', '24m', box)
    assert.equal(await memory(box), String(16 * MIB), 'both below what they were')
    assert.equal(await memoryAndSwap(box), 24 * MIB)
    await cli.ok('update', '--memory-reservation', '8m', '--cpu-shares', '256', '--cpuset-cpus', '0', box)
    assert.equal(
      await limit(box, 'memory/memory.soft_limit_in_bytes', 'memory.low'),
      String(8 * MIB),
    )
    assert.equal(await limit(box, 'cpu/cpu.shares', 'cpu.weight'), isV2 ? '35' : '256')
    assert.equal(await limit(box, 'cpuset/cpuset.cpus', 'cpuset.cpus'), '0')
    await cli.ok('update', '--cpu-period', '50000', '--cpu-quota', '20000', box)
    await cli.ok('update', '--cpu-quota', '10000', box)
    const bandwidth = isV2
      ? await limit(box, '', 'cpu.max')
      : `${await limit(box, 'cpu/cpu.cfs_quota_us', '')} ${await limit(box, 'cpu/cpu.cfs_period_us', '')}`
    assert.equal(bandwidth, '10000 50000', 'the period stays')
    await cli.ok('update', '--pids-limit', '33', box)
    assert.equal(await limit(box, 'pids/pids.max', 'pids.max'), '33')
    await cli.ok('update', '--pids-limit', '-1', box)
    assert.equal(await limit(box, 'pids/pids.max', 'pids.max'), 'max')
    assert.equal(await inspect(box, 'HostConfig.CpuQuota'), '10000')

    await cli.ok('restart', '-t', '0', box)
    assert.equal(await memory(box), String(16 * MIB), 'and at the next start')
    await cli.ok('stop', '-t', '0', box)
    await cli.ok('update', '-m', '12m', box)
    await cli.ok('start', box)
    assert.equal(await memory(box), String(12 * MIB), 'changed while it did not run')
  }) // prettier-ignore

  it('update refuses what does not go with the container, and changes nothing then', async () => {
    const box = await sleeper('-m', '64m', '--memory-swap', '128m', '--cpus', '0.5')
    for (const [args, words] of [
      [['-m', '256m'], /Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time/],
      [['--cpu-quota', '20000'], /CPU Quota cannot be updated as NanoCPUs has already been set/],
      [['--cpu-period', '20000'], /CPU Period cannot be updated as NanoCPUs has already been set/],
      [['-m', '1m'], /Minimum memory limit allowed is 6MB/],
      [['--cpuset-cpus', '4095'], /Requested CPUs are not available/],
      [['--cpu-shares', '300', '--memory-swap', '32m'], /Cannot update container/],
    ] as const) {
      const { code, stderr } = await update(...args, box)
      assert.equal(code, 1, args.join(' '))
      assert.match(stderr, words)
    }
    assert.equal(await memory(box), String(64 * MIB))
    assert.equal(await memoryAndSwap(box), 128 * MIB)
    assert.equal(await inspect(box, 'HostConfig.CpuShares'), '0')
    if (cli.own) assert.equal(await limit(box, 'cpu/cpu.shares', 'cpu.weight'), isV2 ? '100' : '1024')
    const unlimited = await sleeper()
    assert.match((await update('-m', '64m', unlimited)).stderr, /update the memoryswap at the same time/)
    await cli.ok('update', '-m', '64m', '--memory-swap', '64m', unlimited)
    assert.equal(await memory(unlimited), String(64 * MIB))
  }) // prettier-ignore

  it(
    'update refuses memory below what is in use',
    { skip: isV2 && 'v2 kills instead' },
    async () => {
      const box = name()
      await cli.ok('run', '-d', '--network', 'none', '--name', box, '--tmpfs', '/m', '-m', '64m', '--memory-swap', '64m',
        cli.image, 'sh', '-c', 'dd if=/dev/zero of=/m/f bs=1M count=24 2>/dev/null; echo full; sleep 1000') // prettier-ignore
      await eventually(() => cli.ok('logs', box), (logs) => logs === 'full') // prettier-ignore
      const { code, stderr } = await update('-m', '8m', '--memory-swap', '8m', '--cpu-shares', '2048', box)
      assert.equal(code, 1)
      assert.match(stderr, /Cannot update container [\s\S]*unable to set memory limit to 8388608 \(current usage: \d+, peak usage: \d+\)/) // prettier-ignore
      assert.equal(await memory(box), String(64 * MIB))
      assert.equal(await inspect(box, 'HostConfig.Memory'), String(64 * MIB))
    },
  ) // prettier-ignore

  it('update of the restart policy holds from the next end on, and not with --rm', async () => {
    const box = await sleeper()
    await cli.ok('update', '--restart', 'on-failure:2', box)
    assert.equal(await inspect(box, 'HostConfig.RestartPolicy.MaximumRetryCount'), '2')
    const pid = await inspect(box, 'State.Pid')
    process.kill(Number(pid), 'SIGKILL')
    await eventually(
      () => inspect(box, 'RestartCount'),
      (restarts) => restarts === '1',
    )
    assert.match((await update('--restart', 'nonsense', box)).stderr, /invalid restart policy/)
    const passing = await sleeper('--rm')
    assert.match(
      (await update('--restart', 'always', passing)).stderr,
      /Restart policy cannot be updated because AutoRemove is enabled for the container/,
    )
  })

  it('says so when any process was killed for want of memory, until the next start', async () => {
    const box = name()
    const since = String(Date.now() / 1000)
    await cli.ok('run', '-d', '--network', 'none', '--name', box, '-m', '16m', '--memory-swap', '16m', cli.image,
      'sh', '-c', 'tail /dev/zero; echo survived; sleep 1000') // prettier-ignore
    await eventually(
      () => cli.ok('logs', box),
      (logs) => logs.includes('survived'),
    )
    // containerd 1.6 tells dockerd with v1 only at the container's end
    if (cli.own || isV2) {
      await eventually(
        () => inspect(box, 'State.OOMKilled'),
        (killed) => killed === 'true',
      )
      assert.equal(await inspect(box, 'State.Status'), 'running', 'the init lives')
      const events = await cli.ok('events', '--since', since, '--until', String(soFar()),
        '--filter', `container=${box}`, '--filter', 'event=oom', '--format', '{{.Action}}') // prettier-ignore
      assert.match(events, /^oom$/m)
    }
    await cli.ok('kill', box)
    assert.equal(await inspect(box, 'State.OOMKilled'), 'true')

    const killed = name()
    const run = await cli.run(['run', '--network', 'none', '--name', killed, '-m', '16m', '--memory-swap', '16m', cli.image, 'tail', '/dev/zero']) // prettier-ignore
    assert.equal(run.code, 137)
    assert.equal(await inspect(killed, 'State.OOMKilled'), 'true')
  })

  it('--cgroup-parent is where its cgroup is', async () => {
    const parent = `/${cli.prefix}-p/inner`
    const box = await sleeper('--cgroup-parent', parent, '-m', '32m')
    const id = await inspect(box, 'Id')
    const inMemory = await directory(box, 'memory')
    assert.ok(inMemory.endsWith(`${parent}/${id}`), inMemory)
    assert.equal(await memory(box), String(32 * MIB))
    assert.match(await cli.ok('exec', box, 'echo', 'in it'), /in it/)
    assert.match(
      await cli.ok('stats', '--no-stream', '--format', '{{.MemUsage}} {{.PIDs}}', box),
      / \/ 32MiB 1$/,
    )
    const relative = await sleeper('--cgroup-parent', `${cli.prefix}-p/../${cli.prefix}-r`)
    assert.ok((await directory(relative, 'memory')).includes(`/${cli.prefix}-r/`))
    await cli.ok('rm', '-f', box, relative)
    const roots = [...v1.map(({ root }) => root), ...(unified === undefined ? [] : [unified])]
    const left = roots
      .flatMap((root) => [`${root}/${cli.prefix}-p`, `${root}/${cli.prefix}-r`])
      .filter((one) => fs.existsSync(one))
    // dockerd leaves what it made; the engine here takes it away
    if (cli.own) assert.deepEqual(left, [])
    else for (const one of left) removeBelow(one)
    if (cli.own) {
      const slice = await cli.run(['create', '--cgroup-parent', 'system.slice', cli.image])
      assert.match(slice.stderr, /cgroup-parent for cgroupfs should be a path/)
    }
  })

  it('stats have every field of the reference, and zeros when it does not run', async () => {
    const box = await sleeper('-m', '64m', '--pids-limit', '9')
    const id = await inspect(box, 'Id')
    const sample = async (query: string): Promise<ContainerStatsResponse> =>
      (await get(cli.host, `/containers/${box}/stats?${query}`)) as ContainerStatsResponse
    const two = await sample('stream=false')
    assert.equal(two.id, id)
    assert.equal(two.name, `/${box}`)
    assert.deepEqual(two.pids_stats, { current: 1, limit: 9 })
    assert.equal(two.memory_stats?.limit, 64 * MIB)
    assert.ok((two.memory_stats?.usage ?? 0) > 0)
    const expected = isV2
      ? ['anon', 'file', 'kernel_stack', 'slab', 'sock', 'shmem', 'inactive_file', 'pgfault', 'pgmajfault']
      : ['cache', 'rss', 'mapped_file', 'hierarchical_memory_limit', 'total_inactive_file', 'total_pgmajfault']
    for (const key of expected) assert.ok(key in (two.memory_stats?.stats ?? {}), key)
    const { cpu_stats: cpu, precpu_stats: before } = two
    assert.ok((cpu?.system_cpu_usage ?? 0) > (before?.system_cpu_usage ?? 0))
    assert.ok((cpu?.cpu_usage?.total_usage ?? 0) >= (before?.cpu_usage?.total_usage ?? 0))
    const cpus = fs.readFileSync('/proc/stat', 'utf8').match(/^cpu\d/gm)?.length
    assert.equal(cpu?.online_cpus, cpus)
    if (!isV2) assert.equal(cpu?.cpu_usage?.percpu_usage?.length, cpus)
    assert.ok(Date.parse(two.read ?? '') - Date.parse(two.preread ?? '') > 500)
    const one = await sample('stream=false&one-shot=true')
    assert.equal(one.preread, '0001-01-01T00:00:00Z')
    await cli.ok('stop', '-t', '0', box)
    const none = await sample('stream=false')
    assert.equal(none.read, '0001-01-01T00:00:00Z')
    assert.deepEqual(none.cpu_stats, {
      cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
      throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
    })
    assert.deepEqual(none.memory_stats, {})
    assert.deepEqual(none.pids_stats, {})
    assert.match(await cli.ok('stats', '--no-stream', '--format', '{{.CPUPerc}} {{.PIDs}}', box), /^0.00% 0$/)
  }) // prettier-ignore

  it('stats count throttling', async () => {
    const box = name()
    await cli.ok('run', '-d', '--network', 'none', '--name', box, '--cpus', '0.05', cli.image, 'sh', '-c', 'while :; do :; done') // prettier-ignore
    const throttled = await eventually(
      async () =>
        ((await get(cli.host, `/containers/${box}/stats?stream=false&one-shot=true`)) as ContainerStatsResponse)
          .cpu_stats?.throttling_data,
      (data) => (data?.throttled_time ?? 0) > 0,
    ) // prettier-ignore
    assert.ok((throttled?.periods ?? 0) >= (throttled?.throttled_periods ?? 0))
    await cli.ok('rm', '-f', box)
  })

  it('top takes the options of ps', async () => {
    const box = name()
    await cli.ok('run', '-d', '--network', 'none', '--name', box, cli.image, 'sh', '-c', 'sleep 777 & sleep 778') // prettier-ignore
    await eventually(
      () => cli.ok('top', box),
      (top) => /sleep 777/.test(top) && /sleep 778/.test(top),
    )
    assert.match(await cli.ok('top', box), /^UID +PID +PPID +C +STIME +TTY +TIME +CMD\n/)
    assert.match(await cli.ok('top', box, 'aux'), /^USER +PID +%CPU[\s\S]*sleep 777/)
    assert.match(await cli.ok('top', box, '-o', 'pid,args'), /^PID +COMMAND\n[\s\S]*sleep 778/)
    assert.match(await cli.ok('top', box, '-eo', 'user,pid,cmd', '--sort=-pid'), /^USER +PID +CMD\n/)
    assert.match(await cli.ok('top', box, 'xf', '-o', 'pid,cmd'), /sleep 777/)
    assert.match(await cli.ok('top', box, 'm'), /PID[\s\S]* - /, 'threads too')
    assert.match((await cli.run(['top', box, '-o', 'args'])).stderr, /Couldn't find PID field in ps output/)
    assert.match((await cli.run(['top', box, '-o', 'cmd=PID'])).stderr, /specifying "cmd=PID" is not allowed/)
    assert.match((await cli.run(['top', box, '--nonsense'])).stderr, /ps/)
    await cli.ok('kill', box)
    assert.match((await cli.run(['top', box])).stderr, /is not running/)
  }) // prettier-ignore

  function removeBelow(directory: string): void {
    for (const entry of fs.readdirSync(directory, { withFileTypes: true }))
      if (entry.isDirectory()) removeBelow(path.join(directory, entry.name))
    fs.rmdirSync(directory)
  }
})
