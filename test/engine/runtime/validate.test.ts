import assert from 'node:assert/strict'
import os from 'node:os'
import { describe, test } from 'node:test'
import type { HostSupport } from '../../../engine/runtime/host-support.ts'
import { validateResources } from '../../../engine/runtime/validate-resources.ts'
import { validateHostConfig } from '../../../engine/runtime/validate.ts'
import type { HostConfig, Resources } from '../../../engine/types/docker.ts'

const cpus = String(os.cpus().length)
const EVERYTHING: HostSupport = {
  memoryLimit: true,
  swapLimit: true,
  swappiness: true,
  oomKillDisable: true,
  cpuShares: true,
  cpuQuota: true,
  cpuRealtime: true,
  cpuset: true,
  pids: true,
  blkioWeight: true,
  blkioWeightDevice: true,
  blkioThrottle: true,
}
const NOTHING = Object.fromEntries(
  Object.keys(EVERYTHING).map((key) => [key, false]),
) as unknown as HostSupport

describe('validateHostConfig()', () => {
  test('passes what the docker CLI sends for a plain run', () => {
    // captured from docker 28.2 `docker create alpine true`
    const body = {
      Hostname: '', Domainname: '', User: '', AttachStdin: false, AttachStdout: true, AttachStderr: true, Tty: false,
      OpenStdin: false, StdinOnce: false, Env: null, Cmd: ['true'], Image: 'alpine', Volumes: {}, WorkingDir: '',
      Entrypoint: null, OnBuild: null, Labels: {},
      HostConfig: {
        Binds: null, ContainerIDFile: '', LogConfig: { Type: '', Config: {} }, NetworkMode: 'default', PortBindings: {},
        RestartPolicy: { Name: 'no', MaximumRetryCount: 0 }, AutoRemove: false, VolumeDriver: '', VolumesFrom: null,
        ConsoleSize: [0, 0], CapAdd: null, CapDrop: null, CgroupnsMode: '', Dns: [], DnsOptions: [], DnsSearch: [],
        ExtraHosts: null, GroupAdd: null, IpcMode: '', Cgroup: '', Links: null, OomScoreAdj: 0, PidMode: '',
        Privileged: false, PublishAllPorts: false, ReadonlyRootfs: false, SecurityOpt: null, UTSMode: '',
        UsernsMode: '', ShmSize: 0, Isolation: '', CpuShares: 0, Memory: 0, NanoCpus: 0, CgroupParent: '',
        BlkioWeight: 0, BlkioWeightDevice: [], BlkioDeviceReadBps: [], BlkioDeviceWriteBps: [],
        BlkioDeviceReadIOps: [], BlkioDeviceWriteIOps: [], CpuPeriod: 0, CpuQuota: 0, CpuRealtimePeriod: 0,
        CpuRealtimeRuntime: 0, CpusetCpus: '', CpusetMems: '', Devices: [], DeviceCgroupRules: null,
        DeviceRequests: null, MemoryReservation: 0, MemorySwap: 0, MemorySwappiness: -1, OomKillDisable: false,
        PidsLimit: 0, Ulimits: [], CpuCount: 0, CpuPercent: 0, IOMaximumIOps: 0, IOMaximumBandwidth: 0,
        MaskedPaths: null, ReadonlyPaths: null,
      },
      NetworkingConfig: { EndpointsConfig: { default: { IPAMConfig: null, Links: null, Aliases: null } } },
    } // prettier-ignore
    assert.deepEqual(validateHostConfig(body as never), [])
  })

  test('refuses by name what is not done', () => {
    for (const [hostConfig, name] of [
      [{ StorageOpt: { size: '10G' } }, 'StorageOpt'],
      [{ UsernsMode: 'keep-id' }, 'user namespace mode'],
      [{ CgroupParent: 'x.slice' }, 'cgroup-parent'],
      [{ CpuPercent: 10 }, 'CpuPercent'],
      [{ IOMaximumIOps: 10 }, 'IOMaximumIOps'],
      [{ VolumeDriver: 'nfs' }, 'VolumeDriver'],
      [{ KernelMemory: 1 << 30 }, 'HostConfig.KernelMemory is not supported'],
      [{ constructor: 'x' }, 'HostConfig.constructor is not supported'],
      [
        { DeviceRequests: [{ Count: -1, Capabilities: [['gpu']] }] },
        'could not select device driver "" with capabilities: [["gpu"]]',
      ],
    ] as const) {
      assert.throws(
        () => validateHostConfig({ HostConfig: hostConfig as HostConfig }),
        (error: Error & { code?: string }) =>
          error.message.includes(name) && error.code === 'INVALID_PARAMETER',
        JSON.stringify(hostConfig),
      )
    }
    assert.throws(
      () => validateHostConfig({ MacAddress: '02:00:00:00:00:01' } as never),
      /MacAddress is not supported/,
    )
  })

  test('refuses what is malformed', () => {
    for (const [hostConfig, message] of [
      [{ CapAdd: ['SYS_FOO'] }, /invalid CapAdd: unknown capability: "CAP_SYS_FOO"/],
      [{ CapDrop: ['foo'] }, /invalid CapDrop: unknown capability: "CAP_FOO"/],
      [{ IpcMode: 'mine' }, /invalid IPC mode: mine/],
      [{ PidMode: 'container:' }, /invalid PID mode: container:/],
      [{ UTSMode: 'x' }, /invalid UTS mode: x/],
      [{ CgroupnsMode: 'x' as never }, /invalid cgroup namespace mode: x/],
      [{ OomScoreAdj: 1001 }, /Invalid value 1001, range for oom score adj is \[-1000, 1000\]/],
      [{ ShmSize: -1 }, /SHM size can not be less than 0/],
      [{ SecurityOpt: ['colour=red'] }, /invalid --security-opt 2: "colour=red"/],
      [{ SecurityOpt: ['writable-cgroups=1'] }, /invalid --security-opt 2: "writable-cgroups=1"/],
      [{ SecurityOpt: ['seccomp={'] }, /Decoding seccomp profile failed/],
      [{ SecurityOpt: ['apparmor=docker-default'] }, /apparmor=docker-default: AppArmor/],
      [{ SecurityOpt: ['label=type:foo'] }, /label=type:foo: SELinux/],
      [
        { Sysctls: { 'kernel.panic': '1' } },
        /sysctl "kernel.panic" is not in a separate kernel namespace/,
      ],
      [{ Sysctls: { 'net/../kernel/panic': '1' } }, /is not a valid name/],
      [{ Sysctls: { 'net..x': '1' } }, /is not a valid name/],
      [
        { Sysctls: { 'net.core.somaxconn': '1' }, NetworkMode: 'host' },
        /not allowed in host network namespace/,
      ],
      [
        { Devices: [{ PathOnHost: '/dev/nothing' }] },
        /error gathering device information while adding custom device "\/dev\/nothing": no such file/,
      ],
      [{ Devices: [{ PathOnHost: '/etc/passwd' }] }, /not a device node/],
      [{ Devices: [{ PathOnHost: '/dev/null', CgroupPermissions: 'rx' }] }, /invalid device mode/],
      [{ DeviceCgroupRules: ['c 1:3'] }, /invalid device cgroup rule format: 'c 1:3'/],
      [{ Ulimits: [{ Name: 'nofiles', Soft: 1, Hard: 1 }] }, /invalid ulimit type: nofiles/],
      [
        { Ulimits: [{ Name: 'nofile', Soft: 3, Hard: 2 }] },
        /soft limit must be less than or equal to hard limit: 3 > 2/,
      ],
      [
        { NetworkMode: 'container:x', Dns: ['1.1.1.1'] },
        /conflicting options: dns and the network mode/,
      ],
      [
        { BlkioDeviceReadBps: [{ Path: '/dev/null', Rate: 1 }] },
        /\/dev\/null is not a block device/,
      ],
    ] as [HostConfig, RegExp][]) {
      assert.throws(
        () => validateHostConfig({ HostConfig: hostConfig }),
        message,
        JSON.stringify(hostConfig),
      )
    }
    assert.throws(
      () => validateHostConfig({ WorkingDir: 'x' }),
      /the working directory 'x' is invalid/,
    )
    assert.throws(() => validateHostConfig({ Env: ['=x'] }), /invalid environment variable: =x/)
    assert.throws(() => validateHostConfig({ Cmd: ['a\0b'] }), /NUL byte/)
    assert.throws(() => validateHostConfig({ Hostname: 'a b' }), /invalid hostname format: "a b"/)
    assert.throws(
      () => validateHostConfig({ Hostname: 'é'.repeat(33) }),
      /hostname "é+" is too long \(maximum 64 bytes\)/,
    )
    assert.doesNotThrow(() => validateHostConfig({ Hostname: `-a_${'b'.repeat(61)}` }))
  })

  test('takes what is done', () => {
    validateHostConfig({
      Hostname: 'web_1',
      Env: ['A=b', 'EMPTY=', 'UNSET'],
      HostConfig: {
        CapAdd: ['net_admin', 'CAP_CHOWN'],
        CapDrop: ['ALL'],
        SecurityOpt: [
          'no-new-privileges',
          'seccomp=unconfined',
          'label=disable',
          'apparmor=unconfined',
          'systempaths=unconfined',
        ],
        Sysctls: { 'net.ipv4.ip_forward': '1', 'kernel.shmmax': '1000', 'fs.mqueue.msg_max': '20' },
        LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
        IpcMode: 'container:abc',
        PidMode: 'host',
        UsernsMode: 'host',
        Runtime: 'runc',
        Devices: [
          { PathOnHost: '/dev/null', PathInContainer: '/dev/nil', CgroupPermissions: 'rw' },
        ],
        DeviceCgroupRules: ['c *:* rwm', 'b 8:* r'],
      },
    })
  })
})

