import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  capabilitiesOf,
  CAPABILITIES,
  DEFAULT_CAPABILITIES,
  parseBoundingSet,
  withheldCapabilities,
} from '../../../engine/runtime/capabilities.ts'
import { buildExecProcess } from '../../../engine/runtime/exec-process.ts'
import { resourcesOf } from '../../../engine/runtime/resources.ts'
import { parseHardLimits, rlimitsOf } from '../../../engine/runtime/rlimits.ts'
import { buildSpec, type SpecInput } from '../../../engine/runtime/spec.ts'
import type { HostConfig } from '../../../engine/types/docker.ts'

const user = { uid: 1000, gid: 1000, additionalGids: [1000, 4], home: '/srv', name: 'web' }

function spec(hostConfig: HostConfig, more: Partial<SpecInput> = {}) {
  return buildSpec({
    id: 'a'.repeat(64),
    config: { Cmd: ['serve'], Entrypoint: ['/entry'], Env: ['A=1'] },
    hostConfig,
    user,
    rootfsPath: '/run/gantry/c/a/rootfs',
    mounts: [],
    netnsPath: '/run/gantry/netns/a',
    hostname: 'web1',
    cgroupsPath: '/gantry/a',
    resources: resourcesOf(hostConfig),
    ...more,
  })
}

const namespaces = (hostConfig: HostConfig, more?: Partial<SpecInput>) =>
  Object.fromEntries(
    spec(hostConfig, more).linux.namespaces.map(({ path, type }) => [type, path ?? 'new']),
  )

