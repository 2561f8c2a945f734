import assert from 'node:assert/strict'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { eventually, openCli, whyNot } from './harness.ts'
import type { Cli } from './harness.ts'

describe('what docker run isolates', { skip: await whyNot() }, () => {
  let cli: Cli
  const name = (suffix: string): string => `${cli.prefix}-${suffix}`
  /** What a shell prints in a new container. */
  const sh = (script: string, ...options: string[]): Promise<string> =>
    cli.ok('run', '--rm', ...options, cli.image, 'sh', '-c', script)
  /** What is said of a container that cannot be made or started. */
  const refused = async (...options: string[]): Promise<string> => {
    const { code, stderr } = await cli.run(['run', '--rm', ...options, cli.image, 'true'])
    // the docker CLI itself takes the code from the words
    assert.ok(code === 125 || code === 127, `${options.join(' ')}: ${String(code)} ${stderr}`)
    return stderr
  }
  const namespaces = 'for n in pid ipc uts net cgroup mnt user; do readlink /proc/self/ns/$n; done'
  const ownNamespaces = async (): Promise<string[]> =>
    Promise.all(
      ['pid', 'ipc', 'uts', 'net', 'cgroup', 'mnt', 'user'].map((kind) =>
        fs.readlink(`/proc/self/ns/${kind}`),
      ),
    )
  const shared = async (...options: string[]): Promise<string[]> => {
    const host = await ownNamespaces()
    const inside = (await sh(namespaces, ...options)).split('\n')
    return inside.filter((line) => host.includes(line)).map((line) => line.split(':')[0] ?? '')
  }

  /** Whether all capabilities can be given: runc fails on a host that withholds one. */
  let all: boolean

  before(async () => {
    cli = await openCli()
    all = cli.own || (await cli.run(['run', '--rm', '--privileged', cli.image, 'true'])).code === 0
  })
  after(() => cli.close())

  it('gives namespaces of its own, or the host’s by their modes', async () => {
    assert.deepEqual(await shared('--cgroupns', 'private'), ['user'])
    const host = ['--pid', 'host', '--ipc', 'host', '--uts', 'host', '--net', 'host', '--cgroupns', 'host']
    assert.deepEqual(await shared(...host), ['pid', 'ipc', 'uts', 'net', 'cgroup', 'user'])
    assert.equal(await sh('hostname', '--uts', 'host'), os.hostname())
    assert.equal(await sh(`ls -d /proc/${String(process.pid)}`, '--pid', 'host'), `/proc/${String(process.pid)}`)
    assert.equal(await sh('ls /dev/shm >/dev/null 2>&1; mount | grep -c " /dev/shm " || true', '--ipc', 'none'), '0')
    assert.equal(await sh('ls /sys/class/net', '--net', 'none'), 'lo')
    assert.match(await refused('--uts', 'container:x'), /[Ii]nvalid UTS mode/)
    assert.match(await refused('--pid', 'nonsense'), /[Ii]nvalid PID mode/)
    assert.match(await refused('--ipc', 'nonsense'), /[Ii]nvalid IPC mode/)
    assert.match(await refused('--cgroupns', 'nonsense'), /invalid CGROUP mode|[Ii]nvalid cgroup namespace mode/)
    assert.match(await refused('--uts', 'host', '-h', 'x'), /conflicting options: hostname and the UTS mode/)
  }) // prettier-ignore

  it('joins the namespaces of another container, and again after its restart', async () => {
    const donor = name('donor')
    const joining = ['--pid', `container:${donor}`, '--ipc', `container:${donor}`, '--net', `container:${donor}`]
    await cli.ok('run', '-d', '--name', donor, '--ipc', 'shareable', '--shm-size', '7m', '--tmpfs', '/t', cli.image, 'sleep', '1000')
    const script = 'for n in pid ipc net; do readlink /proc/self/ns/$n; done; hostname; df -m /dev/shm | tail -1 | tr -s " " | cut -d " " -f 2; pidof sleep'
    await cli.ok('create', '--name', name('joiner'), ...joining, cli.image, 'sh', '-c', script)
    for (let turn = 0; turn < 2; turn++) {
      const seen = (await cli.ok('start', '-a', name('joiner'))).split('\n')
      const theirs = (await cli.ok('exec', donor, 'sh', '-c', 'for n in pid ipc net; do readlink /proc/self/ns/$n; done; hostname')).split('\n')
      assert.deepEqual(seen.slice(-3 - theirs.length + 1, -2), theirs)
      assert.deepEqual(seen.slice(-2), ['7', '1'])
      await cli.ok('restart', '-t', '0', donor)
    }
    await cli.ok('stop', '-t', '0', donor)
    for (const [mode, words] of [
      ['--net', /cannot join network (namespace )?of a non running container/],
      ['--ipc', /(failed to join IPC namespace: |can't join IPC of )container .* is not running/],
      ['--pid', /(PID|container) .*is not running|cannot join PID of a non running container/],
    ] as const) {
      assert.match(await refused(mode, `container:${donor}`), words)
    }
    await cli.ok('rm', '-f', name('joiner'), donor)
    assert.match(await refused('--net', `container:${donor}`), /No such container/)
    assert.match(await refused('--net', 'host', '--mac-address', '92:d0:c6:0a:29:33'), /mac-address and the network mode/)
    const itself = name('itself')
    assert.match(await refused('--name', itself, '--net', `container:${itself}`), /cannot join own network/)
    await cli.ok('run', '-d', '--name', donor, '--ipc', 'private', cli.image, 'sleep', '1000')
    assert.match(await refused('--ipc', `container:${donor}`), /non-shareable IPC/)
    for (const option of [['-h', 'x'], ['--dns', '1.1.1.1'], ['--add-host', 'a:1.2.3.4'], ['-p', '80'], ['--expose', '80']]) {
      assert.match(await refused('--net', `container:${donor}`, ...option), /conflicting options/)
    }
    await cli.ok('rm', '-f', donor)
  }) // prettier-ignore

  it('adds and drops capabilities, with and without CAP_', async () => {
    const bits = async (...options: string[]): Promise<bigint> =>
      BigInt(`0x${await sh('sed -n "s/CapEff:\\t//p" /proc/self/status', ...options)}`)
    const own = BigInt(`0x${/CapBnd:\t(\w+)/.exec(await fs.readFile('/proc/self/status', 'utf8'))?.[1] ?? '0'}`)
    const some = 0xa80425fbn & own
    assert.equal(await bits(), some)
    assert.equal(await bits('--cap-drop', 'ALL'), 0n)
    assert.equal(await bits('--cap-drop', 'all', '--cap-add', 'CAP_NET_ADMIN', '--cap-add', 'chown'), (1n << 12n) | 1n)
    assert.equal(await bits('--cap-drop', 'CAP_MKNOD'), some & ~(1n << 27n))
    if (all) {
      assert.equal(await bits('--cap-add', 'ALL', '--cap-drop', 'net_raw'), own & ~(1n << 13n))
      assert.equal(await bits('--privileged'), own)
    }
    assert.equal(await bits('-u', '1000'), 0n)
    assert.match(await refused('--cap-add', 'NONSENSE'), /unknown capability: "?(CAP_)?NONSENSE/)
  }) // prettier-ignore

  it('sets no_new_privs in both its forms, and keeps a set-uid program from raising', async () => {
    const script = 'grep NoNewPrivs /proc/self/status | tr -d "\\t"'
    assert.equal(await sh(script), 'NoNewPrivs:0')
    for (const option of ['no-new-privileges', 'no-new-privileges:true', 'no-new-privileges=true'])
      assert.equal(await sh(script, '--security-opt', option), 'NoNewPrivs:1')
    assert.equal(await sh(script, '--security-opt', 'no-new-privileges=false'), 'NoNewPrivs:0')
    assert.match(await refused('--security-opt', 'nonsense=1'), /invalid --security-opt/)
  }) // prettier-ignore

  it('filters system calls by the default profile, by one given, or not at all', async () => {
    const filtered = 'grep Seccomp: /proc/self/status | tr -d "\\t"; unshare -m true 2>&1 | sed "s/.*: //"'
    assert.equal(await sh(filtered), 'Seccomp:2\nOperation not permitted')
    assert.match(await sh('grep Seccomp: /proc/self/status | tr -d "\\t"', '--security-opt', 'seccomp=unconfined'), /^Seccomp:0$/)
    if (all) assert.match(await sh('grep Seccomp: /proc/self/status | tr -d "\\t"', '--privileged'), /^Seccomp:0$/)
    const profile = path.join(cli.dir, 'profile.json')
    await fs.writeFile(profile, JSON.stringify({
      defaultAction: 'SCMP_ACT_ALLOW',
      archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }, { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: [] }],
      syscalls: [
        { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 },
        // only a mode of 0777, which busybox's chmod passes on as it is
        { names: ['chmod', 'fchmodat'], action: 'SCMP_ACT_ERRNO', errnoRet: 30, args: [{ index: 1, value: 0o777, op: 'SCMP_CMP_EQ' }], includes: { arches: ['amd64'] } },
        { names: ['symlink', 'symlinkat'], action: 'SCMP_ACT_ERRNO', errnoRet: 12, includes: { caps: ['CAP_SYS_ADMIN'] } },
        { names: ['link', 'linkat'], action: 'SCMP_ACT_ERRNO', errnoRet: 12, excludes: { caps: ['CAP_SYS_ADMIN'] } },
        { names: ['sync'], action: 'SCMP_ACT_KILL_PROCESS' },
      ],
    }))
    const script = 'mkdir /d; touch /f; chmod 755 /f && echo chmod; ln -s /f /s && echo symlink; ln /f /l; sync; echo $?'
    const { stderr, stdout } = await cli.run(['run', '--rm', '--security-opt', `seccomp=${profile}`, cli.image, 'sh', '-c', script])
    assert.match(stderr, /\/d.*No space left on device/)
    assert.match(stderr, /\/l.*(Out of memory|Cannot allocate memory)/)
    assert.equal(stdout, 'chmod\nsymlink\n159\n')
    await fs.writeFile(profile, '{"defaultAction": "SCMP_ACT_NONSENSE"}')
    assert.match(await refused('--security-opt', `seccomp=${profile}`), /SCMP_ACT_NONSENSE|seccomp/)
  }) // prettier-ignore

  it('hides and guards paths of /proc and /sys, unless told not to', async () => {
    const script = '(echo x > /proc/sys/kernel/domainname) 2>&1 | grep -c Read-only; wc -c < /proc/keys; ls /sys/firmware | wc -l; grep -c " /proc/sys proc ro" /proc/mounts'
    assert.equal(await sh(script).catch(String), '1\n0\n0\n1')
    const open = await sh('grep -c " /proc/[a-z]* " /proc/mounts || true', '--security-opt', 'systempaths=unconfined')
    assert.equal(open, '0')
    assert.match(await sh('grep " /sys sysfs" /proc/mounts'), / ro,/)
    if (!all) return
    assert.equal(await sh('grep -c " /proc/[a-z]* " /proc/mounts || true', '--privileged'), '0')
    const bare = name('bare')
    await cli.ok('create', '--name', bare, '--privileged', cli.image)
    assert.equal(await cli.ok('inspect', '-f', '{{json .HostConfig.MaskedPaths}}', bare), 'null')
    assert.match(await sh('grep " /sys sysfs" /proc/mounts', '--privileged'), / rw,/)
  }) // prettier-ignore

  it('keeps the root read-only, and gives tmpfs with their options beside it', async () => {
    const script = 'touch /x 2>&1 | grep -c Read-only; touch /scratch/x /dev/shm/x && stat -c "%a %u:%g" /scratch; grep " /scratch " /proc/mounts; grep " /run2 " /proc/mounts'
    const out = (await sh(script, '--read-only', '--tmpfs', '/scratch:rw,noexec,size=1m,mode=1700,uid=7,gid=8,nr_inodes=64', '--mount', 'type=tmpfs,target=/run2,tmpfs-size=2m,tmpfs-mode=0711')).split('\n')
    assert.deepEqual(out.slice(0, 2), ['1', '1700 7:8'])
    assert.match(out[2] ?? '', /tmpfs rw,.*nosuid.*nodev.*noexec.*size=1024k.*nr_inodes=64.*mode=1700.*uid=7.*gid=8/)
    assert.match(out[3] ?? '', /tmpfs rw,.*size=2048k.*mode=711/)
    assert.equal(await sh('cp /bin/busybox /e/busybox && /e/busybox echo runs', '--tmpfs', '/e:exec'), 'runs')
    assert.match(await refused('--tmpfs', '/t:nonsense=1'), /[Ii]nvalid tmpfs option|invalid argument/)
    const box = name('tmpfs')
    await cli.ok('create', '--name', box, '--tmpfs', '/scratch', '--mount', 'type=tmpfs,target=/run2', cli.image)
    // what comes by --tmpfs is in HostConfig.Tmpfs alone
    const listed = await cli.ok('inspect', '-f', '{{range .Mounts}}{{.Destination}} {{end}}{{.HostConfig.Tmpfs}}', box)
    assert.equal(listed, '/run2 map[/scratch:]')
    assert.equal(await sh('df -m /dev/shm | tail -1 | tr -s " " | cut -d " " -f 2; grep -c " /dev/shm .*nosuid,nodev,noexec" /proc/mounts', '--shm-size', '9m'), '9\n1')
  }) // prettier-ignore

  it('keeps the files that it is given in /etc as read-only as the root', async () => {
    const script = 'for file in hosts hostname resolv.conf; do (echo x >> /etc/$file) 2>&1 | grep -c Read-only; done; true'
    assert.equal(await sh(script, '--read-only'), '1\n1\n1')
    assert.equal(await sh(script), '0\n0\n0')
  }) // prettier-ignore

  it('sets sysctls of its own namespaces only', async () => {
    assert.equal(
      await sh('cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax /proc/sys/fs/mqueue/msg_max', '--sysctl', 'net.ipv4.ip_forward=1', '--sysctl', 'kernel.msgmax=5000', '--sysctl', 'fs.mqueue.msg_max=20'),
      '1\n5000\n20',
    )
    const elsewhere = /not in a separate kernel namespace|is not allowed|not allowed in host/
    assert.match(await refused('--sysctl', 'kernel.panic=1'), elsewhere)
    assert.match(await refused('--sysctl', 'vm.swappiness=1', '--privileged'), elsewhere)
    assert.match(await refused('--sysctl', 'net.ipv4.ip_forward=1', '--net', 'host'), elsewhere)
    assert.match(await refused('--sysctl', 'kernel.msgmax=5000', '--ipc', 'host'), elsewhere)
    assert.notEqual((await fs.readFile('/proc/sys/kernel/msgmax', 'utf8')).trim(), '5000')
  }) // prettier-ignore

  it('gives devices by path, by directory and by rule, and no others', async () => {
    const zero = 'head -c 2 /dev/mine | wc -c; stat -c %t:%T /dev/mine'
    assert.equal(await sh(zero, '--device', '/dev/zero:/dev/mine'), '2\n1:5')
    assert.match(await sh('(echo x > /dev/kmsg2) 2>&1; true', '--device', '/dev/kmsg:/dev/kmsg2:r'), /Operation not permitted/)
    const dir = path.join(cli.dir, 'nodes')
    await fs.mkdir(dir)
    await cli.ok('run', '--rm', '-v', `${dir}:/n`, cli.image, 'sh', '-c', 'mknod /n/a c 1 5; mkdir /n/sub; mknod /n/sub/b c 1 3; chown 7:8 /n/a')
    assert.equal(await sh('cd /dev/nodes; ls; ls sub; stat -c %u:%g a; head -c 1 a | wc -c', '--device', `${dir}:/dev/nodes`), 'a\nsub\nb\n7:8\n1')
    assert.match(await refused('--device', '/dev/nonsense'), /error gathering device information while adding custom device "\/dev\/nonsense"/)
    // the first loop device, which may lack a file but not be forbidden
    const loop = 'mknod /tmp/loop b 7 0; head -c 1 /tmp/loop 2>&1 || true'
    assert.match(await sh(loop), /Operation not permitted/)
    assert.doesNotMatch(await sh(loop, '--device-cgroup-rule', 'b 7:* r'), /Operation not permitted/)
    assert.match(await refused('--device-cgroup-rule', 'nonsense').catch(String), /invalid device cgroup (rule )?format|125/)
    assert.match(await refused('--gpus', 'all'), /could not select device driver/)
    assert.match(await refused('--device', 'vendor.com/class=name'), /could not select device driver|CDI/)
  }) // prettier-ignore

  it('sets ulimits, the OOM score and groups', async () => {
    const script = 'grep -E "open files|core file" /proc/self/limits | tr -s " "; cat /proc/self/oom_score_adj; id -u; id -g; id -G'
    const out = (await sh(script, '--ulimit', 'nofile=111:222', '--ulimit', 'core=0', '--oom-score-adj', '321', '-u', '1000', '--group-add', 'extra', '--group-add', '77')).split('\n')
    assert.deepEqual(out, ['Max core file size 0 0 bytes ', 'Max open files 111 222 files ', '321', '1000', '1000', out.at(-1) ?? ''])
    assert.deepEqual(new Set(out.at(-1)?.split(' ')), new Set(['1000', '77', '2000']))
    assert.match(await refused('--ulimit', 'nonsense=1').catch(String), /invalid ulimit type|125/)
    assert.match(await refused('--oom-score-adj', '2000'), /range for oom score adj is \[-1000, 1000\]/)
  }) // prettier-ignore

  it('finds the user and group in the image’s own files', async () => {
    for (const [user, ids] of [
      ['web', '1000 1000 1000 2000'], ['1000', '1000 1000 1000 2000'], ['web:extra', '1000 2000 2000'], ['1000:2000', '1000 2000 2000'],
      ['77', '77 0 0'], ['77:88', '77 88 88'], ['root', '0 0 0'],
    ] as const) {
      assert.equal(await sh('echo $(id -u) $(id -g) $(id -G)', '-u', user), ids, user)
    }
    assert.match(await refused('-u', 'nobody-here'), /unable to find user nobody-here: no matching entries in passwd file/)
    assert.match(await refused('-u', 'web:nobody-here'), /unable to find group nobody-here: no matching entries in group file/)
    assert.match(await refused('--group-add', 'nobody-here'), /[Uu]nable to find group nobody-here/)
    assert.match(await refused('-u', '4294967296'), /uids and gids must be in range 0-2147483647|unable to find user|invalid/)
  }) // prettier-ignore

  it('has /.dockerenv, by which programs know where they are, and which is no change of the container’s', async () => {
    const marked = name('marked')
    const script = 'stat -c "%F %u:%g" /.dockerenv; touch /mine'
    assert.match(await cli.ok('run', '--name', marked, cli.image, 'sh', '-c', script), /^regular empty file 0:0$/m)
    assert.equal((await cli.ok('diff', marked)).trim(), 'A /mine')
  }) // prettier-ignore

  it('writes hosts, hostname and resolv.conf', async () => {
    const script = 'cat /etc/hostname; hostname; cat /proc/sys/kernel/domainname; grep -E "near|gate|box" /etc/hosts; grep -v "^#" /etc/resolv.conf; ip link show eth0 | grep -o "ether [^ ]*"'
    const out = await sh(script, '-h', 'box', '--domainname', 'example.org', '--add-host', 'near:10.1.2.3', '--add-host', 'gate:host-gateway', '--dns', '10.9.8.7', '--dns-search', 'corp.example', '--dns-option', 'ndots:3', ...(cli.own ? ['--mac-address', '02:42:0a:00:00:99'] : []))
    assert.match(out, /^box(\.example\.org)?\nbox\nexample\.org\n/)
    assert.match(out, /^10\.1\.2\.3\tnear$/m)
    assert.match(out, /^\d+\.\d+\.\d+\.\d+\tgate$/m)
    assert.match(out, /^\d+\.\d+\.\d+\.\d+\tbox\.example\.org box$/m)
    assert.match(out, /^nameserver 10\.9\.8\.7$/m)
    assert.match(out, /^search corp\.example$/m)
    assert.match(out, /^options ndots:3/m)
    if (cli.own) assert.match(out, /ether 02:42:0a:00:00:99$/)
  }) // prettier-ignore

  it('refuses what this host has not, by name', async () => {
    if (!cli.own) return
    assert.match(await refused('--security-opt', 'apparmor=nonsense'), /SecurityOpt apparmor=nonsense: /)
    assert.equal(await sh('echo ran', '--security-opt', 'apparmor=unconfined', '--security-opt', 'label=disable'), 'ran')
    assert.match(await refused('--security-opt', 'label=type:container_t'), /SecurityOpt label=type:container_t: SELinux/)
    assert.match(await refused('--storage-opt', 'size=1G'), /StorageOpt is not supported/)
    assert.match(await refused('--security-opt', 'writable-cgroups=maybe'), /invalid --security-opt/)
    const writable = await cli.run(['run', '--rm', '--cgroupns=private', '--security-opt', 'writable-cgroups=true', cli.image, 'mkdir', '/sys/fs/cgroup/sub'])
    if (await fs.access('/sys/fs/cgroup/cgroup.controllers').then(() => true, () => false)) assert.equal(writable.code, 0)
    else assert.match(writable.stderr, /writable-cgroups needs a host with cgroup v2 alone/)
  }) // prettier-ignore
})

describe('docker run --init', { skip: await whyNot() }, () => {
  let cli: Cli
  const name = (suffix: string): string => `${cli.prefix}-${suffix}`
  before(async () => {
    cli = await openCli()
  })
  after(() => cli.close())

  it('puts an init before the program, which hands its code on', async () => {
    const tree = await cli.ok('run', '--rm', '--init', cli.image, 'sh', '-c', 'tr "\\0" " " < /proc/1/cmdline; echo; cat /proc/1/comm; echo $$')
    assert.match(tree, /^\/sbin\/docker-init -- sh -c .*\ndocker-init\n[2-9]\d*$/)
    for (const [script, code] of [['exit 7', 7], ['kill -9 $$', 137], ['kill -TERM $$', 143]] as const) {
      assert.equal((await cli.run(['run', '--rm', '--init', cli.image, 'sh', '-c', script])).code, code)
    }
    assert.equal((await cli.run(['run', '--rm', '--init', cli.image, 'no-such-command'])).code, 127)
    assert.equal((await cli.run(['run', '--rm', '--init', cli.image, '/etc/passwd'])).code, 126)
    assert.match(await cli.ok('info', '--format', '{{.InitBinary}}'), /docker-init/)
  }) // prettier-ignore

  it('hands signals on and collects orphans, also those of an exec', async () => {
    const script = 'trap "echo got; exit 5" TERM; (sleep 0.01 & exec true); sleep 0.3; echo ready; while :; do sleep 0.05; done'
    await cli.ok('run', '-d', '--init', '--read-only', '--name', name('init'), cli.image, 'sh', '-c', script)
    await cli.ok('exec', name('init'), 'sh', '-c', 'sleep 0.02 & exit 0')
    // the shell's own sleeps are dead for a moment each, before it has seen their end: those of an orphan would stay so
    const dead = () => cli.ok('exec', name('init'), 'sh', '-c', 'cat /proc/[0-9]*/stat | cut -d ")" -f 2 | cut -c 2 | grep -c Z || true')
    await eventually(() => cli.ok('logs', name('init')), (text) => text === 'ready')
    await eventually(dead, (count) => count === '0')
    await cli.ok('stop', '-t', '10', name('init'))
    assert.equal(await cli.ok('inspect', '-f', '{{.State.ExitCode}}', name('init')), '5')
    assert.equal(await cli.ok('logs', name('init')), 'ready\ngot')
    await cli.ok('rm', name('init'))
  }) // prettier-ignore

  it('gives the program the terminal', async () => {
    const session = cli.terminal([
      'run',
      '--rm',
      '-it',
      '--init',
      '--name',
      name('terminal'),
      cli.image,
      'sh',
    ])
    await session.until('# ')
    session.type('sleep 1000\n')
    await eventually(
      () => cli.ok('top', name('terminal')),
      (processes) => processes.includes('sleep 1000'),
    )
    session.type('\x03')
    session.type('echo af""ter $?\n')
    await session.until('after 130')
    session.type('exit 3\n')
    assert.equal(await session.exited, 3)
  })

  it('stands on the host’s binary, which nothing inside can change', async () => {
    const attempts = 'for f in /sbin/docker-init /proc/1/exe; do (echo x > $f) 2>&1; done; rm /sbin/docker-init 2>&1; mv /bin/busybox /sbin/docker-init 2>&1; true'
    const said = await cli.ok('run', '--rm', '--init', cli.image, 'sh', '-c', attempts)
    assert.equal(said.split('\n').length, 4)
    assert.match(said, /Read-only file system|Text file busy/)
    assert.equal(await cli.ok('run', '--rm', '--init', cli.image, 'echo', 'still'), 'still')
  }) // prettier-ignore
})
