import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { runOnce } from '../../../engine/networks/nft.ts'
import { fetchFrom, Host, ipOf, isClosed, netnsOf, run } from './harness.ts'
import { freePort } from '../../helpers/free-port.ts'

const port = (): string => String(freePort())

describe('LocalNetworks', () => {
  let host: Host

  before(async () => {
    host = await Host.open()
    await host.networks.sweep(new Set())
  })

  after(async () => {
    assert.deepEqual(await host.destroy(), [])
  })

  test('create() keeps what was asked and makes the bridge; remove() takes it away', async () => {
    const { Id } = await host.networks.create({
      Name: 'made',
      Labels: { tier: 'front' },
      Options: {
        'com.docker.network.driver.mtu': '1400',
        'com.docker.network.bridge.name': 'gmadetest0',
      },
      IPAM: {
        Config: [
          {
            Subnet: '10.253.9.0/24',
            IPRange: '10.253.9.128/25',
            Gateway: '10.253.9.5',
            AuxiliaryAddresses: { printer: '10.253.9.128' },
          },
        ],
      },
    })
    const network = await host.networks.inspect('made')
    assert.equal(network.Id, Id)
    assert.deepEqual(network.IPAM?.Config, [
      {
        Subnet: '10.253.9.0/24',
        IPRange: '10.253.9.128/25',
        Gateway: '10.253.9.5',
        AuxiliaryAddresses: { printer: '10.253.9.128' },
      },
    ])
    const bridge = await run(['ip', '-o', 'addr', 'show', 'dev', 'gmadetest0'])
    assert.match(bridge.stdout, /inet 10\.253\.9\.5\/24/)
    const one = await host.start('one', { mode: 'made' })
    assert.equal(ipOf(one, 'made'), '10.253.9.129', 'the first of the range that is free')
    const inside = await run([
      'nsenter',
      `--net=${netnsOf(one)}`,
      'ip',
      '-o',
      'link',
      'show',
      'eth0',
    ])
    assert.match(inside.stdout, /mtu 1400/)
    const containers = (await host.networks.inspect(Id.slice(0, 12))).Containers ?? {}
    assert.deepEqual(containers[one.id], {
      Name: 'one',
      EndpointID: one.sandbox().networks['made']?.EndpointID,
      MacAddress: '02:42:0a:fd:09:81',
      IPv4Address: '10.253.9.129/24',
      IPv6Address: '',
    })
    await assert.rejects(host.networks.create({ Name: 'made' }), {
      code: 'CONFLICT',
      message: 'network with name made already exists',
    })
    await assert.rejects(host.networks.remove('made'), {
      code: 'FORBIDDEN',
      message: /has active endpoints/,
    })
    await host.stop('one')
    await host.networks.remove('made')
    assert.notEqual((await run(['ip', 'link', 'show', 'gmadetest0'])).code, 0)
    await assert.rejects(host.networks.inspect('made'), {
      code: 'NOT_FOUND',
      message: 'network made not found',
    })
    await assert.rejects(host.networks.remove('bridge'), {
      code: 'FORBIDDEN',
      message: 'bridge is a pre-defined network and cannot be removed',
    })
  })

  test('networks without a subnet get free ones; ones that overlap are refused', async () => {
    await host.networks.create({ Name: 'auto1' })
    await host.networks.create({ Name: 'auto2' })
    const subnetOf = async (name: string): Promise<string> =>
      (await host.networks.inspect(name)).IPAM?.Config?.[0]?.Subnet ?? ''
    const first = await subnetOf('auto1')
    assert.notEqual(first, await subnetOf('auto2'))
    await assert.rejects(
      host.networks.create({ Name: 'auto3', IPAM: { Config: [{ Subnet: first }] } }),
      {
        code: 'FORBIDDEN',
        message: /Pool overlaps with other one on this address space/,
      },
    )
    assert.deepEqual((await host.networks.prune()).NetworksDeleted.sort(), ['auto1', 'auto2'])
  })

  test('list() filters as Docker does', async () => {
    await host.networks.create({
      Name: 'filtered',
      Labels: { a: 'b' },
      IPAM: { Config: [{ Subnet: '10.253.10.0/24' }] },
    })
    const names = async (filters: Record<string, string[]>): Promise<string[]> =>
      (await host.networks.list(filters)).map((network) => network.Name ?? '').sort()
    assert.deepEqual(await names({ type: ['builtin'] }), ['bridge', 'host', 'none'])
    assert.deepEqual(await names({ type: ['custom'] }), ['filtered'])
    assert.deepEqual(await names({ name: ['filt'] }), ['filtered'])
    assert.deepEqual(await names({ driver: ['null'] }), ['none'])
    assert.deepEqual(await names({ label: ['a=b'] }), ['filtered'])
    assert.deepEqual(await names({ dangling: ['true'] }), ['filtered'])
    assert.deepEqual(await names({ scope: ['swarm'] }), [])
    await assert.rejects(host.networks.list({ colour: ['red'] }), { code: 'INVALID_PARAMETER' })
    await host.networks.remove('filtered')
  })

  test('connect() and disconnect() plug a running container and move its ports and default route', async () => {
    const published = port()
    await host.networks.create({ Name: 'alpha', IPAM: { Config: [{ Subnet: '10.253.11.0/24' }] } })
    const web = await host.start('web', { portBindings: { '80/tcp': [{ HostPort: published }] } })
    const peer = await host.start('peer', { mode: 'alpha' })
    await host.serve(netnsOf(web), 'web')
    const url = `http://127.0.0.1:${published}`
    assert.ok(await isClosed(netnsOf(peer), `http://10.253.11.50`))

    const asked = { IPAMConfig: { IPv4Address: '10.253.11.50' }, Aliases: ['shop'] }
    await host.networks.connect('alpha', { Container: 'web', EndpointConfig: asked })
    assert.equal(
      await fetchFrom(netnsOf(peer), 'http://10.253.11.50'),
      `web to ${ipOf(peer, 'alpha')}`,
    )
    assert.deepEqual(Object.keys(web.sandbox().networks).sort(), ['alpha', 'bridge'])
    assert.deepEqual(web.sandbox().links['alpha']?.name, 'eth1')
    assert.deepEqual(web.container.request.networks, { alpha: asked, bridge: {} })
    assert.match(web.sandbox().hosts, /^10\.253\.11\.50\tweb-host$/m)
    assert.match(await fetchFrom(undefined, url), /^web/)
    const route = async (): Promise<string> =>
      (await run(['nsenter', `--net=${netnsOf(web)}`, 'ip', 'route', 'show', 'default'])).stdout
    assert.match(
      await route(),
      /via 10\.253\.11\.1 dev eth1/,
      'the first by name has the default route',
    )
    await assert.rejects(host.networks.connect('alpha', { Container: 'web' }), {
      code: 'FORBIDDEN',
      message: 'endpoint with name web already exists in network alpha',
    })

    await host.networks.disconnect('bridge', { Container: 'web' })
    assert.match(await fetchFrom(undefined, url), /^web/, 'the port stays')
    await host.networks.disconnect('alpha', { Container: web.id })
    assert.ok(await isClosed(undefined, url))
    assert.equal(await route(), '')
    assert.deepEqual(web.sandbox().networks, {})
    await assert.rejects(
      host.networks.disconnect('alpha', { Container: 'web' }),
      /is not connected to network alpha/,
    )
    await host.networks.connect('bridge', { Container: 'web' })
    assert.match(await fetchFrom(undefined, url), /^web/)

    const actions = host.events
      .filter((event) => event.attributes['container'] === web.id)
      .map((event) => [event.action, event.attributes['name']])
    assert.deepEqual(actions, [
      ['connect', 'bridge'],
      ['connect', 'alpha'],
      ['disconnect', 'bridge'],
      ['disconnect', 'alpha'],
      ['connect', 'bridge'],
    ])
    await host.stop('web')
    await host.networks.connect('alpha', { Container: 'web' })
    assert.ok('alpha' in web.container.request.networks, 'a stopped container only remembers it')
    await host.stop('peer')
    await host.networks.remove('alpha')
  })

  test('disconnect() by force ends what is left of a container that is no more, named in full only', async () => {
    const web = await host.start('web')
    const left = await host.start('left')
    host.containers.delete(left.id)
    for (const name of ['', left.id.slice(0, 4), web.id.slice(0, 4)]) {
      await assert.rejects(host.networks.disconnect('bridge', { Container: name, Force: true }), {
        code: 'NOT_FOUND',
      })
    }
    await host.networks.disconnect('bridge', { Container: 'left', Force: true })
    const { Containers } = await host.networks.inspect('bridge')
    assert.deepEqual(Object.keys(Containers ?? {}), [web.id])
    await host.stop('web')
  })

  test('disconnect() by force takes a running container off a network that is gone', async () => {
    const { Id } = await host.networks.create({
      Name: 'a-gone',
      IPAM: { Config: [{ Subnet: '10.253.18.0/24' }] },
    })
    const networks = { bridge: {}, 'a-gone': {} }
    const web = await host.start('web', { mode: 'bridge', networks })
    const route = async (): Promise<string> =>
      (await run(['nsenter', `--net=${netnsOf(web)}`, 'ip', 'route', 'show', 'default'])).stdout
    const links = async (): Promise<string> =>
      (await run(['nsenter', `--net=${netnsOf(web)}`, 'ip', '-o', 'link'])).stdout
    assert.match(await links(), / eth1@/)
    assert.match(await route(), / dev eth1/)
    await host.networks.close()
    fs.rmSync(path.join(host.instance.dataRoot, 'networks', `${Id}.json`))
    await host.reopen()
    await host.networks.sandboxes.adopt(web.id, web.container.request, web.sandbox())
    await host.networks.sweep(new Set([web.id]))

    const request = { Container: 'web' }
    await assert.rejects(host.networks.disconnect('a-gone', request), {
      code: 'NOT_FOUND',
      message: 'network a-gone not found',
    })
    await assert.rejects(host.networks.disconnect('never', { ...request, Force: true }), {
      code: 'FORBIDDEN',
      message: `container ${web.id} is not connected to the network never`,
    })
    await assert.rejects(host.networks.disconnect('a-gone', { Container: 'nobody', Force: true }), {
      code: 'NOT_FOUND',
      message: 'network a-gone not found',
    })
    await assert.rejects(host.networks.disconnect('a-gone', { Container: 'nobody' }), {
      code: 'NOT_FOUND',
      message: 'No such container: nobody',
    })
    await host.networks.disconnect('a-gone', { ...request, Force: true })
    assert.doesNotMatch(await links(), / eth1@/)
    assert.deepEqual(Object.keys(web.sandbox().networks), ['bridge'])
    assert.deepEqual(Object.keys(web.sandbox().links), ['bridge'])
    assert.deepEqual(web.container.request.networks, { bridge: {} })
    assert.match(await route(), / dev eth0/)
    await host.stop('web')
  })

  test('disconnect() takes a container that does not run off a network that is gone', async () => {
    const networks = { bridge: {}, gone: {} }
    const { container } = await host.start('web')
    await host.stop('web')
    container.request = { ...container.request, networks }
    await host.networks.disconnect('gone', { Container: 'web' })
    assert.deepEqual(container.request.networks, { bridge: {} })
  })

  test('what an endpoint cannot have is refused by name', async () => {
    await host.networks.create({ Name: 'strict', IPAM: { Config: [{ Subnet: '10.253.12.0/29' }] } })
    const refusals: [Parameters<Host['request']>[1], RegExp][] = [
      [
        { networks: { bridge: { IPAMConfig: { IPv4Address: '10.0.0.9' } } } },
        /user-specified IP address is supported on user-defined networks only/,
      ],
      [
        { networks: { bridge: { Aliases: ['x'] } } },
        /network-scoped aliases are only supported for user-defined networks$/,
      ],
      [
        { mode: 'strict', networks: { strict: { IPAMConfig: { IPv4Address: '10.9.9.9' } } } },
        /no configured subnet or ip-range contain/,
      ],
      [
        { mode: 'strict', networks: { strict: { IPAMConfig: { IPv6Address: '::1' } } } },
        /IPv6Address/,
      ],
      [{ mode: 'strict', networks: { strict: { DriverOpts: { colour: 'red' } } } }, /colour/],
      [
        { mode: 'strict', networks: { strict: { MacAddress: '03:00:00:00:00:01' } } },
        /invalid MAC address/,
      ],
      [{ mode: 'nowhere' }, /network nowhere not found/],
      [{ portBindings: { '80/sctp': [{}] } }, /sctp/],
      [{ portBindings: { '80/tcp': [{ HostIp: '::1', HostPort: '80' }] } }, /IPv6/],
      [{ portBindings: { '80000/tcp': [{}] } }, /invalid port/],
      [{ dns: ['nonsense'] }, /nonsense/],
      [{ extraHosts: ['nonsense'] }, /nonsense/],
      [{ links: ['ghost'] }, /ghost/],
    ]
    for (const [wishes, words] of refusals) {
      assert.throws(() => host.networks.sandboxes.check(host.request('x', wishes)), words)
    }
    for (let index = 0; index < 5; index++) await host.start(`full${index}`, { mode: 'strict' })
    await assert.rejects(host.start('full5', { mode: 'strict' }), /no available IPv4 addresses/)
    for (let index = 0; index < 5; index++) await host.stop(`full${index}`)
    await host.networks.remove('strict')
  })

  test('a killed engine is taken up again: addresses, ports and names stay, the leavings of the dead go', async () => {
    const published = port()
    await host.networks.create({ Name: 'kept', IPAM: { Config: [{ Subnet: '10.253.13.0/24' }] } })
    const web = await host.start('web', {
      mode: 'kept',
      portBindings: { '80/tcp': [{ HostPort: published }] },
    })
    const dead = await host.start('dead', { portBindings: { '80/tcp': [{ HostPort: port() }] } })
    await host.serve(netnsOf(web), 'web')
    const deadNetns = netnsOf(dead)
    const old = host.networks
    // what a kill takes from it: sockets; nothing of the kernel's
    await old.close()
    dead.container.running = false

    const engine = await host.reopen()
    assert.match(
      await fetchFrom(undefined, `http://127.0.0.1:${published}`),
      /^web/,
      'also before anything was adopted',
    )
    await engine.sandboxes.adopt(web.id, web.container.request, web.sandbox())
    await engine.sweep(new Set([web.id]))
    assert.match(await fetchFrom(undefined, `http://127.0.0.1:${published}`), /^web/)
    assert.equal(fs.existsSync(deadNetns), false)
    const links = (await run(['ip', '-o', 'link'])).stdout
    assert.ok(!links.includes(dead.sandbox().links['bridge']?.veth ?? '?'))
    assert.ok(links.includes(web.sandbox().links['kept']?.veth ?? '?'))

    const next = await host.start('next', { mode: 'kept' })
    assert.notEqual(ipOf(next, 'kept'), ipOf(web, 'kept'))
    await assert.rejects(
      host.start('thief', { portBindings: { '80/tcp': [{ HostPort: published }] } }),
      /port is already allocated/,
    )
    const { runNode } = await import('./harness.ts')
    const lookup = `const { Resolver } = require('node:dns').promises; const r = new Resolver(); r.setServers(['127.0.0.11'])
      r.resolve4('next').then((ips) => process.stdout.write(ips.join()))`
    assert.equal((await runNode(netnsOf(web), lookup)).stdout, ipOf(next, 'kept'))
    assert.deepEqual(
      Object.keys((await engine.inspect('kept')).Containers ?? {}).sort(),
      [next.id, web.id].sort(),
    )
    await host.stop('web')
    await host.stop('next')
    await host.networks.remove('kept')
  })

  test('a table that somebody flushed is made again', async () => {
    const published = port()
    await runOnce([`delete table inet ${host.instance.nftTable}`])
    const web = await host.start('web', { portBindings: { '80/tcp': [{ HostPort: published }] } })
    await host.serve(netnsOf(web), 'web')
    assert.match(await fetchFrom(undefined, `http://127.0.0.1:${published}`), /^web/)
    assert.match(host.warnings.join(), /is made again/)
    await host.stop('web')
  })

  test('stats() counts as the container sees it', async () => {
    const web = await host.start('web')
    await host.serve(netnsOf(web), 'web')
    await fetchFrom(undefined, `http://${ipOf(web)}`)
    const counted = async (): Promise<{ inside: string | undefined; told: string }> => {
      const { stdout } = await run(['nsenter', `--net=${netnsOf(web)}`, 'cat', '/proc/net/dev'])
      const stats = host.networks.sandboxes.stats(web.id)
      assert.ok((stats['eth0']?.tx_bytes ?? 0) > 0)
      return {
        inside: /eth0:\s*([0-9]+)/.exec(stdout)?.[1],
        told: String(stats['eth0']?.rx_bytes),
      }
    }
    // a packet may come between the two
    let both = await counted()
    for (let tries = 0; both.inside !== both.told && tries < 50; tries++) both = await counted()
    assert.equal(both.told, both.inside)
    await host.stop('web')
  })
})