describe('validateResources()', () => {
  const refused: [Resources, string][] = [
    [{ Memory: 1 << 20 }, 'Minimum memory limit allowed is 6MB'],
    [
      { Memory: 64 << 20, MemorySwap: 32 << 20 },
      'Minimum memoryswap limit should be larger than memory limit, see usage',
    ],
    [
      { MemorySwap: 64 << 20 },
      'You should always set the Memory limit when using Memoryswap limit, see usage',
    ],
    [{ MemorySwappiness: 101 }, 'Invalid value: 101, valid memory swappiness range is 0-100'],
    [{ MemoryReservation: 1 }, 'Minimum memory reservation allowed is 6MB'],
    [
      { Memory: 8 << 20, MemoryReservation: 16 << 20 },
      'Minimum memory limit can not be less than memory reservation limit, see usage',
    ],
    [
      { NanoCpus: 1e12 },
      `range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`,
    ],
    [
      { NanoCpus: 1e9, CpuPeriod: 1000 },
      'Conflicting options: Nano CPUs and CPU Period cannot both be set',
    ],
    [
      { NanoCpus: 1e9, CpuQuota: 1000 },
      'Conflicting options: Nano CPUs and CPU Quota cannot both be set',
    ],
    [
      { CpuPeriod: 10 },
      'CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)',
    ],
    [{ CpuQuota: 10 }, 'CPU cfs quota can not be less than 1ms (i.e. 1000)'],
    [{ CpusetCpus: '0-' }, 'Invalid value 0- for cpuset cpus: invalid format: 0-'],
    [{ CpusetMems: '77' }, 'Requested memory nodes are not available - requested 77, available: 0'],
    [{ BlkioWeight: 5 }, 'Range of blkio weight is from 10 to 1000'],
  ]
  for (const [resources, message] of refused) {
    test(message, () => {
      assert.throws(() => validateResources(resources, EVERYTHING), {
        code: 'INVALID_PARAMETER',
        message,
      })
    })
  }

  test('warns of what the host cannot set', () => {
    const warnings = validateResources(
      { MemorySwappiness: 5, OomKillDisable: true, CpuShares: 5, PidsLimit: 5, BlkioWeight: 50 },
      NOTHING,
    )
    assert.equal(warnings.length, 5)
    assert.ok(warnings.every((warning) => warning.endsWith('discarded.')))
    assert.deepEqual(
      validateResources({ Memory: 64 << 20, CpuShares: 5, PidsLimit: -1 }, EVERYTHING),
      [],
    )
    assert.match(
      validateResources({ OomKillDisable: true }, EVERYTHING)[0] ?? '',
      /no memory limit is set/,
    )
  })
})