describe('buildSpec()', () => {
  test('runs the entrypoint with the command, as the user, in its own namespaces', () => {
    const { hostname, process, root } = spec({})
    assert.deepEqual(process.args, ['/entry', 'serve'])
    assert.deepEqual(process.user, { uid: 1000, gid: 1000, additionalGids: [1000, 4] })
    assert.equal(process.cwd, '/')
    assert.deepEqual(process.env, [
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'HOSTNAME=web1',
      'A=1',
      'HOME=/srv',
    ])
    assert.equal(hostname, 'web1')
    assert.equal(root.readonly, false)
    assert.deepEqual(namespaces({}), {
      mount: 'new',
      pid: 'new',
      network: '/run/gantry/netns/a',
      ipc: 'new',
      uts: 'new',
      cgroup: 'new',
    })
  })

  test('shares the namespaces it is told to', () => {
    const host = namespaces(
      { PidMode: 'host', IpcMode: 'host', UTSMode: 'host', CgroupnsMode: 'host' },
      { netnsPath: undefined },
    )
    assert.deepEqual(host, { mount: 'new' })
    const joined = namespaces(
      { PidMode: 'container:b', IpcMode: 'container:b' },
      { joined: { pid: '/proc/7/ns/pid', ipc: '/proc/7/ns/ipc' } },
    )
    assert.equal(joined['pid'], '/proc/7/ns/pid')
    assert.equal(joined['ipc'], '/proc/7/ns/ipc')
  })

  test('TERM comes with a terminal; the config’s variables win, and a bare name takes one away', () => {
    const { env } = spec(
      {},
      { config: { Cmd: ['x'], Tty: true, Env: ['PATH=/bin', 'HOME=/h', 'HOSTNAME', 'EMPTY='] } },
    ).process
    assert.deepEqual(env, ['PATH=/bin', 'TERM=xterm', 'HOME=/h', 'EMPTY='])
  })

  test('mounts the standard file systems, then what is asked for, parents first', () => {
    const mounts = spec(
      { ShmSize: 1 << 20 },
      {
        mounts: [
          { destination: '/data/deep/er', type: 'bind', source: '/b', options: ['rbind'] },
          { destination: '/data/', type: 'bind', source: '/a', options: ['rbind'] },
          { destination: '/dev/shm', type: 'tmpfs', source: 'tmpfs', options: [] },
        ],
      },
    ).mounts
    assert.deepEqual(
      mounts.map(({ destination }) => destination),
      [
        '/proc',
        '/dev',
        '/dev/pts',
        '/sys',
        '/sys/fs/cgroup',
        '/dev/mqueue',
        '/data',
        '/dev/shm',
        '/data/deep/er',
      ],
    )
    const shm = spec({ ShmSize: 1 << 20 }).mounts.find(
      ({ destination }) => destination === '/dev/shm',
    )
    assert.ok(shm?.options?.includes('size=1048576'))
    const shared = spec({ IpcMode: 'container:b' }, { shmPath: '/run/b/shm' }).mounts
    assert.equal(shared.find(({ destination }) => destination === '/dev/shm')?.source, '/run/b/shm')
    assert.ok(
      !spec({ IpcMode: 'none' }).mounts.some(({ destination }) => destination === '/dev/shm'),
    )
  })

  test('lets nothing hide /proc', () => {
    const at =
      (destination: string, source = '/tmp') =>
      () =>
        spec({}, { mounts: [{ destination, type: 'bind', source, options: ['rbind'] }] })
    assert.throws(at('/proc/sys'), /inside \/proc/)
    assert.throws(at('/proc'), /not of type proc/)
    assert.throws(at('/proc/self/attr'), /inside \/proc/)
    at('/proc', '/proc')()
    at('/proc/cpuinfo')()
  })

  test('masks and protects parts of /proc and /sys unless told otherwise', () => {
    const { maskedPaths, readonlyPaths } = spec({}).linux
    assert.ok(maskedPaths?.includes('/proc/kcore') && maskedPaths.includes('/sys/firmware'))
    assert.ok(readonlyPaths?.includes('/proc/sys'))
    for (const open of [
      { Privileged: true },
      { SecurityOpt: ['systempaths=unconfined'] },
      { MaskedPaths: [], ReadonlyPaths: [] },
    ]) {
      assert.deepEqual(spec(open).linux.maskedPaths, [])
      assert.deepEqual(spec(open).linux.readonlyPaths, [])
    }
    assert.deepEqual(spec({ MaskedPaths: ['/x'] }).linux.maskedPaths, ['/x'])
  })

  test('refuses a directory without devices as a device', () => {
    assert.throws(
      () => spec({ Devices: [{ PathOnHost: '/proc/self/fdinfo' }] }),
      /while adding custom device "\/proc\/self\/fdinfo": not a device node/,
    )
  })

  test('privileged brings the host’s devices, a writable /sys and no filter', () => {
    const { linux, mounts } = spec({ Privileged: true })
    assert.ok(linux.devices?.some(({ path }) => path === '/dev/null'))
    assert.ok(
      !linux.devices?.some(({ path }) => path.startsWith('/dev/pts/') || path === '/dev/ptmx'),
    )
    assert.ok(!mounts.find(({ destination }) => destination === '/sys')?.options?.includes('ro'))
    assert.equal(linux.seccomp, undefined)
    assert.deepEqual(linux.resources?.devices, [{ allow: true, access: 'rwm' }])
  })

  test('takes devices with their numbers and rules', () => {
    const { linux } = spec({
      Devices: [{ PathOnHost: '/dev/full', PathInContainer: '/dev/brim', CgroupPermissions: 'r' }],
      DeviceCgroupRules: ['b 8:* rw'],
    })
    const device = linux.devices?.[0]
    assert.deepEqual(
      [device?.path, device?.type, device?.major, device?.minor],
      ['/dev/brim', 'c', 1, 7],
    )
    assert.deepEqual(linux.resources?.devices?.slice(-2), [
      { allow: true, type: 'c', major: 1, minor: 7, access: 'r' },
      { allow: true, type: 'b', major: 8, access: 'rw' },
    ])
  })

  test('sets Docker’s sysctls in a network of its own only', () => {
    assert.equal(spec({}).linux.sysctl?.['net.ipv4.ip_unprivileged_port_start'], '0')
    assert.deepEqual(spec({ NetworkMode: 'host' }, { netnsPath: undefined }).linux.sysctl, {})
    assert.deepEqual(
      spec({ NetworkMode: 'container:x', Sysctls: { 'kernel.shmmax': '9' } }).linux.sysctl,
      { 'kernel.shmmax': '9' },
    )
  })
})

