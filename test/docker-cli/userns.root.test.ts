import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { eventually, openCli, whyNot } from './harness.ts'
import type { Cli } from './harness.ts'

const elsewhere =
  process.env.GANTRY_TEST_DOCKER_HOST === undefined ? false : 'needs an engine with GANTRY_USERNS'

describe('an engine with GANTRY_USERNS=private', { skip: elsewhere || (await whyNot()) }, () => {
  let cli: Cli
  const name = (suffix: string): string => `${cli.prefix}-${suffix}`
  /** What a shell prints in a new container. */
  const sh = (script: string, ...options: string[]): Promise<string> =>
    cli.ok('run', '--rm', ...options, cli.image, 'sh', '-c', script)
  const refused = async (...options: string[]): Promise<string> => {
    const { code, stderr } = await cli.run(['run', '--rm', ...options, cli.image, 'true'])
    assert.equal(code, 125)
    return stderr
  }

  before(async () => {
    cli = await openCli({ userns: 'private' })
  })
  after(() => cli.close())

  it('says so in info', async () => {
    assert.match(await cli.ok('info', '--format', '{{.SecurityOptions}}'), /name=userns/)
  })

  it('runs containers as root inside and as a nobody on the host', async () => {
    await cli.ok('run', '-d', '--name', name('root'), cli.image, 'sleep', '1000')
    const pid = await cli.ok('inspect', '-f', '{{.State.Pid}}', name('root'))
    assert.match(await fs.readFile(`/proc/${pid}/status`, 'utf8'), /^Uid:\t1879048192\t/m)
    assert.match(await fs.readFile(`/proc/${pid}/uid_map`, 'utf8'), /^\s*0 1879048192\s+65536\n$/)
    assert.equal(await cli.ok('exec', name('root'), 'id', '-u'), '0')
    assert.equal(await cli.ok('exec', '-u', '12:34', name('root'), 'sh', '-c', 'id -u; id -g'), '12\n34')
    const own = await cli.ok('exec', name('root'), 'sh', '-c', 'for n in user pid net mnt ipc uts cgroup; do readlink /proc/self/ns/$n; done')
    for (const line of own.split('\n')) {
      const [kind = ''] = line.split(':')
      assert.notEqual(line, await fs.readlink(`/proc/self/ns/${kind}`))
    }
    await cli.ok('rm', '-f', name('root'))
  }) // prettier-ignore

  it('keeps ids on disk: a volume is the same in either user namespace', async () => {
    const volume = `${name('ids')}:/data`
    const write = (who: string): string => `touch /data/${who}; chown 12:34 /data/${who}; mkdir /data/${who}.d`
    const list = 'cd /data; stat -c "%n %u:%g" *'
    await sh(write('private'), '-v', volume)
    await sh(write('host'), '-v', volume, '--userns=host')
    const expected = 'host 12:34\nhost.d 0:0\nprivate 12:34\nprivate.d 0:0'
    assert.equal(await sh(list, '-v', volume), expected)
    assert.equal(await sh(list, '-v', volume, '--userns=host'), expected)
    assert.equal(await sh('cat /proc/self/uid_map', '--userns=host'), '         0          0 4294967295')
  }) // prettier-ignore

  it('shows directories of the host with their owners, and writes there as these', async () => {
    const shared = path.join(cli.dir, 'shared')
    await fs.mkdir(shared)
    await fs.chown(shared, 1000, 1000)
    assert.equal(
      await sh('stat -c %u /host; touch /host/new; stat -c %u /host/new', '-u', '1000', '-v', `${shared}:/host`),
      '1000\n1000',
    )
    assert.equal((await fs.stat(path.join(shared, 'new'))).uid, 1000)
    const readOnly = await cli.run(['run', '--rm', '-v', `${shared}:/host:ro`, cli.image, 'touch', '/host/no'])
    assert.match(readOnly.stderr, /Read-only file system/)
    assert.match(await refused('-v', '/proc/self:/host'), /its file system has no id-mapped mounts.*use UsernsMode "host"/)
    assert.match(await refused('-v', `${shared}:/host:rshared`), /cannot be shared with the host/)
  }) // prettier-ignore

  it('keeps what it wrote over a restart, and in the image made of it', async () => {
    await cli.ok('run', '--name', name('kept'), cli.image, 'sh', '-c', 'touch /mine; chown 12:34 /mine; rm -f /etc/passwd')
    await cli.ok('start', '-a', name('kept'))
    const upper = await cli.ok('inspect', '-f', '{{.GraphDriver.Data.UpperDir}}', name('kept'))
    const { gid, uid } = await fs.stat(path.join(upper, 'mine'))
    assert.deepEqual([uid, gid], [12, 34])
    assert.match(await cli.ok('diff', name('kept')), /^A \/mine$/m)
    await cli.ok('commit', name('kept'), name('image'))
    const list = ['sh', '-c', 'stat -c %u:%g /mine']
    assert.equal(await cli.ok('run', '--rm', name('image'), ...list), '12:34')
    assert.equal(await cli.ok('run', '--rm', '--userns=host', name('image'), ...list), '12:34')
    await cli.ok('rm', name('kept'))
    await cli.ok('rmi', name('image'))
  }) // prettier-ignore

  it('copies files in and out with the ids they have inside, running or not', async () => {
    const file = path.join(cli.dir, 'copied')
    await fs.writeFile(file, 'copied\n')
    await cli.ok('run', '-d', '--name', name('cp'), cli.image, 'sleep', '1000')
    for (const stopped of [false, true]) {
      if (stopped) await cli.ok('stop', '-t', '0', name('cp'))
      const member = `in-${String(stopped)}`
      const input = execFileSync('tar', ['-C', cli.dir, '--owner=12', '--group=34', '--numeric-owner', `--transform=s/copied/${member}/`, '-c', 'copied'], { encoding: 'latin1' })
      const into = await cli.run(['cp', '-', `${name('cp')}:/`], { input })
      assert.deepEqual(into, { code: 0, stdout: '', stderr: '' })
      const { stdout } = await cli.run(['cp', `${name('cp')}:/${member}`, '-'])
      assert.match(execFileSync('tar', ['--numeric-owner', '-tv'], { input: stdout, encoding: 'utf8' }), /12\/34 .*in-/)
    }
    await cli.ok('start', name('cp'))
    assert.equal(await cli.ok('exec', name('cp'), 'stat', '-c', '%u:%g', '/in-false', '/in-true'), '12:34\n12:34')
    await cli.ok('rm', '-f', name('cp'))
  }) // prettier-ignore

  it('gives it power over its own network, and the rest of its own', async () => {
    const network = 'ip addr add 10.9.9.9/32 dev lo && ip addr show lo | grep -c 10.9.9.9; ping -c 1 -W 1 127.0.0.1 >/dev/null && echo ping'
    assert.equal(await sh(network, '--cap-add', 'NET_ADMIN'), '1\nping')
    assert.equal(
      await sh('cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax', '--sysctl', 'net.ipv4.ip_forward=1', '--sysctl', 'kernel.msgmax=5000'),
      '1\n5000',
    )
    assert.equal(await sh('ls /sys/class/net | tr "\\n" " "'), 'eth0 lo ')
    assert.equal(await sh('(echo served | nc -l -p 80) & until nc -w 9 127.0.0.1 80 </dev/null 2>/dev/null; do sleep 0.1; done', '-u', '1000'), 'served')
    assert.equal(await sh('mkdir /t/x && stat -c %u:%g /t; grep -c "/t tmpfs rw,.*size=1024k" /proc/mounts', '--tmpfs', '/t:size=1m'), '0:0\n1')
    assert.equal(await sh('hostname; hostname other; hostname', '-h', 'box', '--cap-add', 'SYS_ADMIN'), 'box\nother')
    assert.equal(await sh('mount -t tmpfs none /tmp && mount -t proc proc /proc 2>/dev/null; grep -c " /tmp tmpfs" /proc/mounts', '--cap-add', 'SYS_ADMIN', '--security-opt', 'apparmor=unconfined'), '1')
  }) // prettier-ignore

  it('opens its pipes and its terminal by name also as a user', async () => {
    assert.equal(await sh('echo out > /dev/stdout; echo null > /dev/null', '-u', '1000'), 'out')
    assert.equal(await sh('stat -c %u $(tty); echo again > $(tty)', '-t', '-u', '1000'), '1000\r\nagain\r')
    await cli.ok('run', '-d', '--name', name('pipes'), cli.image, 'sleep', '1000')
    assert.equal(await cli.ok('exec', '-u', '1000', name('pipes'), 'sh', '-c', 'echo out > /dev/stdout'), 'out')
    assert.equal(await cli.ok('exec', '-t', '-u', '1000', name('pipes'), 'sh', '-c', 'stat -c %u $(tty)'), '1000\r')
    await cli.ok('rm', '-f', name('pipes'))
  }) // prettier-ignore

  it('binds the devices asked for, also under another name and owner', async () => {
    assert.equal(await sh('head -c 2 /dev/mine | wc -c; stat -c %t:%T /dev/mine', '--device', '/dev/zero:/dev/mine'), '2\n1:5')
    const other = await cli.run(['run', '--rm', cli.image, 'sh', '-c', 'mknod /dev/sda b 8 0'])
    assert.match(other.stderr, /Operation not permitted/)
  }) // prettier-ignore

  it('lets a container join the namespaces of another, and its user namespace with them', async () => {
    await cli.ok('run', '-d', '--name', name('donor'), '--ipc', 'shareable', '--shm-size', '8m', cli.image, 'sleep', '1000')
    const script = 'readlink /proc/self/ns/user; ip addr add 10.9.9.9/32 dev lo; echo shared > /dev/shm/f; stat -c %u /dev/shm; pidof sleep'
    const joined = await sh(script, '--net', `container:${name('donor')}`, '--ipc', `container:${name('donor')}`, '--pid', `container:${name('donor')}`, '--cap-add', 'NET_ADMIN')
    const seen = await cli.ok('exec', name('donor'), 'sh', '-c', 'readlink /proc/self/ns/user; ip addr show lo | grep -q 10.9.9.9 && cat /dev/shm/f')
    assert.equal(joined, `${seen.split('\n')[0] ?? ''}\n0\n1`)
    assert.equal(seen.split('\n')[1], 'shared')
    // by its pid namespace alone: then it has a network of its own, in the same user namespace
    assert.equal(
      await sh('readlink /proc/self/ns/user; ip addr add 10.9.9.8/32 dev lo; ip addr show lo | grep -c 10.9.9.9 || true', '--pid', `container:${name('donor')}`, '--cap-add', 'NET_ADMIN'),
      `${seen.split('\n')[0] ?? ''}\n0`,
    )
    await cli.ok('run', '-d', '--name', name('plain'), '--userns=host', cli.image, 'sleep', '1000')
    assert.match(await refused('--net', `container:${name('plain')}`), /runs in the host's user namespace/)
    assert.equal(await sh('cat /proc/self/uid_map', '--userns=host', '--net', `container:${name('donor')}`), '         0          0 4294967295')
    await cli.ok('run', '-d', '--name', name('other'), cli.image, 'sleep', '1000')
    assert.match(await refused('--net', `container:${name('donor')}`, '--pid', `container:${name('other')}`), /different user namespaces/)
    await cli.ok('stop', '-t', '0', name('donor'))
    assert.match(await refused('--net', `container:${name('donor')}`), /cannot join network of a non running container/)
    await cli.ok('rm', '-f', name('donor'), name('plain'), name('other'))
  }) // prettier-ignore

  it('refuses what cannot be had in a user namespace, unless it is the host’s', async () => {
    assert.match(await refused('--privileged'), /privileged mode is incompatible with user namespaces/)
    assert.match(await refused('--net', 'host'), /cannot share the host's network namespace when user namespaces are enabled/)
    assert.match(await refused('--pid', 'host'), /cannot share the host PID namespace when user namespaces are enabled/)
    assert.match(await refused('--ipc', 'host'), /cannot share the host's IPC namespace/)
    assert.match(await refused('--uts', 'host'), /cannot share the host's UTS namespace/)
    assert.match(await refused('-u', '70000'), /uid or gid 70000 is not in the container's user namespace, which has 0 to 65535/)
    assert.equal(await sh('id -u', '--privileged', '--userns=host'), '0')
    assert.equal(await sh('id -u', '--userns=host', '--net', 'host', '--pid', 'host'), '0')
  }) // prettier-ignore

  it('limits and restarts as any other', async () => {
    await cli.ok('run', '-d', '--name', name('again'), '--restart', 'on-failure:1', '-m', '16m', '--ulimit', 'nproc=3', cli.image, 'sh', '-c', 'grep -c "processes *3 *3" /proc/self/limits; exit 3')
    await eventually(() => cli.ok('inspect', '-f', '{{.RestartCount}} {{.State.Status}}', name('again')), (state) => state === '1 exited')
    assert.equal(await cli.ok('logs', name('again')), '1\n1')
    await cli.ok('rm', name('again'))
  }) // prettier-ignore

  it('copies, exports and commits files with the ids that the container knows', async () => {
    const container = name('files')
    const script = 'mkdir -p /t/d; echo one >/t/f; chown 12:34 /t/f; echo ready; exec sleep 1000'
    const options = ['--name', container, '-v', `${name('files')}:/vol`, '--tmpfs', '/scratch']
    await cli.ok('run', '-d', ...options, cli.image, 'sh', '-c', script)
    await eventually(
      () => cli.ok('logs', container),
      (log) => log.includes('ready'),
    )
    await fs.writeFile(path.join(cli.dir, 'in'), 'in\n')
    await fs.chown(path.join(cli.dir, 'in'), 56, 78)
    const places = ['/t/d', '/vol', '/scratch']
    for (const place of places) await cli.ok('cp', path.join(cli.dir, 'in'), `${container}:${place}/`)
    const owners = await cli.ok('exec', container, 'stat', '-c', '%u:%g', ...places.map((at) => `${at}/in`))
    assert.equal(owners, '56:78\n56:78\n56:78')
    for (const state of ['running', 'stopped']) {
      if (state === 'stopped') await cli.ok('stop', '-t', '0', container)
      const tar = path.join(cli.dir, 'tar')
      await cli.ok('export', '-o', tar, container)
      assert.match(owned(tar), /^56\/78 t\/d\/in\n12\/34 t\/f$/m, state)
      assert.doesNotMatch(owned(tar), /^(1879|65534)/m, state)
      // the client would make all its own
      await fs.writeFile(tar, (await cli.run(['cp', `${container}:/t`, '-'])).stdout)
      assert.match(owned(tar), /^0\/0 t\/d\/\n56\/78 t\/d\/in\n12\/34 t\/f$/m, state)
    }
    await cli.ok('cp', path.join(cli.dir, 'in'), `${container}:/t/stopped`)
    assert.match(await cli.ok('diff', container), /^A \/t\/stopped$/m)
    await cli.ok('commit', container, name('files-image'))
    const list = await cli.ok('run', '--rm', name('files-image'), 'sh', '-c', 'cd /t; stat -c "%n %u:%g" * d/*')
    assert.equal(list, 'd 0:0\nf 12:34\nstopped 56:78\nd/in 56:78')
  }) // prettier-ignore
})

/** Owners and names of an archive's members. */
function owned(tar: string): string {
  const listed = execFileSync('tar', ['-t', '-v', '--numeric-owner', '-f', tar], { encoding: 'utf8' })
  return listed.replace(/^\S+ +(\S+) .* (\S+)$/gm, '$1 $2')
} // prettier-ignore
