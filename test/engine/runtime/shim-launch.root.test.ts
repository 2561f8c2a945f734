import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { MNT_DETACH, mount, MS_PRIVATE, umount } from '../../../engine/native/mount.ts'
import { newNetns, newOwnedNetns } from '../../../engine/native/netns.ts'
import type { ContainerLaunchError } from '../../../engine/runtime/launch-error.ts'
import { readExitRecord } from '../../../engine/runtime/exit-record.ts'
import { launchContainer } from '../../../engine/runtime/launch.ts'
import type { OciSpec } from '../../../engine/types/oci-runtime.ts'
import { patient } from '../../helpers/patience.ts'
import type { Bench, LaunchChange } from './shim-helper.ts'
import { eventually, openBench, sh, stagedBuild } from './shim-helper.ts'

/** Less than its making takes, and of one more than most hosts give. */
const limited = {
  ...sh('ulimit -Sn; ulimit -Hn; ulimit -Sc'),
  rlimits: [
    { type: 'RLIMIT_NOFILE', soft: 4, hard: 5 },
    { type: 'RLIMIT_CORE', soft: 4096, hard: -1 },
    { type: 'RLIMIT_FSIZE', soft: 0, hard: 0 },
  ],
}

const LAUNCHER = path.join(import.meta.dirname, 'shim-launcher.ts')

/** The go-between of a user namespace ends 50 ms after it has told its child's pid: pids are all that is written in four bytes. */
const SLOW_WRITE = `
  #include <unistd.h>
  static inline ssize_t slow_write(int fd, const void *data, size_t n)
  {
    ssize_t done = write(fd, data, n);
    if (n == 4) usleep(50000);
    return done;
  }
  #define write slow_write`