describe('buildExecProcess()', () => {
  const exec = (
    config: Parameters<typeof buildExecProcess>[0]['exec'],
    hostConfig: HostConfig = {},
  ) =>
    buildExecProcess({
      config: { Hostname: 'web1', Env: ['A=1', 'B=1'], WorkingDir: '/srv' },
      hostConfig,
      exec: config,
      user,
    })

  test('is as the container’s own process but for what the exec says', () => {
    const process = exec({ Cmd: ['ls'], Env: ['B=2'], Tty: true, ConsoleSize: [24, 80] })
    assert.deepEqual(process.args, ['ls'])
    assert.equal(process.cwd, '/srv')
    assert.deepEqual(process.consoleSize, { height: 24, width: 80 })
    assert.deepEqual(process.env.slice(1), [
      'HOSTNAME=web1',
      'TERM=xterm',
      'A=1',
      'B=2',
      'HOME=/srv',
    ])
    assert.deepEqual(process.capabilities, spec({}).process.capabilities)
    assert.equal(exec({ Cmd: ['ls'], WorkingDir: '/x' }).cwd, '/x')
  })

  test('an empty HOME is none: it is the user’s', () => {
    assert.equal(exec({ Cmd: ['env'], Env: ['HOME='] }).env.at(-1), 'HOME=/srv')
  })

  test('privileged gives it all that the engine holds', () => {
    const more = exec({ Cmd: ['ls'], Privileged: true }).capabilities?.bounding ?? []
    assert.ok(more.length > (exec({ Cmd: ['ls'] }).capabilities?.bounding.length ?? 0))
  })
})

describe('capabilitiesOf()', () => {
  const all = [...CAPABILITIES]
  const without = all.filter((name) => name !== 'CAP_SYS_RESOURCE')

  test('gives Docker’s fourteen, more or less what is added and dropped', () => {
    assert.deepEqual(capabilitiesOf({}, all), DEFAULT_CAPABILITIES)
    assert.equal(DEFAULT_CAPABILITIES.length, 14)
    assert.ok(capabilitiesOf({ CapAdd: ['net_admin'] }, all).includes('CAP_NET_ADMIN'))
    assert.ok(!capabilitiesOf({ CapDrop: ['CHOWN'] }, all).includes('CAP_CHOWN'))
    assert.deepEqual(capabilitiesOf({ CapDrop: ['all'], CapAdd: ['chown', 'KILL'] }, all), [
      'CAP_CHOWN',
      'CAP_KILL',
    ])
    assert.deepEqual(capabilitiesOf({ CapDrop: ['ALL'] }, all), [])
    assert.deepEqual(
      capabilitiesOf({ CapAdd: ['ALL'], CapDrop: ['SYS_ADMIN'] }, all),
      all.filter((name) => name !== 'CAP_SYS_ADMIN'),
    )
  })

  test('never gives what the engine does not hold', () => {
    assert.deepEqual(capabilitiesOf({ Privileged: true }, without), without)
    assert.deepEqual(capabilitiesOf({ CapAdd: ['SYS_RESOURCE'], CapDrop: ['ALL'] }, without), [])
    assert.deepEqual(withheldCapabilities({ CapAdd: ['SYS_RESOURCE', 'CHOWN'] }, without), [
      'CAP_SYS_RESOURCE',
    ])
    assert.deepEqual(withheldCapabilities({ CapAdd: ['ALL'], Privileged: true }, without), [])
  })

  test('reads the bounding set as far as it is permitted', () => {
    assert.deepEqual(parseBoundingSet('CapPrm:\t0000000000000007\nCapBnd:\t000001fffeffffff\n'), [
      'CAP_CHOWN',
      'CAP_DAC_OVERRIDE',
      'CAP_DAC_READ_SEARCH',
    ])
  })
})

describe('rlimitsOf()', () => {
  const limits =
    'Limit                     Soft Limit           Hard Limit           Units     \nMax open files            1024                 20000                files     \nMax locked memory         8388608              unlimited            bytes     \n'
  const host = { mayRaise: false, hard: parseHardLimits(limits) }

  test('lowers to the host’s and says so', () => {
    const { rlimits, warnings } = rlimitsOf(
      {
        Ulimits: [
          { Name: 'nofile', Soft: 1000, Hard: 50_000 },
          { Name: 'memlock', Soft: -1, Hard: -1 },
        ],
      },
      host,
    )
    assert.deepEqual(rlimits, [
      { type: 'RLIMIT_NOFILE', soft: 1000, hard: 20_000 },
      { type: 'RLIMIT_MEMLOCK', soft: -1, hard: -1 },
    ])
    assert.equal(warnings.length, 1)
    assert.deepEqual(
      rlimitsOf({ Ulimits: [{ Name: 'nofile', Soft: -1, Hard: -1 }] }, host).rlimits,
      [{ type: 'RLIMIT_NOFILE', soft: 20_000, hard: 20_000 }],
    )
  })

  test('gives what is asked for to who may', () => {
    const { rlimits, warnings } = rlimitsOf(
      { Ulimits: [{ Name: 'nofile', Soft: 1, Hard: 1e6 }] },
      { ...host, mayRaise: true },
    )
    assert.deepEqual([rlimits[0]?.hard, warnings.length], [1e6, 0])
  })
})
