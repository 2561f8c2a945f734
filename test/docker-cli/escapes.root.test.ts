import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { shimPath } from '../../engine/native/addon.ts'
import { openCli, whyNot } from './harness.ts'
import type { Cli, CliResult } from './harness.ts'

const run = promisify(execFile)
const EPERM = 1
const own = process.env.GANTRY_TEST_DOCKER_HOST === undefined
/** dockerd with runc 1.1.5, tried, is open to this. */
const newerThanRunc = own ? false : 'mended in newer versions of runc'

describe('ways out of a container', { skip: await whyNot() }, () => {
  let cli: Cli
  let probes: string
  before(async () => {
    // containers of both kinds, from one engine
    cli = await openCli(own ? { userns: 'private' } : {})
    probes = path.join(cli.dir, 'probes')
    await fs.mkdir(probes)
    const source = path.resolve(import.meta.dirname, '../fixtures/escape-probe.c')
    await run('cc', ['-static', '-O1', '-o', path.join(probes, 'probe'), source])
  })
  after(() => cli.close())

  for (const userns of own ? ['host', 'private'] : ['host']) {
    describe(`in the user namespace "${userns}"`, () => {
      const mode = own && userns === 'host' ? ['--userns=host'] : []
      const start = (args: string[], command: string[]): Promise<CliResult> =>
        cli.run(['run', '--rm', ...mode, ...args, cli.image, ...command])
      const sh = async (script: string, ...options: string[]): Promise<string> => {
        const { stderr, stdout } = await start(options, ['sh', '-c', script])
        return `${stdout}${stderr}`.trimEnd()
      }
      const probe = async (names: string[], ...options: string[]): Promise<Record<string, number>> => {
        const { stdout } = await start([...options, '-v', `${probes}:/probes:ro`], ['/probes/probe', ...names])
        return Object.fromEntries(stdout.trim().split('\n').map((line) => [line.split(' ')[0] ?? '', Number(line.split(' ')[1])]))
      } // prettier-ignore

      it('the kernel’s own files can be neither written nor, where they tell of the host, read', async () => {
        const files = [
          '/proc/sysrq-trigger', '/proc/sys/kernel/core_pattern', '/proc/sys/kernel/modprobe', '/proc/sys/vm/panic_on_oom',
          '/proc/irq/default_smp_affinity', '/proc/bus/pci/devices', '/sys/kernel/uevent_helper', '/sys/fs/cgroup/release_agent',
          '/sys/fs/cgroup/memory/release_agent', '/sys/fs/cgroup/cgroup.procs', '/sys/power/state',
        ] // prettier-ignore
        const said = await sh(`for f in ${files.join(' ')}; do [ -e $f ] || continue; (echo x > $f) 2>/dev/null && echo wrote $f; done; wc -c < /proc/keys; wc -c < /proc/timer_list; ls -A /sys/firmware | wc -l; head -c 1 /proc/kcore 2>/dev/null | wc -c`)
        assert.equal(said.replace(/sh: can't open .*\n/g, ''), '0\n0\n0\n0')
        // by other names for the same, and from inside a directory of it
        assert.doesNotMatch(await sh('cd /proc/sys && (echo x > kernel/core_pattern) 2>&1; (echo x > /proc/1/root/proc/sys/kernel/core_pattern) 2>&1; (echo x > /proc/self/cwd/../../proc/sysrq-trigger) 2>&1; echo end'), /wrote/)
        assert.doesNotMatch(await fs.readFile('/proc/sys/kernel/core_pattern', 'utf8'), /^x$/m)
      }) // prettier-ignore

      it('system calls that reach the host are refused by the filter', async () => {
        const names = ['keyctl', 'add_key', 'bpf', 'kexec', 'init_module', 'by_handle', 'setns_net', 'setns_mnt', 'unshare_user', 'unshare_mnt', 'clone_user', 'mount_proc', 'mount_cgroup', 'remount_sys', 'umount_mask', 'pivot_root', 'reboot', 'swapon', 'settime', 'perf', 'userfault', 'acct']
        assert.deepEqual(await probe(names), Object.fromEntries(names.map((one) => [one, EPERM])))
        // clone(2) with flags can be judged, clone3's are in memory: it is said not to exist
        assert.deepEqual(await probe(['clone3']), { clone3: 38 })
      }) // prettier-ignore

      it('most of them also without the filter: the capabilities are not there', async () => {
        const names = ['kexec', 'init_module', 'by_handle', 'setns_mnt', 'unshare_mnt', 'mount_proc', 'mount_cgroup', 'remount_sys', 'umount_mask', 'pivot_root', 'reboot', 'swapon', 'settime', 'acct', 'bpf']
        const found = await probe(names, '--security-opt', 'seccomp=unconfined')
        for (const [one, errno] of Object.entries(found)) assert.notEqual(errno, 0, one)
        assert.equal(Object.keys(found).length, names.length)
      }) // prettier-ignore

      it('disks are neither made nor opened', async () => {
        const [major = '', minor = ''] = (await fs.readFile('/proc/partitions', 'utf8')).split('\n')[2]?.trim().split(/\s+/) ?? []
        for (const disk of [`${major} ${minor}`, '7 0'])
          assert.match(await sh(`mknod /tmp/disk b ${disk} && head -c 1 /tmp/disk`), /Operation not permitted/)
        assert.match(await sh(`mknod /tmp/mem c 1 1 && head -c 1 /tmp/mem`), /Operation not permitted/)
        assert.notEqual((await probe(['rawio']))['rawio'], 0)
      }) // prettier-ignore

      it('processes outside are neither seen, signalled nor traced', async () => {
        const outside = String(process.pid)
        assert.match(await sh(`ls -d /proc/${outside}; kill -0 ${outside}; ls /proc | grep -c "^[0-9]"`), /No such file[^]*(No such process|can't kill)/)
        if (userns !== 'host') return
        // shown to it on purpose, but not to be entered: it has less power than they
        const shown = await sh(`ls -d /proc/${outside}; ls /proc/${outside}/root/; cat /proc/${outside}/environ; readlink /proc/${outside}/ns/mnt`, '--pid', 'host')
        assert.match(shown, new RegExp(`^/proc/${outside}\n[^]*Permission denied`))
        assert.doesNotMatch(shown, /PATH=|mnt:/)
      }) // prettier-ignore

      it('the working directory does not lead out, at a start or an exec', async () => {
        const name = `${cli.prefix}-cwd`
        await cli.ok('run', '-d', ...mode, '--name', name, cli.image, 'sleep', '1000')
        const marks = 'pwd; ls -d ../../../../../../../usr/lib/os-release ../../../../../../../../boot 2>/dev/null'
        const outside = /os-release|boot/
        for (const cwd of ['/proc/self/fd/3', '/proc/self/fd/4', '/proc/self/fd/7', '/proc/self/fd/8', '/proc/self/fd/9/../../..', '/proc/self/cwd/../..', '/../../..', '/proc/1/root/..']) {
          for (const { code, stdout } of [await start(['-w', cwd], ['sh', '-c', marks]), await cli.run(['exec', '-w', cwd, name, 'sh', '-c', marks])]) {
            assert.doesNotMatch(stdout, outside, cwd)
            if (code !== 0) continue
            assert.match(stdout, /^\/|^\(unreachable\)/)
          }
        }
        assert.equal(await cli.ok('exec', name, 'ls', '/proc/self/fd'), '0\n1\n2\n3')
        await cli.ok('rm', '-f', name)
      }) // prettier-ignore

      it('nothing can be mounted on, or in the place of, what /proc says', { skip: newerThanRunc }, async () => {
        const refused = async (...options: string[]): Promise<string> => {
          const { code, stderr } = await start(options, ['true'])
          assert.notEqual(code, 0, options.join(' '))
          return stderr
        }
        for (const options of [['-v', '/tmp:/proc'], ['--tmpfs', '/proc'], ['-v', '/tmp:/proc/self'], ['-v', '/tmp:/proc/../proc/sys'], ['--tmpfs', '/proc/sys/kernel']]) {
          assert.match(await refused(...options), /inside \/proc|not of type proc|because it is not|cannot be mounted/)
        }
        // links of an image that lead there (CVE-2019-19921, CVE-2023-27561)
        const tar = path.join(cli.dir, `links-${userns}.tar`)
        const root = path.join(cli.dir, `links-${userns}`)
        await fs.mkdir(path.join(root, 'real'), { recursive: true })
        await fs.symlink('/proc', path.join(root, 'to-proc'))
        await fs.symlink('/proc/sys', path.join(root, 'to-sys'))
        await fs.symlink('/real', path.join(root, 'proc'))
        await fs.copyFile('/bin/busybox', path.join(root, 'busybox'))
        await run('tar', ['-C', root, '-cf', tar, '.'])
        const image = `${cli.prefix}/links:1`
        await cli.ok('import', '--change', 'CMD ["/busybox", "true"]', tar, image)
        assert.match((await cli.run(['run', '--rm', ...mode, image])).stderr, /proc.*(too many levels of symbolic links|must be mounted on ordinary directory)/)
        await fs.rm(path.join(root, 'proc'))
        await run('tar', ['-C', root, '-cf', tar, '.'])
        await cli.ok('import', '--change', 'CMD ["/busybox", "true"]', tar, image)
        assert.equal((await cli.run(['run', '--rm', ...mode, image])).code, 0)
        for (const target of ['/to-proc', '/to-proc/sys', '/to-sys/kernel']) {
          for (const options of [['--tmpfs', target], ['-v', `${probes}:${target}`]])
            assert.notEqual((await cli.run(['run', '--rm', ...mode, ...options, image])).code, 0, options.join(' '))
        }
        await cli.ok('rmi', image)
      }) // prettier-ignore

      it('links in an image, and in a volume while they are swapped, keep mounts inside (CVE-2021-30465)', async () => {
        const volume = `${cli.prefix}-swap-${userns}`
        const swapper = `${cli.prefix}-swapper`
        const script = 'cd /v; mkdir -p real; ln -s /../../../../../../../../../../../../tmp link; while :; do mv real place; mv place real; mv link place; mv place link; done'
        await cli.ok('run', '-d', ...mode, '--name', swapper, '-v', `${volume}:/v`, cli.image, 'sh', '-c', script)
        const mark = `gantry-escaped-${cli.prefix}`
        await Promise.all(
          Array.from({ length: 6 }, async () => {
            await start(['-v', `${volume}:/v`, '--tmpfs', `/v/place/${mark}`, '-v', `${probes}:/v/place/${mark}-2`], ['true'])
          }),
        )
        await cli.ok('rm', '-f', swapper)
        await cli.run(['volume', 'rm', volume])
        assert.deepEqual((await fs.readdir('/tmp')).filter((one) => one.startsWith(mark)), [])
        assert.doesNotMatch(await fs.readFile('/proc/self/mountinfo', 'utf8'), new RegExp(mark))
      }) // prettier-ignore

      it('a /dev of one’s own opens no masked path (CVE-2025-31133, CVE-2025-52565)', { skip: newerThanRunc }, async () => {
        const dev = path.join(cli.dir, `dev-${userns}`)
        await fs.mkdir(dev)
        for (const name of ['null', 'console']) await fs.symlink('/proc/sys/kernel/core_pattern', path.join(dev, name))
        const before = await fs.readFile('/proc/sys/kernel/core_pattern', 'utf8')
        const script = 'stat -c "%F %t:%T" /proc/keys; (echo x > /proc/keys) 2>/dev/null; (echo x > /dev/console) 2>/dev/null; (echo x > /proc/sys/kernel/core_pattern) 2>/dev/null; true'
        for (const options of [[], ['-t']]) {
          const { stdout } = await start([...options, '-v', `${dev}:/dev`], ['sh', '-c', script])
          if (stdout !== '') assert.match(stdout, /^character special file 1:3/)
        }
        assert.equal(await fs.readFile('/proc/sys/kernel/core_pattern', 'utf8'), before)
        const masks = await sh('for f in keys timer_list interrupts; do stat -c %t:%T /proc/$f; done')
        assert.match(masks, /^(1:3\n?)+$/)
      }) // prettier-ignore

      it('no terminal but its own can be typed into', async () => {
        assert.match(await sh('(echo x > /dev/tty) 2>&1'), /No such device or address/)
        const { code, stdout } = await start(['-t', '-v', `${probes}:/probes:ro`], ['sh', '-c', '/probes/probe tiocsti; tty; ls /dev/pts'])
        assert.equal(code, 0)
        // its own at most, where the kernel still allows that
        assert.match(stdout, /^(x\^?)?tiocsti -?\d+\r\n\/dev\/pts\/0\r\n0\s+ptmx/m)
      }) // prettier-ignore

      it('the programs that run it cannot be overwritten (CVE-2019-5736)', { skip: !own }, async () => {
        const digest = async (): Promise<string> => createHash('sha256').update(await fs.readFile(shimPath())).digest('hex')
        const before = await digest()
        const name = `${cli.prefix}-exe`
        await cli.ok('run', '-d', '--init', ...mode, '--name', name, cli.image, 'sh', '-c', 'while :; do for p in /proc/[0-9]*; do (echo overwritten > $p/exe) 2>/dev/null; done; done')
        for (let n = 0; n < 5; n++) await cli.run(['exec', name, '/proc/self/exe', '/'])
        await cli.ok('exec', name, 'sh', '-c', '(echo overwritten > /sbin/docker-init) 2>/dev/null; rm -f /sbin/docker-init 2>/dev/null; true')
        await start([], ['/proc/self/exe', '/'])
        await cli.ok('rm', '-f', name)
        assert.equal(await digest(), before)
      }) // prettier-ignore
    })
  }
})
