import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { Controls } from '../../../../engine/cgroups/controls.ts'
import { toDockerStats } from '../../../../engine/cgroups/docker-stats.ts'
import { openCgroups } from '../../../../engine/cgroups/manager.ts'
import { CgroupV2 } from '../../../../engine/cgroups/v2/cgroup.ts'
import { applyCpu, weightOfShares } from '../../../../engine/cgroups/v2/cpu.ts'
import { applyIo, parseIoStat } from '../../../../engine/cgroups/v2/io.ts'
import { applyMemory, oomKills } from '../../../../engine/cgroups/v2/memory.ts'
import { applyPids } from '../../../../engine/cgroups/v1/pids.ts'

/** Captured on Linux 6.1 with cgroup v2. */
const CAPTURED = {
  'cpu.stat':
    'usage_usec 1830512\nuser_usec 1220341\nsystem_usec 610171\ncore_sched.force_idle_usec 0\nnr_periods 40\nnr_throttled 7\nthrottled_usec 351200\nnr_bursts 0\nburst_usec 0\n',
  'memory.current': '27836416\n',
  'memory.max': '67108864\n',
  'memory.stat':
    'anon 12582912\nfile 13107200\nkernel 1245184\ninactive_file 8388608\nactive_file 4718592\npgfault 40231\n',
  'memory.events': 'low 0\nhigh 0\nmax 812\noom 2\noom_kill 1\noom_group_kill 0\n',
  'pids.current': '12\n',
  'pids.max': 'max\n',
  'io.stat':
    '254:0 rbytes=4923392 wbytes=1048576 rios=211 wios=18 dbytes=0 dios=0\n7:0 \n8:16 rbytes=512 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n',
}

