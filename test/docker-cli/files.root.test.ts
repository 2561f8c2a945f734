import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { getxattrAt, setxattrAt } from '../../engine/native/xattr.ts'
import { soFar } from '../helpers/so-far.ts'
import { eventually, openCli, whyNot } from './harness.ts'
import type { Cli } from './harness.ts'

describe('files of containers', { skip: await whyNot() }, () => {
  let cli: Cli
  const name = (suffix: string): string => `${cli.prefix}-${suffix}`
  const local = (file: string): string => path.join(cli.dir, file)
  const inside = async (container: string, script: string): Promise<string> =>
    cli.ok('exec', name(container), 'sh', '-c', script)

  before(async () => {
    cli = await openCli()
    fs.writeFileSync(local('new'), 'new\n')
    await run(
      'base',
      'mkdir -p /d1/sub /d2 /d3 /m; for f in d1/a d1/sub/b d2/a d3/f m/x m/y; do echo 1 >/$f; done',
    )
    await cli.ok('commit', name('base'), name('base-image'))
  })
  after(() => cli.close())

  /** A container that runs the script and then waits. */
  async function run(suffix: string, script: string, ...options: string[]): Promise<void> {
    const command = ['sh', '-c', `${script}; echo ready; exec sleep 1000`]
    await cli.ok('run', '-d', '--name', name(suffix), ...options, cli.image, ...command)
    await eventually(
      () => cli.ok('logs', name(suffix)),
      (log) => log.includes('ready'),
    )
  }

  describe('docker cp', () => {
    const TREE = `mkdir -p /t/sub/empty; echo one >/t/one; ln /t/one /t/two; ln -s sub/x /t/link
      mkfifo /t/pipe; echo x >/t/sub/x; chown 12:34 /t/sub/x; chmod 4750 /t/sub/x; touch -d '2001-02-03 04:05:06' /t/sub/x
      echo 'strange name' >"/t/sub/$(printf 'a b\\nc')"`

    it('brings a tree out with modes, times, links and special files', async () => {
      await run('out', TREE)
      await cli.ok('cp', '-a', `${name('out')}:/t`, local('tree'))
      const at = (file: string): fs.Stats => fs.lstatSync(local(`tree/${file}`))
      assert.equal(fs.readFileSync(local('tree/one'), 'utf8'), 'one\n')
      assert.equal(at('two').ino, at('one').ino)
      assert.equal(fs.readlinkSync(local('tree/link')), 'sub/x')
      assert.ok(at('pipe').isFIFO())
      assert.ok(at('sub/empty').isDirectory())
      assert.equal(at('sub/x').mode & 0o7777, 0o4750)
      assert.equal(at('sub/x').mtime.toISOString().slice(0, 4), '2001')
      assert.ok(fs.readdirSync(local('tree/sub')).some((file) => file.includes('a b\nc')))
    })

    it('streams an archive to standard output and takes one from standard input', async () => {
      const tar = execDocker(cli, ['cp', `${name('out')}:/t/sub`, '-'])
      const listed = list(tar, ['--numeric-owner', '-v'])
      assert.match(listed, /^drwxr-xr-x 0\/0 .* sub\/$/m)
      assert.match(listed, /^-rwsr-x--- 12\/34 +2 .* sub\/x$/m)
      await inside('out', 'mkdir /in')
      execDocker(cli, ['cp', '-', `${name('out')}:/in`], tar)
      assert.equal(await inside('out', "stat -c '%a %u:%g' /in/sub/x"), '4750 12:34')
    })

    it('follows a link with -L, and copies the link itself without', async () => {
      const listed = list(execDocker(cli, ['cp', `${name('out')}:/t/link`, '-']), ['-v'])
      assert.match(listed, /link -> sub\/x/)
      await cli.ok('cp', '-L', `${name('out')}:/t/link`, local('followed'))
      assert.equal(fs.readFileSync(local('followed'), 'utf8'), 'x\n')
    })

    it('puts a file, a tree and the contents of a tree where cp -a would', async () => {
      fs.mkdirSync(local('d/sub'), { recursive: true })
      fs.writeFileSync(local('d/sub/f'), 'f\n')
      fs.symlinkSync('/etc/passwd', local('d/abs'))
      fs.writeFileSync(local('owned'), 'mine\n', { mode: 0o640 })
      fs.chownSync(local('owned'), 1234, 55)
      await cli.ok('cp', local('owned'), `${name('out')}:/t/owned`)
      await cli.ok('cp', local('d'), `${name('out')}:/t/`)
      await cli.ok('cp', `${local('d')}/.`, `${name('out')}:/t/sub`)
      await cli.ok('cp', local('new'), `${name('out')}:/t/link`)
      assert.equal(await inside('out', "stat -c '%a %u:%g' /t/owned"), '640 1234:55')
      assert.equal(await inside('out', 'cat /t/d/sub/f /t/sub/sub/f; readlink /t/d/abs'), 'f\nf\n/etc/passwd')
      // through the link, as cp would
      assert.equal(await inside('out', 'readlink /t/link; cat /t/sub/x'), 'sub/x\nnew')
    }) // prettier-ignore

    it('gives files to the container’s user with -a', async () => {
      await run('user', 'true', '-u', '1000:2000')
      await cli.ok('cp', local('new'), `${name('user')}:/tmp/theirs`)
      // dockerd 20.10 looks them up in the host's passwd, where they are not
      if (cli.own) {
        await cli.ok('cp', '-a', local('new'), `${name('user')}:/tmp/mine`)
        assert.equal(await inside('user', "stat -c '%u:%g' /tmp/mine"), '1000:2000')
      }
      assert.equal(await inside('user', "stat -c '%u:%g' /tmp/theirs"), '0:0')
    })

    it('reaches a container that is created, paused, stopped, and its volumes with it', async () => {
      const volume = name('vol')
      const bind = local('bound')
      fs.mkdirSync(bind)
      const mounts = ['-v', `${volume}:/vol`, '-v', `${bind}:/bound`]
      const script = 'cat /tmp/new /vol/new /bound/new; exec sleep 1000'
      await cli.ok('create', '--name', name('states'), ...mounts, cli.image, 'sh', '-c', script)
      const targets = ['/tmp', '/vol', '/bound']
      const put = async (content: string): Promise<void> => {
        fs.writeFileSync(local('content'), content)
        for (const target of targets)
          await cli.ok('cp', local('content'), `${name('states')}:${target}/new`)
      }
      const get = async (content: string): Promise<void> => {
        for (const target of targets) {
          await cli.ok('cp', `${name('states')}:${target}/new`, local('back'))
          assert.equal(fs.readFileSync(local('back'), 'utf8'), content, target)
        }
        assert.equal(fs.readFileSync(path.join(bind, 'new'), 'utf8'), content)
      }
      await put('created\n')
      await get('created\n')
      await cli.ok('start', name('states'))
      await eventually(
        () => cli.ok('logs', name('states')),
        (log) => log === 'created\ncreated\ncreated',
      )
      await cli.ok('pause', name('states'))
      await put('paused\n')
      await get('paused\n')
      await cli.ok('unpause', name('states'))
      assert.equal(await inside('states', 'cat /tmp/new /vol/new'), 'paused\npaused')
      await cli.ok('stop', '-t', '0', name('states'))
      await put('stopped\n')
      await get('stopped\n')
      await cli.ok('start', name('states'))
      assert.equal(await inside('states', 'cat /tmp/new /vol/new'), 'stopped\nstopped')
    })

    it('finds the working directory of a container that was never started', async () => {
      fs.writeFileSync(local('early'), 'early\n')
      await cli.ok('create', '--name', name('workdir'), '-w', '/made/for/work', cli.image, 'cat', 'early') // prettier-ignore
      await cli.ok('cp', local('early'), `${name('workdir')}:/made/for/work`)
      assert.equal(await cli.ok('start', '-a', name('workdir')), 'early')
    })

    it('refuses a read-only root and a read-only volume, but not a writable one', async () => {
      const volume = name('rovol')
      const options = ['--read-only', '-v', `${volume}:/vol`, '-v', `${volume}:/ro:ro`]
      await run('ro', 'true', ...options)
      for (const state of ['running', 'stopped']) {
        if (state === 'stopped') await cli.ok('stop', '-t', '0', name('ro'))
        const root = await cli.run(['cp', local('new'), `${name('ro')}:/tmp/`])
        assert.match(root.stderr, /container rootfs is marked read-only/, state)
        const readOnly = await cli.run(['cp', local('new'), `${name('ro')}:/ro/`])
        assert.match(readOnly.stderr, /mounted volume is marked read-only/, state)
        await cli.ok('cp', local('new'), `${name('ro')}:/vol/${state}`)
        await cli.ok('cp', `${name('ro')}:/ro/${state}`, local('back'))
        assert.equal(fs.readFileSync(local('back'), 'utf8'), 'new\n')
      }
    })

    it('says in Docker’s words what is not there or cannot be replaced', async () => {
      await run('words', 'mkdir -p /d/f; echo >/f')
      const cp = async (...args: string[]): Promise<string> => {
        const { code, stderr } = await cli.run(['cp', ...args])
        assert.notEqual(code, 0, args.join(' '))
        return stderr
      }
      const container = name('words')
      const missing = `Could not find the file /nope in container ${container}`
      assert.match(await cp(`${container}:/nope`, local('back')), new RegExp(missing))
      assert.match(await cp(local('new'), `${container}:/nope/new`), new RegExp(missing))
      assert.match(await cp(`${container}:/proc/meminfo`, local('back')), /Could not find the file/)
      fs.mkdirSync(local('over/f'), { recursive: true })
      assert.match(
        await cp(`${local('over')}/.`, `${container}:/`),
        /cannot overwrite non-directory "\/f" with directory "\/"/,
      )
      // it is bound into the container
      assert.match(
        await cp(local('new'), `${container}:/etc/hosts`),
        /unlinkat \/etc\/hosts: device or resource busy/,
      )
      assert.match(await inside('words', 'cat /etc/hosts'), /localhost/)
    })

    it('sees and fills what only the running container has: a tmpfs', async () => {
      await run('tmpfs', 'echo t >/scratch/t', '--tmpfs', '/scratch')
      if (!cli.own) return // dockerd cannot
      await cli.ok('cp', `${name('tmpfs')}:/scratch/t`, local('back'))
      assert.equal(fs.readFileSync(local('back'), 'utf8'), 't\n')
      await cli.ok('cp', local('new'), `${name('tmpfs')}:/scratch/new`)
      assert.equal(await inside('tmpfs', 'cat /scratch/new'), 'new')
    })

    it('carries capabilities of files and long names, also into images', async () => {
      const from = local('caps')
      const file = path.join('n'.repeat(200), 'tool')
      fs.mkdirSync(path.join(from, path.dirname(file)), { recursive: true })
      fs.writeFileSync(path.join(from, file), 'tool')
      withDescriptor(path.join(from, file), (fd) => {
        setxattrAt(fd, '', 'security.capability', NET_RAW)
      })
      await cli.ok('cp', from, `${name('out')}:/caps`)
      await cli.ok('commit', name('out'), name('capable'))
      await cli.ok('create', '--name', name('capable'), name('capable'))
      for (const container of ['out', 'capable']) {
        await cli.ok('cp', `${name(container)}:/caps`, local(`caps-${container}`))
        const back = path.join(local(`caps-${container}`), file)
        const capability = withDescriptor(back, (fd) => getxattrAt(fd, '', 'security.capability'))
        assert.deepEqual(capability, NET_RAW, container)
      }
    })
  })

  it('docker diff tells what is added, changed and deleted', async () => {
    const script = `rm -rf /d1; mkdir /d1; echo n >/d1/n; rm -rf /d2; echo file >/d2; rm /d3/f; mkdir /d3/f; echo z >/d3/f/z
      chmod 600 /m/x; echo z >/m/z; cat /m/y >/dev/null; chown 5 /m/y; chown 0 /m/y; rm /bin/ash; touch /etc`
    const command = ['sh', '-c', `${script}; echo ready; exec sleep 1000`]
    await cli.ok('run', '-d', '--name', name('diff'), '-v', `${name('dv')}:/data`, name('base-image'), ...command)
    await eventually(
      () => cli.ok('logs', name('diff')),
      (log) => log.includes('ready'),
    )
    const expected = [
      'A /d1/n', 'A /d3/f/z', 'A /data', 'A /m/z', 'C /bin', 'C /d1', 'C /d2', 'C /d3', 'C /d3/f', 'C /m', 'C /m/x',
      'D /bin/ash', 'D /d1/a', 'D /d1/sub',
    ]
    const changes = async (): Promise<string[]> =>
      (await cli.ok('diff', name('diff'))).split('\n').sort()
    assert.deepEqual(await changes(), expected)
    await cli.ok('stop', '-t', '0', name('diff'))
    assert.deepEqual(await changes(), expected)
    await cli.ok('create', '--name', name('untouched'), cli.image)
    assert.equal(await cli.ok('diff', name('untouched')), '')
  }) // prettier-ignore

  it('docker export gives the root without what is mounted, running and stopped', async () => {
    await run('export', 'echo v >/vol/v; echo r >/r; ln /r /r2; rm /bin/ash', '-v', `${name('ev')}:/vol`, '--tmpfs', '/scratch')
    const check = (): void => {
      const listed = list(execDocker(cli, ['export', name('export')]), ['--numeric-owner', '-v'])
      assert.match(listed, /^-rw-r--r-- 0\/0 +2 .* r$/m)
      assert.match(listed, /^hrw-r--r-- 0\/0 .* r2 link to r$/m)
      assert.match(listed, /^drwxr-xr-x 0\/0 .* vol\/$/m)
      assert.match(listed, /^drwxrwxrwt 0\/0 .* tmp\/$/m)
      assert.match(listed, / proc\/$/m)
      assert.doesNotMatch(listed, / (vol\/v|bin\/ash|proc\/.+|\.\/?)$/m)
    }
    check()
    await cli.ok('stop', '-t', '0', name('export'))
    check()
  }) // prettier-ignore

  describe('docker commit', () => {
    const events = async (since: string): Promise<string[]> => {
      const format = '{{.Type}} {{.Action}}'
      const until = String(soFar())
      const args = ['events', '--since', since, '--until', until, '--format', format]
      const filters = ['container', 'image'].flatMap((type) => ['--filter', `type=${type}`])
      return (await cli.ok(...args, ...filters)).split('\n')
    }

    it('makes an image that runs, with its history, config and events', async () => {
      await run('commit', 'echo layer >/layer; rm /bin/ash; mkdir -p /var/new; echo v >/vol/v', '-v', `${name('cv')}:/vol`, '-e', 'OWN=1')
      const since = String(Date.now() / 1000)
      const id = await cli.ok(
        'commit', '-a', 'me <me@example.org>', '-m', 'the message', '-c', 'ENV ADDED=yes', '-c', 'CMD ["sh","-c","cat /layer; echo $OWN$ADDED; ls /vol; ls /bin/ash"]',
        name('commit'), name('committed:v1'),
      )
      const { stdout, code } = await cli.run(['run', '--rm', name('committed:v1')])
      assert.equal(stdout, 'layer\n1yes\n')
      assert.notEqual(code, 0)
      const image = JSON.parse(await cli.ok('inspect', name('committed:v1')))[0]
      assert.equal(image.Id, id)
      assert.equal(image.Author, 'me <me@example.org>')
      assert.equal(image.Comment, 'the message')
      assert.deepEqual(image.Config.Env.sort(), ['ADDED=yes', 'OWN=1', 'PATH=/bin'])
      assert.equal(image.RootFS.Layers.length, 2)
      const history = await cli.ok('history', '--no-trunc', '--format', '{{.CreatedBy}}|{{.Comment}}|{{.Size}}', name('committed:v1'))
      assert.match(history.split('\n')[0] ?? '', /^sh -c echo layer .*\|the message\|\d+B$/)
      const told = await events(since)
      assert.deepEqual(
        // dockerd tells of the image's creation since 27
        told.filter((line) => /pause|commit|tag/.test(line) || (cli.own && line === 'image create')),
        // ours goes on as soon as its files have been read
        cli.own
          ? ['container pause', 'container unpause', 'image create', 'image tag', 'container commit']
          : ['container pause', 'image tag', 'container commit', 'container unpause'],
      )
      assert.equal(await cli.ok('inspect', '-f', '{{.State.Status}}', name('commit')), 'running')
      assert.equal(await inside('commit', 'cat /layer'), 'layer')
    }) // prettier-ignore

    it('keeps directories that hide what was below, and stacks on itself', async () => {
      await cli.ok('run', '--name', name('hide'), name('base-image'), 'sh', '-c', 'rm -rf /d1; mkdir /d1; echo n >/d1/n; rm -rf /d3')
      await cli.ok('commit', name('hide'), name('hidden'))
      const look = 'ls -d /d1 /d1/* /d3 /m/x 2>/dev/null; touch /again'
      assert.equal(
        await cli.ok('run', '--name', name('look'), name('hidden'), 'sh', '-c', look),
        '/d1\n/d1/n\n/m/x',
      )
      await cli.ok('commit', name('look'), name('again'))
      assert.equal(
        await cli.ok('run', '--rm', name('again'), 'sh', '-c', 'ls /d1 /again'),
        '/again\n\n/d1:\nn',
      )
    }) // prettier-ignore

    it('takes a container that nothing was written to, and one that does not run', async () => {
      await cli.ok('create', '--name', name('idle'), cli.image)
      await cli.ok('commit', '-c', 'LABEL idle=1', '-c', 'ENV PATH=/new:$PATH', name('idle'), name('idle-image'))
      assert.equal(await cli.ok('inspect', '-f', '{{.Config.Env}}', name('idle-image')), '[PATH=/new:/bin]')
      const sizes = await cli.ok('history', '--format', '{{.Size}}', name('idle-image'))
      assert.equal(sizes.split('\n')[0], '0B')
      assert.equal(await cli.ok('run', '--rm', name('idle-image'), 'echo', 'runs'), 'runs')
    }) // prettier-ignore

    it('refuses what is no name and no instruction', async () => {
      const upper = await cli.run(['commit', name('idle'), 'UPPER'])
      assert.match(upper.stderr, /repository name .*must be lowercase/)
      const change = await cli.run(['commit', '-c', 'RUN x', name('idle')])
      assert.match(change.stderr, /run is not a valid change command/i)
    })
  })
})

/** cap_net_raw+ep. @see capabilities(7), "File capability extended attribute versioning" */
const NET_RAW = Buffer.from('0100000200200000000000000000000000000000', 'hex')

function withDescriptor<T>(file: string, act: (fd: number) => T): T {
  const fd = fs.openSync(file, 'r')
  try {
    return act(fd)
  } finally {
    fs.closeSync(fd)
  }
}

/** Runs docker with bytes in and out. */
function execDocker(cli: Cli, args: string[], input?: Buffer): Buffer {
  return execFileSync('docker', args, {
    env: { ...process.env, DOCKER_HOST: cli.host },
    maxBuffer: 64 << 20,
    ...(input === undefined ? {} : { input }),
  })
}

function list(tar: Buffer, options: string[]): string {
  return execFileSync('tar', ['-t', ...options, '-f', '-'], { input: tar, encoding: 'utf8' })
}
