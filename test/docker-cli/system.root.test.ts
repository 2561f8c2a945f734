import assert from 'node:assert/strict'
import fs from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { hasRegistry, LocalRegistry } from '../helpers/local-registry.ts'
import { soFar } from '../helpers/so-far.ts'
import { openCli, whyNot } from './harness.ts'
import type { Cli } from './harness.ts'

describe('docker info, version, events, login and prune', { skip: await whyNot() }, () => {
  let cli: Cli
  const name = (suffix: string): string => `${cli.prefix}-${suffix}`

  before(async () => {
    cli = await openCli()
  })
  after(() => cli.close())

  it('tells what happens to each object, in order and with the attributes that clients read', async () => {
    const image = await cli.ok('images', '-q', '--no-trunc', cli.image)
    const began = (Date.now() / 1000).toFixed(3)
    await acts()
    const format = '{{.Type}}\t{{.Action}}\t{{.Actor.ID}}\t{{json .Actor.Attributes}}'
    const until = String(soFar())
    const told = await cli.ok('events', '--since', began, '--until', until, '--format', format)
    const events = told
      .split('\n')
      .filter((line) => line.includes(cli.prefix) || line.includes(image))
      .map((line) => {
        const [type = '', action = '', id = '', json = '{}'] = line.split('\t')
        return {
          type,
          action: action.replace(/:.*/s, ''),
          id,
          attributes: JSON.parse(json) as Record<string, string>,
        }
      })
    const actions = (type: string): string[] =>
      events.filter((event) => event.type === type).map(({ action }) => action)
    // since 25 dockerd may tell of a stop before the end that it led to
    const ofContainer = actions('container')
    if (!cli.own) {
      for (const [index, action] of ofContainer.entries())
        if (action === 'stop' && ofContainer[index + 1] === 'die')
          ofContainer.splice(index, 2, 'die', 'stop')
    }
    assert.deepEqual(ofContainer, [
      'create',
      'start',
      'exec_create',
      'exec_start',
      'exec_die',
      'top',
      'pause',
      'unpause',
      'rename',
      'update',
      'kill',
      // the stop signal, and the one that follows when no time was given
      'kill',
      'kill',
      'die',
      'stop',
      'start',
      'restart',
      'kill',
      'kill',
      'die',
      'stop',
      'destroy',
      'create',
      'attach',
      'start',
      'die',
      'destroy',
    ])
    assert.deepEqual(actions('network'), [
      'create',
      'connect',
      'disconnect',
      'connect',
      'disconnect',
      'destroy',
    ])
    // dockerd 20.10 tells of a creation again when a container names the volume
    const ofVolume = actions('volume').filter((action, index, all) => action !== all[index - 1])
    assert.deepEqual(ofVolume, ['create', 'mount', 'unmount', 'mount', 'unmount', 'destroy'])
    assert.deepEqual(actions('image'), ['tag', 'untag'])

    const first = (type: string, action: string): Record<string, string> => {
      const event = events.find((one) => one.type === type && one.action === action)
      return event?.attributes ?? {}
    }
    const { gantry: _own, ...die } = first('container', 'die')
    assert.equal(die.exitCode, '137')
    assert.equal(die.image, cli.image)
    assert.match(first('container', 'exec_die').execID ?? '', /^[0-9a-f]{64}$/)
    assert.equal(first('container', 'rename').oldName, `/${name('before')}`)
    assert.equal(first('container', 'kill').signal, '10')
    const container = events.find(({ action }) => action === 'start')?.id
    assert.equal(first('network', 'connect').container, container)
    assert.equal(first('network', 'connect').type, 'bridge')
    const {
      container: user,
      destination,
      driver,
      'read/write': writable,
    } = first('volume', 'mount')
    assert.deepEqual([user, destination, driver, writable], [container, '/data', 'local', 'false'])
    assert.deepEqual(
      Object.keys(first('volume', 'unmount'))
        .filter((key) => !key.startsWith('gantry'))
        .sort(),
      ['container', 'driver'],
    )
  })

  async function acts(): Promise<void> {
    const before = name('before')
    const named = name('after')
    await cli.ok('volume', 'create', name('v'))
    await cli.ok('network', 'create', name('n'))
    await cli.ok(
      'run',
      '-d',
      '--name',
      before,
      '-v',
      `${name('v')}:/data:ro`,
      '--network',
      name('n'),
      cli.image,
      'sleep',
      '1000',
    )
    await cli.ok('exec', before, 'true')
    await cli.ok('top', before)
    await cli.ok('pause', before)
    await cli.ok('unpause', before)
    await cli.ok('rename', before, named)
    await cli.ok('update', '--cpu-shares', '512', named)
    await cli.ok('kill', '-s', 'USR1', named)
    await cli.ok('restart', '-t', '0', named)
    await cli.ok('stop', '-t', '0', named)
    await cli.ok('rm', named)
    await cli.ok('network', 'rm', name('n'))
    await cli.ok('volume', 'rm', name('v'))
    await cli.ok('tag', cli.image, `${cli.prefix}/tagged:1`)
    await cli.ok('rmi', `${cli.prefix}/tagged:1`)
    await cli.run(['run', '--rm', '--name', name('short'), cli.image, 'true'])
  }

  it('filters events by what each of them is about', async () => {
    const began = (Date.now() / 1000).toFixed(3)
    const id = await cli.ok('create', '--name', name('told'), '--label', 'colour=red', cli.image)
    await cli.ok('volume', 'create', name('kept'))
    const count = async (...filters: string[]): Promise<number> => {
      const until = String(Math.ceil(Date.now() / 1000) + 1)
      const args = filters.flatMap((filter) => ['--filter', filter])
      const told = await cli.ok('events', '--since', began, '--until', until, ...args)
      return told.split('\n').filter((line) => line.includes(cli.prefix)).length
    }
    const counts = await Promise.all([
      count(`container=${id}`),
      count(`container=${name('told')}`, 'event=create'),
      count(`container=${name('told')}`, 'event=start'),
      count(`image=${cli.image}`, 'type=container'),
      count('label=colour=red', `container=${id}`),
      count('label=colour=blue', `container=${id}`),
      count(`volume=${name('kept')}`),
      count('type=volume', 'scope=local', `volume=${name('kept')}`),
      count('scope=swarm'),
      count(
        'type=node',
        'type=service',
        'type=secret',
        'type=config',
        'type=plugin',
        'type=daemon',
      ),
    ])
    assert.deepEqual(counts, [1, 1, 0, 1, 1, 0, 1, 1, 0, 0])
  })

  it('prints info and version without a gap', async () => {
    const { code, stdout, stderr } = await cli.run(['info'])
    assert.equal(code, 0)
    assert.match(stdout, /Server Version: \S+/)
    assert.match(stdout, /Storage Driver: overlay2\n\s+Backing Filesystem: \w+/)
    assert.match(stdout, /Cgroup Version: [12]/)
    assert.match(stdout, /Docker Root Dir: \//)
    assert.ok(!`${stdout}${stderr}`.includes('<no value>'))
    const { stdout: version } = await cli.run(['version'])
    assert.match(version, /Server:[^]*API version:\s+\d\.\d+ \(minimum version \d\.\d+\)/)
    assert.equal(await cli.ok('version', '-f', '{{.Server.Os}}'), 'linux')
  })

  it(
    'logs in to a registry that keeps a password file, and not with a wrong one',
    { skip: !hasRegistry },
    async () => {
      const htpasswd = path.join(cli.dir, 'htpasswd')
      // bcrypt of `right-horse`
      await fs.writeFile(
        htpasswd,
        'rider:$2y$05$abcdefghijklmnopqrstuukAGqk1114ICnhl6dLOh9a3Ti/e0h/ma\n',
      )
      const registry = await LocalRegistry.start(cli.dir, { htpasswd })
      try {
        const login = (password: string): ReturnType<Cli['run']> =>
          cli.run(['login', '-u', 'rider', '--password-stdin', registry.host], { input: password })
        const refused = await login('wrong')
        assert.equal(refused.code, 1)
        assert.match(refused.stderr, /401 Unauthorized|unauthorized/)
        const { code, stdout, stderr } = await login('right-horse')
        assert.equal(code, 0, stderr)
        assert.match(stdout, /Login Succeeded/)
        const pull = await cli.run(['pull', `${registry.host}/none:1`])
        assert.match(pull.stderr, /manifest unknown|not found/)
        await cli.ok('logout', registry.host)
        const anonymous = await cli.run(['pull', `${registry.host}/none:1`])
        assert.match(anonymous.stderr, /no basic auth credentials|unauthorized/)
      } finally {
        await registry.close()
      }
    },
  )

  it('says of a name that nothing has it, and that there are no plugins', async () => {
    const { code, stderr } = await cli.run(['inspect', `${cli.prefix}-nothing`])
    assert.equal(code, 1)
    assert.match(stderr, /no such object: .*-nothing/i)
    assert.equal(await cli.ok('plugin', 'ls', '--quiet'), '')
  })

  it('prunes everything', { skip: process.env.GANTRY_TEST_DOCKER_HOST !== undefined }, async () => {
    await cli.ok('create', '--name', name('stopped'), '-v', '/anonymous', cli.image)
    await cli.ok('run', '-d', '--name', name('runs'), cli.image, 'sleep', '1000')
    await cli.ok('network', 'create', name('lonely'))
    await cli.ok('volume', 'create', name('kept'))
    await cli.ok('import', path.join(cli.dir, 'busybox.tar'), `${cli.prefix}/unused:1`)
    const { code, stdout, stderr } = await cli.run(['system', 'prune', '-a', '--volumes', '-f'])
    assert.equal(code, 0, stderr)
    assert.match(stdout, /Total reclaimed space: /)
    assert.equal(await cli.ok('ps', '-aq', '--filter', `name=${name('stopped')}`), '')
    assert.notEqual(await cli.ok('ps', '-q', '--filter', `name=${name('runs')}`), '')
    assert.ok(!(await cli.ok('network', 'ls', '--format', '{{.Name}}')).includes(name('lonely')))
    assert.equal(await cli.ok('images', '-q', `${cli.prefix}/unused`), '')
    // a volume with a name is never pruned but by `volume prune -a`
    assert.equal(
      await cli.ok('volume', 'ls', '-q', '--filter', `name=${name('kept')}`),
      name('kept'),
    )
    await cli.ok('volume', 'prune', '-a', '-f')
    assert.equal(await cli.ok('volume', 'ls', '-q', '--filter', `name=${name('kept')}`), '')
    assert.match(await cli.ok('builder', 'prune', '-f'), /^Total.*\s0B$/)
    await cli.ok('system', 'df', '-v')
  })
})