describe('the files of a v2 cgroup', () => {
  let directory: string

  beforeEach(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'g-cgroup-'))
  })

  afterEach(() => {
    fs.rmSync(directory, { recursive: true })
  })

  const put = (files: Record<string, string>): void => {
    for (const [name, text] of Object.entries(files))
      fs.writeFileSync(path.join(directory, name), text)
  }
  const read = (name: string): string => fs.readFileSync(path.join(directory, name), 'utf8')

  const controls = (journal?: (() => void)[]): Controls => new Controls(directory, journal)

  test('memory: swap is what goes beyond memory', () => {
    put({ 'memory.swap.max': 'max', 'memory.max': 'max' })
    applyMemory(controls(), { limit: 64 << 20, swap: 96 << 20, reservation: 16 << 20 })
    assert.equal(read('memory.max'), String(64 << 20))
    assert.equal(read('memory.swap.max'), String(32 << 20))
    assert.equal(read('memory.low'), String(16 << 20))
    applyMemory(controls(), { swap: 64 << 20 })
    assert.equal(read('memory.swap.max'), '0', 'by the limit that is set')
    applyMemory(controls(), { limit: -1, swap: -1 })
    assert.equal(read('memory.max'), 'max')
    assert.equal(read('memory.swap.max'), 'max')
  })

  test('memory: a kernel without swap accounting lacks the file', () => {
    applyMemory(controls(), { limit: 64 << 20, swap: 96 << 20 })
    assert.equal(fs.existsSync(path.join(directory, 'memory.swap.max')), false)
  })

  test('cpu: shares become a weight, quota and period one line', () => {
    applyCpu(controls(), { shares: 1024, quota: 50_000, period: 100_000, cpus: '0-1', mems: '0' })
    assert.equal(read('cpu.weight'), '100')
    assert.equal(read('cpu.max'), '50000 100000')
    assert.equal(read('cpuset.cpus'), '0-1')
    assert.equal(read('cpuset.mems'), '0')
    applyCpu(controls(), { quota: -1 })
    assert.equal(read('cpu.max'), 'max 100000')
    // the ends, their neighbours and the default are what runc's own test asks for
    const weights = [0, 2, 3, 256, 512, 1024, 2048, 262_143, 262_144, 1e9].map(weightOfShares)
    assert.deepEqual(weights, [1, 1, 2, 35, 59, 100, 174, 10_000, 10_000, 10_000])
  })

  test('pids: no limit is max', () => {
    applyPids(controls(), { limit: 100 })
    assert.equal(read('pids.max'), '100')
    applyPids(controls(), { limit: -1 })
    assert.equal(read('pids.max'), 'max')
  })

  test('io: the weight goes to BFQ where it is, else to the cost model', () => {
    put({ 'io.weight': '' })
    applyIo(controls(), { weight: 500 })
    assert.equal(read('io.weight'), 'default 4950')
    put({ 'io.bfq.weight': '', 'io.max': '' })
    applyIo(controls(), { weightDevice: [{ major: 8, minor: 0, weight: 300 }] })
    assert.equal(read('io.bfq.weight'), '8:0 300')
    applyIo(controls(), { throttleWriteIOPSDevice: [{ major: 8, minor: 0, rate: 100 }] })
    assert.equal(read('io.max'), '8:0 wiops=100')
  })

  test('io.stat: devices without counts are passed over', () => {
    assert.deepEqual(parseIoStat(CAPTURED['io.stat']), {
      bytes: [
        { major: 254, minor: 0, operation: 'read', value: 4_923_392 },
        { major: 254, minor: 0, operation: 'write', value: 1_048_576 },
        { major: 8, minor: 16, operation: 'read', value: 512 },
        { major: 8, minor: 16, operation: 'write', value: 0 },
      ],
      operations: [
        { major: 254, minor: 0, operation: 'read', value: 211 },
        { major: 254, minor: 0, operation: 'write', value: 18 },
        { major: 8, minor: 16, operation: 'read', value: 1 },
        { major: 8, minor: 16, operation: 'write', value: 0 },
      ],
    })
  })

  test('stats() and toDockerStats() give what the docker CLI computes from', () => {
    put(CAPTURED)
    const cgroup = new CgroupV2('/gantry/a', directory, () => undefined)
    const first = cgroup.stats()
    put({ 'cpu.stat': CAPTURED['cpu.stat'].replace('1830512', '1930512') })
    const sample = toDockerStats({
      id: 'a',
      name: '/web',
      previous: first,
      current: cgroup.stats(),
      networks: {},
    })
    assert.equal(sample.cpu_stats?.cpu_usage?.total_usage, 1_930_512_000)
    assert.equal(sample.precpu_stats?.cpu_usage?.total_usage, 1_830_512_000)
    assert.equal(sample.cpu_stats?.throttling_data?.throttled_time, 351_200_000)
    assert.ok((sample.cpu_stats?.online_cpus ?? 0) > 0)
    assert.ok((sample.cpu_stats?.system_cpu_usage ?? 0) > 0)
    assert.equal(sample.memory_stats?.usage, 27_836_416)
    assert.equal(sample.memory_stats?.limit, 67_108_864)
    assert.equal(sample.memory_stats?.stats?.['inactive_file'], 8_388_608)
    assert.equal(sample.pids_stats?.current, 12)
    assert.equal(sample.networks, undefined)
    put({ 'memory.max': 'max\n' })
    const unlimited = toDockerStats({
      id: 'a',
      name: '/web',
      previous: null,
      current: cgroup.stats(),
      networks: {},
    })
    assert.equal(unlimited.memory_stats?.limit, os.totalmem())
    assert.equal(unlimited.preread, '0001-01-01T00:00:00Z')
    cgroup.closeStats()
  })

  test('oomKills() reads memory.events', () => {
    assert.equal(oomKills(directory), 0)
    put(CAPTURED)
    assert.equal(oomKills(directory), 1)
  })

  test('openCgroups() takes a root with cgroup.controllers for v2 and hands controllers down', () => {
    put({
      'cgroup.controllers': 'cpuset cpu io memory hugetlb pids rdma misc\n',
      'cgroup.subtree_control': 'cpu io memory pids hugetlb\n',
    })
    const cgroups = openCgroups({ parent: 'gantry', root: directory })
    assert.equal(cgroups.version, 2)
    assert.deepEqual([...cgroups.controllers], ['cpuset', 'cpu', 'io', 'memory', 'pids', 'hugetlb'])
    const cgroup = cgroups.create('abc', { pids: { limit: 9 } })
    assert.deepEqual(cgroup.procs, [path.join(directory, 'gantry/abc/cgroup.procs')])
    assert.equal(read('cgroup.subtree_control'), '+cpuset', 'only what was missing')
    assert.equal(read('gantry/abc/pids.max'), '9')
    assert.deepEqual(cgroups.list(), ['abc'])
  })

  test('openCgroups() refuses a threaded parent', () => {
    put({ 'cgroup.controllers': 'pids\n', 'cgroup.subtree_control': 'pids\n' })
    fs.mkdirSync(path.join(directory, 'gantry'))
    put({ 'gantry/cgroup.type': 'threaded\n' })
    assert.throws(() => openCgroups({ parent: 'gantry', root: directory }).create('a', {}), {
      code: 'UNAVAILABLE',
    })
  })
})