describe('launchContainer', () => {
  let bench: Bench
  before(() => {
    bench = openBench()
  })
  after(async () => {
    await bench.clean()
  })

  it('runs the process, logs both streams and records how it ended', async () => {
    const run = await bench.launch({ process: sh('echo out; echo err >&2; exit 7') })
    const ended = await run.shim.ended
    assert.equal(ended?.code, 7)
    assert.ok(Math.abs(ended.at.getTime() - Date.now()) < 5000)
    assert.equal(run.stdout(), 'out\n')
    assert.equal(run.stderr(), 'err\n')
    assert.match(fs.readFileSync(run.options.exitPath, 'utf8'), /^7 \d+\.\d{9}\n$/)
    assert.deepEqual(await readExitRecord(run.options.exitPath), ended)
    assert.equal(fs.existsSync(path.join(run.options.runDir, 's')), false)
  })

  it('tells a signal as 128 and its number', async () => {
    const run = await bench.launch({ process: sh('sleep 60') })
    await run.shim.signal(9)
    assert.equal((await run.shim.ended)?.code, 137)
  })

  it('gives init the pid 1 and a world of its own', async () => {
    const run = await bench.launch({
      hostname: 'boxy',
      process: sh('echo $$; hostname; ls /proc | grep -c "^[0-9]"'),
    })
    await run.shim.ended
    assert.match(run.stdout(), /^1\nboxy\n[2-4]\n$/)
  })

  it('leaves no descriptor but the standard three', async () => {
    const run = await bench.launch({ process: { args: ['ls', '/proc/self/fd'] } })
    await run.shim.ended
    // 3 is the directory that ls itself reads
    assert.equal(run.stdout(), '0\n1\n2\n3\n')
  })

  it('makes a missing working directory, owned by root, and its path through a dangling link', async () => {
    fs.symlinkSync('/run/deep', path.join(bench.layer, 'var'))
    const run = await bench.launch({
      process: { ...sh('pwd; stat -c %u:%g .'), cwd: '/var/app', user: { uid: 12, gid: 13 } },
    })
    await run.shim.ended
    assert.equal(run.stdout(), '/run/deep/app\n0:0\n')
    fs.rmSync(path.join(bench.layer, 'var'))
  })

  it('keeps links of the image inside the root', async () => {
    const outside = path.join(bench.root, 'outside')
    fs.mkdirSync(outside)
    fs.symlinkSync(`../../../../../../../..${outside}`, path.join(bench.layer, 'evil'))
    fs.symlinkSync(outside, path.join(bench.layer, 'evil2'))
    const run = await bench.launch({
      mounts: [
        { destination: '/evil/a', type: 'tmpfs', source: 'tmpfs' },
        { destination: '/evil2/b', type: 'tmpfs', source: 'tmpfs' },
      ],
      process: sh('ls -d /evil/a /evil2/b'),
    })
    assert.equal((await run.shim.ended)?.code, 0)
    assert.deepEqual(fs.readdirSync(outside), [])
    for (const name of ['evil', 'evil2']) fs.rmSync(path.join(bench.layer, name))
  })

  it('binds files and directories, read-only ones with all below them', async () => {
    const dir = path.join(bench.root, 'data')
    fs.mkdirSync(dir)
    fs.writeFileSync(path.join(dir, 'file'), 'hello\n')
    const run = await bench.launch({
      mounts: [
        { destination: '/mnt/rw', type: 'bind', source: dir, options: ['rbind'] },
        {
          destination: '/mnt/ro',
          type: 'bind',
          source: dir,
          options: ['rbind', 'ro', 'rro', 'rprivate'],
        },
        {
          destination: '/etc/motd',
          type: 'bind',
          source: path.join(dir, 'file'),
          options: ['rbind', 'rslave'],
        },
      ],
      process: sh('cat /etc/motd; echo more > /mnt/rw/new; echo no > /mnt/ro/new || echo refused'),
    })
    await run.shim.ended
    assert.equal(run.stdout(), 'hello\nrefused\n')
    assert.equal(fs.readFileSync(path.join(dir, 'new'), 'utf8'), 'more\n')
  })

  it('leaves no mount on the host', async () => {
    const before = fs.readFileSync('/proc/self/mountinfo', 'utf8')
    const run = await bench.launch({ process: sh('sleep 60') })
    assert.equal(fs.readFileSync('/proc/self/mountinfo', 'utf8').includes(bench.root), false)
    await run.shim.signal(9)
    await run.shim.ended
    assert.equal(before.includes(bench.root), false)
  })

  it('mounts 128 layers within one page of options, and more than that', async () => {
    const lower = Array.from({ length: 180 }, (_, index) => `layer-${index}-of-a-great-many`)
    for (const [index, name] of lower.entries()) {
      fs.mkdirSync(path.join(bench.root, 'layers', name))
      fs.writeFileSync(path.join(bench.root, 'layers', name, 'top'), `${index}\n`)
    }
    for (const count of [127, 180]) {
      const base = bench.options()
      assert.ok(base.rootfs.kind === 'overlay')
      const run = await bench.launch({
        process: sh('cat /top'),
        rootfs: { ...base.rootfs, lower: [...lower.slice(0, count), 'base'] },
      })
      await run.shim.ended
      assert.equal(run.stdout(), '0\n', `${count} layers`)
      const image = { layersRoot: base.rootfs.layersRoot, lower: lower.slice(20, count) }
      const mount = { type: 'bind', source: 'deep', options: ['rbind', 'ro'] }
      const mounting = await bench.launch({
        process: sh('cat /image/top /part; touch /image/top 2>&1 | grep -o Read-only'),
        mounts: [
          { ...mount, destination: '/image', part: { subpath: '', image } },
          { ...mount, destination: '/part', part: { subpath: 'top', image } },
        ],
      })
      await mounting.shim.ended
      assert.equal(mounting.stdout(), '20\n20\nRead-only\n', `${count - 20} layers mounted`)
    }
  })

  it('runs a plain directory as root', async () => {
    const run = await bench.launch({
      rootfs: { kind: 'bind', path: bench.layer },
      process: sh('mount | head -1'),
    })
    assert.equal((await run.shim.ended)?.code, 0)
  })

  it('gives the devices, links and file systems that programs expect', async () => {
    const run = await bench.launch({
      process: sh(
        'echo x > /dev/null && head -c 4 /dev/zero | wc -c; for l in fd stdin ptmx; do readlink /dev/$l; done; echo via > /dev/stdout; mount | cut -d" " -f3 | grep -E "^/(proc|sys|dev/pts|dev/shm|dev/mqueue)$" | sort',
      ),
    })
    await run.shim.ended
    assert.equal(
      run.stdout(),
      '4\n/proc/self/fd\n/proc/self/fd/0\npts/ptmx\nvia\n/dev/mqueue\n/dev/pts\n/dev/shm\n/proc\n/sys\n',
    )
  })

  it('applies sysctls, rlimits, umask, groups and user', async () => {
    const run = await bench.launch({
      linux: { sysctl: { 'net.ipv4.ip_unprivileged_port_start': '0', 'kernel.shmmni': '77' } },
      process: {
        ...sh(
          'cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shmmni; ulimit -n; umask; id',
        ),
        rlimits: [{ type: 'RLIMIT_NOFILE', soft: 123, hard: 456 }],
        user: { uid: 1000, gid: 1001, additionalGids: [7, 8], umask: 0o027 },
      },
    })
    await run.shim.ended
    assert.equal(
      run.stdout(),
      '0\n77\n123\n0027\nuid=1000 gid=1001 groups=7,8,1001\n'.replace(
        '7,8,1001',
        run.stdout().includes('groups=7,8,1001') ? '7,8,1001' : '7,8',
      ),
    )
    assert.equal(fs.readFileSync('/proc/sys/kernel/shmmni', 'utf8') === '77\n', false)
  })

  it('is not held itself to limits that are for the program', async () => {
    const run = await bench.launch({ process: limited })
    await run.shim.ended
    assert.equal(run.stdout(), '4\n5\n8\n')
  })

  it('joins a network namespace by path and keeps the host out of the others', async () => {
    const first = await bench.launch({ process: sh('sleep 60') })
    const second = await bench.launch({
      linux: {
        namespaces: [
          { type: 'mount' },
          { type: 'pid' },
          { type: 'uts' },
          { type: 'ipc', path: `/proc/${first.shim.pid}/ns/ipc` },
          { type: 'network', path: `/proc/${first.shim.pid}/ns/net` },
        ],
      },
      process: sh('readlink /proc/self/ns/net /proc/self/ns/ipc; sleep 60'),
    })
    const link = (pid: number, ns: string): string => fs.readlinkSync(`/proc/${pid}/ns/${ns}`)
    assert.equal(link(second.shim.pid, 'net'), link(first.shim.pid, 'net'))
    assert.equal(link(second.shim.pid, 'ipc'), link(first.shim.pid, 'ipc'))
    assert.notEqual(link(second.shim.pid, 'pid'), link(first.shim.pid, 'pid'))
  })

  it('shares the pid namespace of another container, also for execs, and leaves nothing behind', async () => {
    const first = await bench.launch({ process: sh('sleep 60') })
    const second = await bench.launch({
      linux: {
        namespaces: [
          { type: 'mount' },
          { type: 'pid', path: `/proc/${first.shim.pid}/ns/pid` },
          { type: 'network' },
        ],
      },
      process: sh('sleep 60'),
    })
    const ns = (pid: number): string => fs.readlinkSync(`/proc/${pid}/ns/pid`)
    assert.equal(ns(second.shim.pid), ns(first.shim.pid))
    await second.shim.signal(9)
    assert.equal((await second.shim.ended)?.code, 137)
  })

  for (const [what, args, exitCode, words] of [
    [
      'a name that PATH does not have',
      ['nonesuch'],
      127,
      'exec: "nonesuch": executable file not found in $PATH',
    ],
    [
      'a path that is not there',
      ['/bin/nonesuch'],
      127,
      'exec: "/bin/nonesuch": stat /bin/nonesuch: no such file or directory',
    ],
    ['a file without x', ['/etc/plain'], 126, 'exec: "/etc/plain": permission denied'],
    ['a directory', ['/etc'], 126, 'exec: "/etc": is a directory'],
    [
      'a file that is no program',
      ['/etc/noprogram'],
      126,
      'exec: "/etc/noprogram": exec format error',
    ],
  ] as const) {
    it(`refuses ${what} with ${exitCode} and Docker's words`, async () => {
      fs.writeFileSync(path.join(bench.layer, 'etc/plain'), 'text')
      fs.writeFileSync(path.join(bench.layer, 'etc/noprogram'), '\x7fnot a program', {
        mode: 0o755,
      })
      const options = bench.options({ process: { args: [...args] } })
      await assert.rejects(launchContainer(options), (error: ContainerLaunchError) => {
        assert.equal(error.exitCode, exitCode)
        assert.equal(error.code, 'INVALID_PARAMETER')
        assert.equal(
          error.message,
          `failed to create task for container: failed to create shim task: OCI runtime create failed: ${words}`,
        )
        return true
      })
      assert.equal(await readExitRecord(options.exitPath), null)
      assert.equal(fs.existsSync(path.join(options.runDir, 's')), false)
    })
  }

  it('names the mount that failed', async () => {
    const options = bench.options({
      mounts: [
        { destination: '/mnt', type: 'bind', source: '/nonesuch/source', options: ['rbind'] },
      ],
    })
    await assert.rejects(
      launchContainer(options),
      /error mounting .*\/nonesuch\/source.*no such file or directory/,
    )
    const file = bench.options({
      mounts: [{ destination: '/etc', type: 'bind', source: '/etc/hostname', options: ['rbind'] }],
    })
    await assert.rejects(
      launchContainer(file),
      /not a directory: Are you trying to mount a directory onto a file/,
    )
  })

  it('refuses options it does not have', async () => {
    const options = bench.options({
      mounts: [{ destination: '/mnt', type: 'tmpfs', options: ['tmpcopyup'] }],
    })
    await assert.rejects(launchContainer(options), { code: 'INVALID_PARAMETER' })
  })

  it('is in its cgroups before anything of it runs', async (t) => {
    if (!fs.existsSync('/sys/fs/cgroup/pids')) return t.skip('needs cgroup v1')
    const dirs = ['pids', 'freezer'].map(
      (name) => `/sys/fs/cgroup/${name}/${path.basename(bench.root)}`,
    )
    for (const dir of dirs) fs.mkdirSync(dir)
    const run = await bench.launch({
      cgroup: { procs: dirs.map((dir) => `${dir}/cgroup.procs`) },
      process: sh('grep -E "pids|freezer" /proc/self/cgroup; sleep 60'),
    })
    // with a namespace of its own the container's cgroup is the root
    await eventually(() => /:pids:\/\n/.test(run.stdout()), 'in the cgroup')
    const exec = await run.shim.exec({
      id: 'in',
      process: { ...run.options.spec.process, args: ['sleep', '60'] },
      stdin: false,
      stdout: false,
      stderr: false,
      detach: true,
    })
    for (const dir of dirs) {
      const pids = fs.readFileSync(`${dir}/cgroup.procs`, 'utf8').trim().split('\n').map(Number)
      assert.ok(pids.includes(run.shim.pid) && pids.includes(exec.pid), `${dir}: ${pids.join()}`)
      assert.equal(pids.includes(run.shim.shimPid), false)
    }
    await run.shim.signal(9)
    await run.shim.ended
    for (const dir of dirs) fs.rmdirSync(dir)
    await assert
      .rejects(
        exec.exited.then((code) => assert.equal(code, 137)),
        undefined,
      )
      .catch(() => undefined)
  })

  it('is born in its cgroup where that is the only one, of version 2', async (t) => {
    const parent = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup'].find((dir) =>
      fs.existsSync(`${dir}/cgroup.controllers`),
    )
    if (parent === undefined) return t.skip('needs cgroup v2')
    const dir = `${parent}/${path.basename(bench.root)}`
    fs.mkdirSync(dir)
    const run = await bench.launch({
      cgroup: { procs: [`${dir}/cgroup.procs`] },
      process: sh('grep ^0: /proc/self/cgroup; sleep 60'),
    })
    await eventually(() => run.stdout() === '0::/\n', 'in the cgroup')
    const exec = await run.shim.exec({
      id: 'in',
      process: { ...run.options.spec.process, args: ['sleep', '60'] },
      ...SILENT,
    })
    const pids = fs.readFileSync(`${dir}/cgroup.procs`, 'utf8').trim().split('\n').map(Number)
    assert.ok(pids.includes(run.shim.pid) && pids.includes(exec.pid))
    await run.shim.signal(9)
    assert.equal(await exec.exited, 137)
    await run.shim.ended
    await eventually(() => fs.readFileSync(`${dir}/cgroup.procs`, 'utf8') === '', 'left')
    fs.rmdirSync(dir)
  })

  it('kills what init leaves behind in the pid namespace of the host', async (t) => {
    if (!fs.existsSync('/sys/fs/cgroup/pids')) return t.skip('needs cgroup v1')
    const dir = `/sys/fs/cgroup/pids/${path.basename(bench.root)}-left`
    fs.mkdirSync(dir)
    const run = await bench.launch({
      cgroup: { procs: [`${dir}/cgroup.procs`] },
      linux: { namespaces: [{ type: 'mount' }, { type: 'network' }] },
      process: sh('(setsid sleep 600 &) ; sleep 600 & sleep 0.1; exit 3'),
    })
    assert.equal((await run.shim.ended)?.code, 3)
    await eventually(() => fs.readFileSync(`${dir}/cgroup.procs`, 'utf8') === '', 'all are gone')
    fs.rmdirSync(dir)
  })

  it('shares mounts with the host where a bind asks for it, and only those', async (t) => {
    const { mount, umount } = await import('../../../engine/native/mount.ts')
    const dir = path.join(bench.root, 'owners')
    fs.mkdirSync(path.join(dir, 'sub'), { recursive: true })
    mount(dir, dir, null, 0x1000)
    mount(null, dir, null, 0x100000)
    t.after(() => {
      umount(dir, 2)
    })
    const points = (): string[] =>
      fs
        .readFileSync('/proc/self/mountinfo', 'utf8')
        .split('\n')
        .map((line) => line.split(' ')[4] ?? '')
        // other programs of the host mount and unmount beside this
        .filter((point) => point === '/tmp' || /^\/mnt(\/|$)/.test(point) || point.startsWith(dir))
        .sort()
    const before = points()
    const caps = ['CAP_SYS_ADMIN']
    const run = await bench.launch({
      mounts: [{ destination: '/mnt', type: 'bind', source: dir, options: ['rbind', 'rshared'] }],
      process: {
        ...sh('mount -t tmpfs tmpfs /mnt/sub; mount -t tmpfs tmpfs /tmp; sleep 60'),
        capabilities: {
          bounding: caps,
          effective: caps,
          permitted: caps,
          inheritable: [],
          ambient: [],
        },
      },
    })
    await eventually(() => points().length > before.length, 'the mount is seen')
    // where systemd has shared the root, the mount below is seen as well
    assert.deepEqual(
      [...new Set(points().filter((point) => !before.includes(point)))],
      [path.join(dir, 'sub')],
    )
    await run.shim.signal(9)
    await run.shim.ended
    // what the container mounted there is the host's now, and the host's own tree is whole
    umount(path.join(dir, 'sub'), 2)
    assert.deepEqual(points(), before)
  })

  describe('with a user namespace', () => {
    const ids = { uid: 0x70000000, gid: 0x70010000, size: 65536 }
    let files: { net: string; user: string; plain: string }
    before(async () => {
      const directory = path.join(bench.root, 'ns')
      fs.mkdirSync(directory)
      mount('ns', directory, 'tmpfs')
      mount(null, directory, null, MS_PRIVATE)
      files = {
        net: path.join(directory, 'net'),
        user: path.join(directory, 'user'),
        plain: path.join(directory, 'plain'),
      }
      for (const file of Object.values(files)) fs.writeFileSync(file, '')
      await newOwnedNetns(files.net, files.user, { ids })
      await newNetns(files.plain)
    })
    after(() => {
      for (const file of Object.values(files)) umount(file, MNT_DETACH)
      umount(path.join(bench.root, 'ns'), MNT_DETACH)
    })
    const linux = (net: string): Partial<OciSpec['linux']> => ({
      namespaces: [
        { type: 'user', path: files.user },
        { type: 'network', path: net },
        ...(['mount', 'pid', 'ipc', 'uts', 'cgroup'] as const).map((type) => ({ type })),
      ],
      uidMappings: [{ containerID: 0, hostID: ids.uid, size: ids.size }],
      gidMappings: [{ containerID: 0, hostID: ids.gid, size: ids.size }],
    })

    it('is held to limits lower and higher than the host’s', async () => {
      const run = await bench.launch({ linux: linux(files.net), process: limited })
      await run.shim.ended
      assert.equal(run.stdout(), '4\n5\n8\n')
    })

    it('is told how its start went, however late the one that made it ends', async () => {
      const build = stagedBuild(bench.root, SLOW_WRITE)
      const launch = (change: LaunchChange): string => {
        const file = path.join(bench.root, 'launch.json')
        fs.writeFileSync(
          file,
          JSON.stringify(bench.options({ linux: linux(files.net), ...change })),
        )
        const { stderr, stdout } = spawnSync(
          process.execPath,
          ['--import', 'tsx', LAUNCHER, file],
          {
            encoding: 'utf8',
            env: { ...process.env, GANTRY_NATIVE: build },
            timeout: patient(20_000),
          },
        )
        return stdout + stderr
      }
      assert.match(launch({ hostname: 'x'.repeat(65) }), /set hostname x+: invalid argument/)
      assert.equal(launch({ process: sh('exit 0') }), 'ready\nstarted\n')
    })

    it('runs as root that is nobody on the host, with files that are root’s on disk', async () => {
      fs.chmodSync(bench.root, 0o700)
      const run = await bench.launch({
        linux: linux(files.net),
        process: sh(
          'id -u; touch /mine; stat -c %u:%g /mine /bin; echo x > /dev/null; cat /proc/self/uid_map; hostname; sleep 60',
        ),
      })
      await eventually(() => run.stdout().includes('shimtest'), 'ran')
      assert.match(run.stdout(), /^0\n0:0\n0:0\n\s+0\s+1879048192\s+65536\nshimtest\n$/)
      assert.ok(run.options.rootfs.kind === 'overlay')
      const { gid, uid } = fs.statSync(path.join(run.options.rootfs.upper, 'mine'))
      assert.deepEqual([uid, gid], [0, 0])
      const status = fs.readFileSync(`/proc/${run.shim.pid}/status`, 'utf8')
      assert.match(status, /^Uid:\t1879048192\t[^]*^Gid:\t1879113728\t/m)
      const { exited } = await run.shim.exec({
        id: 'in',
        process: { ...run.options.spec.process, ...sh('exit $(id -u)') },
        ...SILENT,
      })
      assert.equal(await exited, 0)
    })

    it('shows owners of a bind as they are on disk when it is id-mapped', async () => {
      const shared = path.join(bench.root, 'idmapped')
      fs.mkdirSync(shared)
      fs.writeFileSync(path.join(shared, 'file'), '')
      fs.chownSync(path.join(shared, 'file'), 12, 34)
      const mounts = [['/mapped', 'ridmap'] as const, ['/plain'] as const].map(
        ([destination, ...options]) => ({
          destination,
          type: 'bind',
          source: shared,
          options: ['rbind', ...options],
        }),
      )
      const run = await bench.launch({
        linux: linux(files.net),
        mounts,
        process: sh('stat -c %u:%g /mapped/file /plain/file; mkdir /mapped/new; mkdir /plain/no'),
      })
      await run.shim.ended
      assert.equal(run.stdout(), '12:34\n65534:65534\n')
      assert.match(run.stderr(), /no.*Permission denied/)
      assert.equal(fs.statSync(path.join(shared, 'new')).uid, 0)
    })

    it('sees the host’s /sys, and its own cgroup, when its network belongs to nobody there', async () => {
      const run = await bench.launch({
        linux: linux(files.plain),
        process: sh('mkdir /sys/x || ls /sys/class/net; cat /proc/self/cgroup; ls /sys/fs/cgroup'),
      })
      assert.equal((await run.shim.ended)?.code, 0)
      assert.match(run.stdout(), /lo\n/)
      assert.match(run.stdout(), /cgroup.procs|unified|memory/)
    })

    it('gives its devices, pipes and terminal to its own user', async () => {
      const user = { uid: 12, gid: 34 }
      const run = await bench.launch({
        linux: {
          ...linux(files.net),
          devices: [
            { type: 'c', path: '/dev/mine', major: 1, minor: 5, uid: 12, gid: 34, fileMode: 0o600 },
          ],
        },
        process: {
          ...sh('stat -c %u:%g /dev/mine; head -c 3 /dev/mine | wc -c; echo again > /dev/stdout'),
          user,
        },
      })
      assert.equal((await run.shim.ended)?.code, 0)
      assert.equal(run.stdout(), '12:34\n3\nagain\n')
      const tty = await bench.launch({
        linux: linux(files.net),
        process: { ...sh('stat -c %u $(tty); echo again > $(tty)'), user, terminal: true },
      })
      assert.equal((await tty.shim.ended)?.code, 0)
      assert.equal(tty.stdout(), '12\r\nagain\r\n')
    })
  })
})

const SILENT = { stdin: false, stdout: false, stderr: false, detach: true }
