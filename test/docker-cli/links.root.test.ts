import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { eventually, openCli, whyNot } from './harness.ts'
import type { Cli } from './harness.ts'

const isOwn = process.env.GANTRY_TEST_DOCKER_HOST === undefined

describe('docker run --link and other names', { skip: await whyNot() }, () => {
  let cli: Cli
  let db: string
  let web: string
  const name = (suffix: string): string => `${cli.prefix}-${suffix}`
  const sorted = (lines: string): string[] => lines.split('\n').sort()

  before(async () => {
    cli = await openCli()
    db = name('db')
    web = name('web')
    await cli.ok('run', '-d', '--name', db, '--expose', '5432', '--expose', '8000-8002', '--expose', '53/udp', '-e', 'SECRET=a b', '--hostname', 'dbhost', cli.image, 'sleep', '1000') // prettier-ignore
    await cli.ok('run', '-d', '--name', web, '--link', `${db}:my-db`, cli.image, 'sleep', '1000')
  })
  after(() => cli.close())

  const ipOf = (box: string): Promise<string> =>
    cli.ok('inspect', '-f', '{{.NetworkSettings.Networks.bridge.IPAddress}}', box)
  const hosts = async (): Promise<string[]> =>
    (await cli.ok('exec', web, 'cat', '/etc/hosts'))
      .split('\n')
      .filter((line) => line.includes('my-db'))
      .map((line) => line.replace(/\s+/g, ' '))

  it('puts addresses, ports and environment of the other into the environment', async () => {
    const ip = await ipOf(db)
    const env = (await cli.ok('exec', web, 'env')).split('\n').filter((line) => /^MY_DB/.test(line))
    const port = (number: number, protocol = 'tcp'): string[] => {
      const one = `MY_DB_PORT_${String(number)}_${protocol.toUpperCase()}`
      return [
        `${one}=${protocol}://${ip}:${String(number)}`,
        `${one}_ADDR=${ip}`,
        `${one}_PORT=${String(number)}`,
        `${one}_PROTO=${protocol}`,
      ]
    }
    assert.deepEqual(
      // dockerd 20.10 has no lines of their own for ports inside a range, and another order
      env.filter((line) => !/_800[12]_TCP|^MY_DB_PORT=/.test(line)).sort(),
      [
        ...port(5432),
        ...port(53, 'udp'),
        ...port(8000),
        `MY_DB_PORT_8000_TCP_START=tcp://${ip}:8000`,
        'MY_DB_PORT_8000_TCP_PORT_START=8000',
        `MY_DB_PORT_8000_TCP_END=tcp://${ip}:8002`,
        'MY_DB_PORT_8000_TCP_PORT_END=8002',
        `MY_DB_NAME=/${web}/my-db`,
        'MY_DB_ENV_SECRET=a b',
      ].sort(),
    )
  })

  it('names TCP ports before others', { skip: !isOwn && 'since 29' }, async () => {
    const env = await cli.ok('exec', web, 'env')
    assert.match(env, new RegExp(`^MY_DB_PORT=tcp://${await ipOf(db)}:5432$`, 'm'))
  })

  it('resolves by hosts file, also at the address that the other has after a restart', async () => {
    assert.deepEqual(await hosts(), [`${await ipOf(db)} my-db dbhost ${db}`])
    await cli.ok('stop', '-t', '0', db)
    await cli.ok('run', '-d', '--name', name('squatter'), cli.image, 'sleep', '1000')
    await cli.ok('start', db)
    const ip = await ipOf(db)
    await eventually(hosts, (lines) => lines.length === 1 && lines[0]?.startsWith(ip) === true)
    await cli.ok('rm', '-f', name('squatter'))
  })

  it('is listed as a further name, by which the other is found, also after renames', async () => {
    const names = async (): Promise<string[]> =>
      sorted((await cli.ok('ps', '--no-trunc', '--filter', `name=^/${db}$`, '--format', '{{.Names}}')).replaceAll(',', '\n')) // prettier-ignore
    assert.deepEqual(await names(), [db, `${web}/my-db`])
    assert.equal(await cli.ok('inspect', '-f', '{{.Name}}', `${web}/my-db`), `/${db}`)
    assert.equal(
      await cli.ok('inspect', '-f', '{{json .HostConfig.Links}}', web),
      `["/${db}:/${web}/my-db"]`,
    )
    await cli.ok('rename', web, `${web}2`)
    assert.deepEqual(await names(), [db, `${web}2/my-db`])
    await cli.ok('rename', `${web}2`, web)
    const other = `${db}2`
    await cli.ok('rename', db, other)
    assert.equal(
      await cli.ok('inspect', '-f', '{{json .HostConfig.Links}}', web),
      `["/${other}:/${web}/my-db"]`,
    )
    await cli.ok('restart', '-t', '0', web)
    assert.deepEqual(await hosts(), [`${await ipOf(other)} my-db dbhost ${other}`])
    await cli.ok('rename', other, db)
  })

  it('needs the other to run', async () => {
    await cli.ok('stop', '-t', '0', web, db)
    const refused = await cli.run(['start', web])
    assert.notEqual(refused.code, 0)
    assert.match(
      refused.stderr,
      new RegExp(`Cannot link to a non running container: /${db} AS /${web}/my-db`),
    )
    await cli.ok('start', db)
    await cli.ok('start', web)
    const unknown = await cli.run(['create', '--link', `${name('nobody')}:x`, cli.image])
    assert.match(unknown.stderr, /could not get container for \S+nobody/)
  })

  it('rm --link takes it away and leaves the other', async () => {
    await cli.ok('rm', '--link', `${web}/my-db`)
    assert.deepEqual(await eventually(hosts, (lines) => lines.length === 0), [])
    assert.equal(await cli.ok('inspect', '-f', '{{json .HostConfig.Links}}', web), 'null')
    assert.equal(await cli.ok('inspect', '-f', '{{.State.Status}}', db), 'running')
    const own = await cli.run(['rm', '--link', web])
    assert.match(own.stderr, /Conflict, cannot remove the default link name of the container/)
    const missing = await cli.run(['rm', '--link', `${web}/my-db`])
    assert.match(missing.stderr, /No such container: \S+\/my-db/)
  })

  it('on a network of their own, links and aliases are names', async () => {
    const network = name('net')
    await cli.ok('network', 'create', network)
    await cli.ok('run', '-d', '--name', name('n1'), '--network', network, '--network-alias', 'first', cli.image, 'sleep', '1000') // prettier-ignore
    await cli.ok('run', '-d', '--name', name('n2'), '--network', network, '--link', `${name('n1')}:friend`, cli.image, 'sleep', '1000') // prettier-ignore
    const ip = await cli.ok('inspect', '-f', `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`, name('n1')) // prettier-ignore
    for (const alias of ['friend', 'first', name('n1')])
      assert.match(
        await cli.ok('exec', name('n2'), 'nslookup', alias),
        new RegExp(ip.replaceAll('.', '\\.')),
      )
    assert.doesNotMatch(await cli.ok('exec', name('n2'), 'env'), /FRIEND/)
    await cli.ok('rename', name('n1'), name('n3'))
    assert.match(
      await cli.ok('exec', name('n2'), 'nslookup', name('n3')),
      new RegExp(ip.replaceAll('.', '\\.')),
    )
    assert.notEqual((await cli.run(['exec', name('n2'), 'nslookup', name('n1')])).code, 0)
    await cli.ok('rm', '-f', name('n3'), name('n2'))
    await cli.ok('network', 'rm', network)
  })

  it('a network that a container was taken off before its start stays off', async () => {
    const network = name('only-net')
    const box = name('moved')
    const networks = '{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}'
    await cli.ok('network', 'create', network)
    await cli.ok('create', '--name', box, cli.image, 'sleep', '1000')
    await cli.ok('network', 'connect', network, box)
    await cli.ok('network', 'disconnect', 'bridge', box)
    await cli.ok('start', box)
    assert.equal((await cli.ok('inspect', '-f', networks, box)).trim(), network)
    assert.equal(await cli.ok('exec', box, 'sh', '-c', 'ls -d /sys/class/net/eth*'), '/sys/class/net/eth0') // prettier-ignore
    await cli.ok('network', 'disconnect', network, box)
    await cli.ok('restart', '-t', '0', box)
    assert.equal(await cli.ok('inspect', '-f', networks, box), '')
    await cli.ok('network', 'connect', 'bridge', box)
    assert.equal((await cli.ok('inspect', '-f', networks, box)).trim(), 'bridge')
    await cli.ok('rm', '-f', box)
    // also one that is no more
    await cli.ok('create', '--name', box, '--network', network, cli.image, 'sleep', '1000')
    await cli.ok('network', 'disconnect', network, box)
    await cli.ok('network', 'rm', network)
    await cli.ok('start', box)
    await cli.ok('rm', '-f', box)
  })

  it('on a network of their own, who is linked to may come later', async () => {
    const network = name('late-net')
    const late = name('late')
    const early = name('early')
    await cli.ok('network', 'create', network)
    await cli.ok('run', '-d', '--name', early, '--network', network, '--link', `${late}:friend`, cli.image, 'sleep', '1000') // prettier-ignore
    assert.notEqual((await cli.run(['exec', early, 'nslookup', 'friend'])).code, 0)
    await cli.ok('run', '-d', '--name', late, '--network', network, cli.image, 'sleep', '1000')
    const ip = await cli.ok('inspect', '-f', `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`, late) // prettier-ignore
    const told = await cli.ok('exec', early, 'nslookup', 'friend')
    assert.match(told, new RegExp(ip.replaceAll('.', '\\.')))
    await cli.ok('network', 'connect', 'bridge', early)
    await cli.ok('rm', '-f', early, late)
    await cli.ok('network', 'rm', network)
  })
})
