import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { installedRuntimes } from '../../engine/runtime/oci-runtimes.ts'
import type { HostConfig } from '../../engine/types/docker.ts'
import { openTestEngine, type TestEngine } from '../helpers/local-engine.ts'
import { demultiplex } from '../helpers/raw-stream.ts'

const installed = installedRuntimes({}).map(({ name }) => name)

/** What a process sees of where it is, in sections. */
const LOOK_AROUND = `
  echo '# process'; grep -E '^(Uid|Gid|Groups|Umask|Cap...|NoNewPrivs|Seccomp|Seccomp_filters|SigBlk|SigIgn):' /proc/self/status
  cut -d ' ' -f 6 /proc/1/stat; cat /proc/self/oom_score_adj /proc/self/cgroup; pwd; id
  echo '# limits'; cat /proc/self/limits
  echo '# environment'; env | sort
  echo '# names'; hostname; cat /proc/sys/kernel/domainname /etc/hostname
  echo '# sysctls'; cd /proc/sys; cat net/ipv4/ip_forward net/ipv4/ip_unprivileged_port_start net/ipv4/ping_group_range kernel/shmmax
  echo '# devices'; cd /dev; ls -l | awk '/^c/ { print $1, $5, $6, $NF } /^[dl]/ { print $1, $NF }' | grep -v kcore
  echo '# roots'; ls -ld / /etc /data /kept /scratch /proc /sys /dev /dev/shm | awk '{ print $1, $3, $4, $NF }'
  echo '# namespaces'; for name in cgroup ipc mnt net pid user uts; do readlink /proc/self/ns/$name; done
  echo '# allowed'; sort /sys/fs/cgroup/devices/devices.list 2> /dev/null
  echo '# refused'; touch /x /data/x /proc/sys/kernel/domainname 2>&1 | sed 's/^touch: //'
  mount -t tmpfs x /tmp 2>&1; mknod /tmp/x c 1 3 2>&1; cat /proc/keys /proc/timer_list; head -c 1 /dev/nothing > /dev/null; echo > /dev/nothing
  echo '# mounts'; cat /proc/self/mountinfo
`

const hostConfig = (bound: string): HostConfig => ({
  Memory: 64 << 20,
  PidsLimit: 100,
  NanoCpus: 5e8,
  CpuShares: 512,
  CapDrop: ['MKNOD'],
  CapAdd: ['NET_ADMIN'],
  Ulimits: [
    { Name: 'nofile', Soft: 512, Hard: 1024 },
    { Name: 'core', Soft: 0, Hard: 0 },
  ],
  ReadonlyRootfs: true,
  Tmpfs: { '/scratch': 'size=1m,mode=1770' },
  Binds: [`${bound}:/data:ro`, 'kept:/kept'],
  Devices: [{ PathOnHost: '/dev/zero', PathInContainer: '/dev/nothing', CgroupPermissions: 'r' }],
  Sysctls: { 'net.ipv4.ip_forward': '1', 'kernel.shmmax': '1000000' },
  ShmSize: 32 << 20,
  OomScoreAdj: 500,
  GroupAdd: ['33'],
  SecurityOpt: ['no-new-privileges'],
})

/** One spec, run unchanged by each of them. */
describe('what a container sees', () => {
  let engine: TestEngine
  let bound: string
  let own: Map<string, string[]>
  before(async () => {
    engine = await openTestEngine()
    bound = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
    fs.chmodSync(bound, 0o777)
    own = await lookAround('gantry')
  })
  after(async () => {
    await engine.close()
    fs.rmSync(bound, { recursive: true, force: true })
  })

  async function lookAround(runtime: string): Promise<Map<string, string[]>> {
    const { containers } = engine.engine
    const { Id } = await containers.create({
      Image: 'busybox',
      Cmd: ['sh', '-c', LOOK_AROUND],
      Env: ['A=b c'],
      User: '1000:2000',
      WorkingDir: '/tmp',
      Hostname: 'box',
      Domainname: 'example.org',
      HostConfig: { ...hostConfig(bound), Runtime: runtime },
    })
    const { exited } = await containers.wait(Id, 'next-exit')
    await containers.start(Id)
    await exited
    const { stream } = await containers.logs(Id, { stdout: true, stderr: true })
    const { stderr, stdout } = await demultiplex(stream)
    await containers.remove(Id)
    const sections = new Map<string, string[]>()
    for (const part of stdout.split(/^# /m).slice(1)) {
      const [title = '', ...lines] = part.trimEnd().split('\n')
      sections.set(title, lines)
    }
    sections.set('complaints', stderr.trimEnd().split('\n'))
    return sections
  }

  for (const runtime of ['runc', 'crun']) {
    const skip = installed.includes(runtime) ? false : `${runtime} is not installed`
    test(`is the same with ${runtime} as with our own runtime`, { skip }, async () => {
      const other = await lookAround(runtime)
      const titles = ['process', 'limits', 'environment', 'names', 'sysctls', 'devices', 'roots']
      for (const title of [...titles, 'refused', 'complaints'])
        assert.deepEqual(other.get(title), own.get(title), title)
      assert.deepEqual(mountsOf(other), mountsOf(own))
      assert.deepEqual(devicesOf(other), devicesOf(own))
      const isHosts = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'].map((name) =>
        fs.readlinkSync(`/proc/self/ns/${name}`),
      )
      for (const seen of [own, other]) {
        const shared = seen.get('namespaces')?.filter((namespace) => isHosts.includes(namespace))
        assert.equal(shared?.join(), isHosts[5], 'all are new but the user namespace')
      }
    })
  }

  test('is what was asked for', () => {
    assert.ok(own.get('process')?.includes('NoNewPrivs:\t1'))
    assert.ok(own.get('process')?.includes('Seccomp:\t2'))
    assert.deepEqual(own.get('names'), ['box', 'example.org', 'box'])
    assert.ok(own.get('environment')?.includes('A=b c'))
    assert.match(mountsOf(own).get('/data') ?? '', /^ro,/)
    assert.deepEqual(own.get('refused')?.slice(0, 2), [
      '/x: Read-only file system',
      '/data/x: Read-only file system',
    ])
  })
})

/**
 * Options and type by mount point. Left out is what runtimes do each in their way, though to the same end: which hierarchies
 * they mount for the container (runc none of v2 beside v1), what they mask with, and the flags on parts of a /proc that has
 * them itself. Of /dev, only gantry and crun make the link to kcore.
 */
function mountsOf(seen: Map<string, string[]>): Map<string, string> {
  const mounts = new Map<string, string>()
  for (const line of seen.get('mounts') ?? []) {
    const [before = '', after = ''] = line.split(' - ')
    const [, , , , point = '', options = ''] = before.split(' ')
    const [type = ''] = after.split(' ')
    if (/^\/sys\/fs\/cgroup(\/unified)?$/.test(point)) continue
    const size = /size=\w+/.exec(after)?.[0] ?? ''
    if (/^\/proc\/|^\/sys\/firmware/.test(point)) mounts.set(point, '')
    else mounts.set(point, `${options} ${type} ${type === 'tmpfs' ? size : ''}`.trim())
  }
  return new Map([...mounts].sort(([a], [b]) => a.localeCompare(b)))
}

/** runc adds /dev/net/tun to what may be opened, if there were such a node. */
function devicesOf(seen: Map<string, string[]>): string[] {
  return (seen.get('allowed') ?? []).filter((rule) => rule !== 'c 10:200 rwm')
}
