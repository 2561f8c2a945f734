import assert from 'node:assert/strict'
import { after, before, describe, mock, test } from 'node:test'
import { bridgeRequests } from '../../../engine/netlink/link.ts'
import { NetlinkSocket } from '../../../engine/netlink/socket.ts'
import { listNft } from '../../../engine/networks/nft.ts'
import { NetworkRegistry } from '../../../engine/networks/registry.ts'
import type { NetworkConnectRequest } from '../../../engine/types/docker.ts'
import { fetchFrom, Host, ipOf, netnsOf, run, type Started } from './harness.ts'

/** Most leave the host as an engine does that is killed between two steps, and have another one take over. */
describe('cut short by the death of the engine, or by a full disk,', () => {
  let host: Host
  before(async () => {
    host = await Host.open()
    await host.networks.sweep(new Set())
    // by its name it comes before the bridge: its gateway has the default route
    await host.networks.create({ Name: 'a', IPAM: { Config: [{ Subnet: '10.253.41.0/24' }] } })
  })
  after(async () => {
    assert.deepEqual(await host.destroy(), [])
  })

  const inside = async (box: Started, ...argv: string[]): Promise<string> =>
    (await run(['nsenter', `--net=${netnsOf(box)}`, ...argv])).stdout
  const gatewayOf = async (name: string): Promise<string> =>
    (await host.networks.inspect(name)).IPAM?.Config?.[0]?.Gateway ?? ''

  async function start(networks: Record<string, object>): Promise<Started> {
    return host.start('box', { mode: 'bridge', networks })
  }

  /** Does it, forgets of what was written down all but what is told, and lets another engine take over. */
  async function cut(
    box: Started,
    act: (request: NetworkConnectRequest) => Promise<void>,
    written: { document?: boolean; begun?: boolean } = {},
  ): Promise<void> {
    const { container } = box
    const { request, sandbox } = structuredClone(container)
    await act({ Container: box.id })
    await host.networks.close()
    if (written.document !== true) container.request = request
    container.isChanging = written.begun ?? true
    if (sandbox) container.sandbox = sandbox
    await host.reopen()
    await host.networks.sandboxes.adopt(box.id, container.request, box.sandbox())
    await host.networks.sweep(new Set([box.id]))
  }

  test('a connection leaves the container where it was, with its default route', async () => {
    const box = await start({ bridge: {} })
    await cut(box, (request) => host.networks.connect('a', request))
    assert.doesNotMatch(await inside(box, 'ip', '-o', 'link'), /eth1/)
    assert.match(
      await inside(box, 'ip', 'route'),
      new RegExp(`^default via ${await gatewayOf('bridge')} dev eth0`),
    )
    await host.networks.connect('a', { Container: box.id })
    assert.match(await inside(box, 'ip', 'route'), /^default via 10\.253\.41\.1 dev eth1/)
    await host.stop('box')
  })

  test('a disconnection that nothing is written of leaves the container on the network', async () => {
    const box = await start({ bridge: {}, a: {} })
    const ip = ipOf(box, 'a')
    await cut(box, (request) => host.networks.disconnect('a', request))
    assert.equal(ipOf(box, 'a'), ip)
    assert.match(await inside(box, 'ip', '-o', 'addr'), new RegExp(`inet ${ip}/24`))
    assert.match(await inside(box, 'ip', 'route'), /^default via 10\.253\.41\.1 /)
    await host.serve(netnsOf(box), 'box')
    assert.match(await fetchFrom(undefined, `http://${ip}`), /^box/)
    await host.networks.disconnect('a', { Container: box.id })
    await host.stop('box')
  })

  test('a disconnection that the document tells of is carried out', async () => {
    const box = await start({ bridge: {}, a: {} })
    await cut(box, (request) => host.networks.disconnect('a', request), { document: true })
    assert.deepEqual(Object.keys(box.sandbox().networks), ['bridge'])
    assert.deepEqual((await host.networks.inspect('a')).Containers, {})
    assert.match(
      await inside(box, 'ip', 'route'),
      new RegExp(`^default via ${await gatewayOf('bridge')} dev eth0`),
    )
    await host.stop('box')
  })

  test('nothing leaves a container’s routes as it has made them itself', async () => {
    const box = await start({ bridge: {}, a: {} })
    await inside(box, 'ip', 'route', 'delete', 'default')
    await cut(box, () => Promise.resolve(), { begun: false })
    await host.networks.sandboxes.renamed(box.id, 'other')
    assert.doesNotMatch(await inside(box, 'ip', 'route'), /default/)
    await host.stop('box')
  })

  test('a bridge gets all that a bridge has', async () => {
    await host.networks.create({
      Name: 'half',
      Options: { 'com.docker.network.bridge.name': 'ghalftest0' },
      IPAM: { Config: [{ Subnet: '10.253.42.0/24' }] },
    })
    await host.networks.close()
    await run(['ip', 'link', 'delete', 'ghalftest0'])
    const netlink = NetlinkSocket.open()
    const [create] = bridgeRequests({ name: 'ghalftest0', address: '02:42:0a:fd:2a:01' })
    if (create) await netlink.request(create)
    netlink.close()
    await host.reopen()
    await host.networks.sweep(new Set())
    const link = await run(['ip', '-d', 'link', 'show', 'dev', 'ghalftest0'])
    assert.match(link.stdout, /[<,]UP[,>]/)
    assert.match(link.stdout, /addrgenmode none/)
    const addresses = await run(['ip', 'addr', 'show', 'dev', 'ghalftest0'])
    assert.match(addresses.stdout, /inet 10\.253\.42\.1\/24/)
    await host.networks.remove('half')
  })

  test('a connection that cannot be written down is taken back, a disconnection can be asked for again', async () => {
    const box = await start({ bridge: {} })
    host.diskIsFull = true
    await assert.rejects(host.networks.connect('a', { Container: box.id }), /no space left/)
    assert.match(host.warnings.join(), /could not undo a connection/, 'to write that it is off')
    assert.doesNotMatch(await inside(box, 'ip', '-o', 'link'), /eth1/)
    assert.match(await inside(box, 'ip', 'route'), /^default via .* dev eth0/)
    assert.deepEqual((await host.networks.inspect('a')).Containers, {})
    host.diskIsFull = false
    await host.networks.connect('a', { Container: box.id })
    host.diskIsFull = true
    await assert.rejects(host.networks.disconnect('a', { Container: box.id }), /no space left/)
    host.diskIsFull = false
    assert.deepEqual(Object.keys(box.sandbox().networks), ['bridge', 'a'])
    await host.networks.disconnect('a', { Container: box.id })
    assert.deepEqual(Object.keys(box.sandbox().networks), ['bridge'])
    await assert.rejects(host.networks.disconnect('a', { Container: box.id }), {
      code: 'FORBIDDEN',
    })
    await host.stop('box')
  })

  test('a removal takes a bridge out of the host’s chain first, and brings back what it cannot end', async () => {
    const bridge = 'gkepttest0'
    await host.networks.create({
      Name: 'kept',
      Options: { 'com.docker.network.bridge.name': bridge },
      IPAM: { Config: [{ Subnet: '10.253.43.0/24' }] },
    })
    // on hosts where somebody has made that chain
    const accepts = async (): Promise<number> => {
      const chain = await listNft(['list', 'chain', 'ip', 'filter', 'FORWARD'])
      return (chain?.split(`"${bridge}" accept`).length ?? 1) - 1
    }
    const before = await accepts()
    let whenForgotten = -1
    const mocked = mock.method(NetworkRegistry.prototype, 'remove', async () => {
      whenForgotten = await accepts()
      throw new Error('input/output error')
    })
    await assert.rejects(host.networks.remove('kept'), /input\/output error/)
    mocked.mock.restore()
    assert.equal(whenForgotten, 0)
    assert.equal(await accepts(), before)
    const box = await host.start('box', { mode: 'kept' })
    assert.match(await inside(box, 'ip', 'route'), /^default via 10\.253\.43\.1 /)
    await host.stop('box')
    await host.networks.remove('kept')
    assert.equal(await accepts(), 0)
  })
})
