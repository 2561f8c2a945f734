import assert from 'node:assert/strict'
import net from 'node:net'
import { after, before, describe, test } from 'node:test'
import { runOnce } from '../../../engine/networks/nft.ts'
import { askUdp, fetchFrom, Host, ipOf, isClosed, netnsOf, run, runNode } from './harness.ts'
import { freePort } from '../../helpers/free-port.ts'

const port = (): string => String(freePort())

describe('LocalNetworks: who reaches whom', () => {
  let host: Host
  let outside: Awaited<ReturnType<Host['outside']>>

  before(async () => {
    host = await Host.open()
    await host.networks.sweep(new Set())
    outside = await host.outside()
    await host.serve(outside.netnsPath, 'outside')
  })

  after(async () => {
    assert.deepEqual(await host.destroy(), [], 'nothing is left on the host')
    assert.deepEqual(host.warnings, [])
  })

  test('a published port answers from outside, the host, 127.0.0.1, a neighbour and the container itself', async () => {
    const published = port()
    const web = await host.start('web', {
      exposedPorts: { '80/tcp': {}, '81/tcp': {} },
      portBindings: { '80/tcp': [{ HostPort: published }] },
    })
    const other = await host.start('other')
    await host.serve(netnsOf(web), 'web')
    assert.deepEqual(web.sandbox().ports, {
      '80/tcp': [{ HostIp: '0.0.0.0', HostPort: published }],
      '81/tcp': null,
    })
    const gateway = web.sandbox().networks['bridge']?.Gateway ?? ''
    const at = (ip: string): string => `http://${ip}:${published}`
    assert.equal(await fetchFrom(outside.netnsPath, at(outside.hostIp)), `web to ${outside.ip}`)
    assert.match(await fetchFrom(undefined, at(outside.hostIp)), /^web to /)
    assert.equal(await fetchFrom(undefined, at('127.0.0.1')), `web to ${gateway}`)
    assert.match(await fetchFrom(netnsOf(other), at(gateway)), /^web to /)
    assert.match(await fetchFrom(netnsOf(web), at(gateway)), /^web to /, 'hairpin')
    assert.match(
      await fetchFrom(netnsOf(web), at(outside.hostIp)),
      /^web to /,
      'hairpin by an outer address',
    )
    assert.equal(await fetchFrom(netnsOf(other), `http://${ipOf(web)}`), `web to ${ipOf(other)}`)
    assert.equal(await fetchFrom(undefined, `http://${ipOf(web)}`), `web to ${gateway}`)
    assert.ok(
      await isClosed(outside.netnsPath, `http://${ipOf(web)}`),
      'its own address is not reached from outside, published port or not',
    )
    assert.equal(
      await fetchFrom(netnsOf(web), `http://${outside.ip}`),
      `outside to ${outside.hostIp}`,
      'masqueraded',
    )
    await host.stop('web')
    assert.ok(await isClosed(undefined, at('127.0.0.1')))
    await host.stop('other')
  })

  test('a port published on one address answers on that address only', async () => {
    const published = port()
    const web = await host.start('local', {
      portBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: published }] },
    })
    await host.serve(netnsOf(web), 'local')
    assert.match(await fetchFrom(undefined, `http://127.0.0.1:${published}`), /^local/)
    assert.ok(await isClosed(outside.netnsPath, `http://${outside.hostIp}:${published}`))
    await host.stop('local')
  })

  test("a container does not reach the host's own 127.0.0.1", async () => {
    const server = net.createServer((socket) => socket.end('secret')).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port: secret } = server.address() as net.AddressInfo
    const evil = await host.start('evil')
    const gateway = evil.sandbox().networks['bridge']?.Gateway ?? ''
    // inside, 127.0.0.1 is taken from lo and sent to the bridge, where route_localnet would let it through
    await run([
      'nsenter',
      `--net=${netnsOf(evil)}`,
      'sh',
      '-c',
      `echo 1 > /proc/sys/net/ipv4/conf/eth0/route_localnet
       ip addr del 127.0.0.1/8 dev lo
       ip route add 127.0.0.0/8 via ${gateway} src ${ipOf(evil)}`,
    ])
    const attack = async (): Promise<string> => {
      const script = `require('node:net').connect({ port: ${secret}, host: '127.0.0.1', timeout: 1000 })
        .on('timeout', () => process.exit(1)).on('error', () => process.exit(1)).pipe(process.stdout)`
      return (await runNode(netnsOf(evil), script)).stdout
    }
    assert.equal(await attack(), '')
    await runOnce([`flush chain inet ${host.instance.nftTable} guard`])
    assert.equal(await attack(), 'secret', 'without the guard the attack works')
    await host.networks.sweep(new Set([evil.id]))
    assert.equal(await attack(), '')
    server.close()
    await host.stop('evil')
  })

  test('udp ports and ports of the kernel’s choice are published too', async () => {
    const udp = port()
    const web = await host.start('mixed', {
      exposedPorts: { '8080/tcp': {} },
      publishAll: true,
      portBindings: { '53/udp': [{ HostPort: udp }] },
    })
    await host.serve(netnsOf(web), 'mixed', 8080)
    await host.serveUdp(netnsOf(web), 'datagram', 53)
    const chosen = web.sandbox().ports['8080/tcp']?.[0]?.HostPort ?? ''
    assert.match(await fetchFrom(outside.netnsPath, `http://${outside.hostIp}:${chosen}`), /^mixed/)
    assert.equal(await askUdp(outside.netnsPath, outside.hostIp, Number(udp)), 'datagram')
    assert.equal(await askUdp(undefined, '127.0.0.1', Number(udp)), 'datagram')
    await host.stop('mixed')
  })

  test("a port that is taken is refused in Docker's words, whoever has it", async () => {
    const published = port()
    const portBindings = { '80/tcp': [{ HostPort: published }] }
    await host.start('first', { portBindings })
    const refused = {
      code: 'SYSTEM',
      message: new RegExp(
        `driver failed programming external connectivity on endpoint second \\([0-9a-f]{64}\\): ` +
          `Bind for 0.0.0.0:${published} failed: port is already allocated`,
      ),
    }
    await assert.rejects(host.start('second', { portBindings }), refused)
    await host.stop('first')
    const again = await host.start('second', { portBindings })
    assert.equal(again.sandbox().ports['80/tcp']?.[0]?.HostPort, published)
    // and no other program can take it meanwhile
    const server = net.createServer()
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => {
      server.once('error', resolve).listen(Number(published), '0.0.0.0')
    })
    assert.equal(error.code, 'EADDRINUSE')
    await host.stop('second')

    const program = net.createServer().listen(Number(published), '127.0.0.1')
    await new Promise((resolve) => program.once('listening', resolve))
    await assert.rejects(host.start('second', { portBindings }), refused)
    program.close()
  })

  test('of a range of host ports the first free one is taken', async () => {
    const from = freePort(2)
    const portBindings = { '80/tcp': [{ HostPort: `${from}-${from + 1}` }] }
    const first = await host.start('range1', { portBindings })
    const second = await host.start('range2', { portBindings })
    assert.equal(first.sandbox().ports['80/tcp']?.[0]?.HostPort, String(from))
    assert.equal(second.sandbox().ports['80/tcp']?.[0]?.HostPort, String(from + 1))
    await assert.rejects(host.start('range3', { portBindings }), /all ports .* are allocated/)
    await host.stop('range1')
    await host.stop('range2')
  })

  test('networks are isolated from each other, but for published ports', async () => {
    const published = port()
    await host.networks.create({ Name: 'red' })
    await host.networks.create({ Name: 'blue' })
    const red = await host.start('red1', {
      mode: 'red',
      portBindings: { '80/tcp': [{ HostPort: published }] },
    })
    const blue = await host.start('blue1', { mode: 'blue' })
    const plain = await host.start('plain1')
    for (const [started, name] of [
      [red, 'red'],
      [blue, 'blue'],
      [plain, 'plain'],
    ] as const) {
      await host.serve(netnsOf(started), name)
    }
    assert.ok(await isClosed(netnsOf(blue), `http://${ipOf(red, 'red')}`))
    assert.ok(await isClosed(netnsOf(red), `http://${ipOf(blue, 'blue')}`))
    assert.ok(await isClosed(netnsOf(red), `http://${ipOf(plain)}`))
    assert.ok(await isClosed(netnsOf(plain), `http://${ipOf(red, 'red')}`))
    assert.match(await fetchFrom(netnsOf(blue), `http://${outside.hostIp}:${published}`), /^red/)
    assert.match(await fetchFrom(netnsOf(blue), `http://${outside.ip}`), /^outside/)
    await Promise.all(['red1', 'blue1', 'plain1'].map((name) => host.stop(name)))
    await host.networks.remove('red')
    await host.networks.remove('blue')
  })

  test('an internal network has its neighbours and nothing else', async () => {
    await host.networks.create({ Name: 'inner', Internal: true })
    const one = await host.start('inner1', {
      mode: 'inner',
      portBindings: { '80/tcp': [{ HostPort: port() }] },
    })
    const two = await host.start('inner2', { mode: 'inner' })
    await host.serve(netnsOf(one), 'one')
    assert.match(await fetchFrom(netnsOf(two), `http://${ipOf(one, 'inner')}`), /^one/)
    assert.ok(await isClosed(netnsOf(two), `http://${outside.ip}`))
    assert.deepEqual(one.sandbox().ports, {}, 'nothing is published from it')
    await host.stop('inner1')
    await host.stop('inner2')
    await host.networks.remove('inner')
  })

  test('enable_icc=false keeps neighbours apart', async () => {
    await host.networks.create({
      Name: 'apart',
      Options: { 'com.docker.network.bridge.enable_icc': 'false' },
    })
    const one = await host.start('apart1', { mode: 'apart' })
    const two = await host.start('apart2', { mode: 'apart' })
    await host.serve(netnsOf(one), 'one')
    assert.ok(await isClosed(netnsOf(two), `http://${ipOf(one, 'apart')}`))
    assert.match(await fetchFrom(netnsOf(two), `http://${outside.ip}`), /^outside/)
    await host.stop('apart1')
    await host.stop('apart2')
    await host.networks.remove('apart')
  })

  test('host, none and container: modes', async () => {
    const onHost = await host.start('onhost', { mode: 'host', networks: { host: {} } })
    assert.equal(onHost.sandbox().netnsPath, undefined)
    assert.ok(onHost.sandbox().networks['host']?.NetworkID)
    const alone = await host.start('alone', { mode: 'none', networks: { none: {} } })
    const links = await run(['nsenter', `--net=${netnsOf(alone)}`, 'ip', '-o', 'link'])
    assert.match(links.stdout, /^1: lo: <LOOPBACK,UP/)
    assert.equal(links.stdout.trim().split('\n').length, 1)
    const joined = await host.start('joined', { mode: `container:${alone.id}` })
    assert.equal(netnsOf(joined), netnsOf(alone))
    const members = await host.networks.inspect('none')
    assert.deepEqual(
      Object.values(members.Containers ?? {}).map((member) => member.Name),
      ['alone'],
    )
    await host.stop('alone')
    await host.stop('onhost')
    await assert.rejects(host.start('late', { mode: `container:${alone.id}` }), {
      code: 'CONFLICT',
      message: `cannot join network of a non running container: ${alone.id}`,
    })
    await host.stop('joined')
  })
})
