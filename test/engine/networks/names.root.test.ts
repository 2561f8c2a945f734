import assert from 'node:assert/strict'
import dgram from 'node:dgram'
import { after, before, describe, test } from 'node:test'
import { createRequire } from 'node:module'
import * as dns from 'dns-packet'
import { Host, ipOf, netnsOf, runNode } from './harness.ts'

const require = createRequire(import.meta.url)

const QUERY = `
const [server, transport, type, name] = process.argv.slice(1)
const { Resolver } = require('node:dns').promises
const dns = require(${JSON.stringify(require.resolve('dns-packet'))})
const query = dns.encode({ type: 'query', id: 7, flags: dns.RECURSION_DESIRED, questions: [{ type, name }] })
const show = (message) => {
  const { rcode, answers, flag_tc } = dns.decode(message)
  process.stdout.write(JSON.stringify({ rcode, tc: flag_tc, data: answers.map((answer) => answer.data).sort() }))
  process.exit(0)
}
setTimeout(() => process.exit(1), 9000)
if (transport === 'udp') {
  const socket = require('node:dgram').createSocket('udp4').on('message', show)
  socket.send(query, 53, server)
} else {
  const framed = Buffer.alloc(2 + query.length)
  framed.writeUInt16BE(query.length)
  query.copy(framed, 2)
  let got = Buffer.alloc(0)
  require('node:net').connect(53, server).on('data', (data) => {
    got = Buffer.concat([got, data])
    if (got.length > 2 && got.length >= 2 + got.readUInt16BE(0)) show(got.subarray(2))
  }).write(framed)
}`

interface Reply {
  rcode: string
  tc: boolean
  data: string[]
}

async function ask(
  netnsPath: string,
  name: string,
  type = 'A',
  transport: 'udp' | 'tcp' = 'udp',
): Promise<Reply> {
  const { stdout } = await runNode(netnsPath, QUERY, '127.0.0.11', transport, type, name)
  assert.notEqual(stdout, '', `no answer to ${type} ${name}`)
  return JSON.parse(stdout) as Reply
}

const found = (...data: string[]): Reply => ({ rcode: 'NOERROR', tc: false, data: data.sort() })

describe('LocalNetworks: names', () => {
  let host: Host

  before(async () => {
    host = await Host.open()
    await host.networks.sweep(new Set())
    await host.networks.create({ Name: 'app', IPAM: { Config: [{ Subnet: '10.253.7.0/24' }] } })
  })

  after(async () => {
    assert.deepEqual(await host.destroy(), [])
    assert.deepEqual(host.warnings, [])
  })

  test('containers of a user network find each other by name, alias, short ID and hostname, over UDP and TCP', async () => {
    const web = await host.start('web', {
      mode: 'app',
      networks: { app: { Aliases: ['www'], IPAMConfig: { IPv4Address: '10.253.7.80' } } },
    })
    const web2 = await host.start('web2', { mode: 'app', networks: { app: { Aliases: ['www'] } } })
    const db = await host.start('db', { mode: 'app', networks: { app: { Links: ['web:front'] } } })
    const from = netnsOf(db)
    assert.equal(ipOf(web, 'app'), '10.253.7.80')
    for (const name of ['web', 'WEB', 'web.app', 'web-host', web.id.slice(0, 12), 'front']) {
      assert.deepEqual(await ask(from, name), found('10.253.7.80'), name)
    }
    assert.deepEqual(await ask(from, 'www'), found('10.253.7.80', ipOf(web2, 'app')))
    assert.deepEqual(await ask(from, 'web', 'A', 'tcp'), found('10.253.7.80'))
    assert.deepEqual(
      await ask(from, 'web', 'AAAA'),
      found(),
      'the name is there, an IPv6 address is not',
    )
    assert.deepEqual(await ask(from, '80.7.253.10.in-addr.arpa', 'PTR'), found('web.app'))
    assert.match(db.sandbox().resolvConf, /^nameserver 127\.0\.0\.11$/m)
    assert.match(db.sandbox().resolvConf, /^options .*ndots:0$/m)
    assert.match(
      db.sandbox().hosts,
      new RegExp(`^${ipOf(db, 'app').replaceAll('.', '\\.')}\tdb-host$`, 'm'),
    )

    await host.networks.sandboxes.renamed(web.id, 'renamed')
    assert.deepEqual(await ask(from, 'renamed'), found('10.253.7.80'))
    await host.stop('web2')
    assert.deepEqual(await ask(from, 'www'), found('10.253.7.80'))
    await host.stop('web')
    await host.stop('db')
  })

  test('a link is a name on the network that it was given for, and on no other', async () => {
    await host.networks.create({ Name: 'side', IPAM: { Config: [{ Subnet: '10.253.17.0/24' }] } })
    const networks = { app: {}, side: {} }
    // where nobody answers: names that are not ours are refused at once
    const dns = ['127.0.0.9']
    const target = await host.start('target', { mode: 'app', networks })
    const byEndpoint = await host.start('by-endpoint', {
      mode: 'app',
      dns,
      networks: { app: {}, side: { Links: ['target:friend'] } },
    })
    const byContainer = await host.start('by-container', {
      mode: 'app',
      dns,
      networks,
      links: ['target:friend'],
    })
    const onApp = found(ipOf(target, 'app'))
    const onSide = found(ipOf(target, 'side'))
    for (const [name, one, other] of [
      ['friend', onSide, onApp],
      ['friend.side', onSide, undefined],
      ['friend.app', undefined, onApp],
    ] as const) {
      for (const [from, expected] of [
        [byEndpoint, one],
        [byContainer, other],
      ] as const) {
        const reply = await ask(netnsOf(from), name)
        if (expected === undefined) assert.deepEqual(reply.data, [], name)
        else assert.deepEqual(reply, expected, name)
      }
    }
    // with the network that it was given for the link is gone, where the other goes on being met
    await host.networks.disconnect('side', { Container: 'by-endpoint' })
    assert.deepEqual((await ask(netnsOf(byEndpoint), 'friend')).data, [])
    assert.deepEqual(await ask(netnsOf(byEndpoint), 'target'), onApp)
    await host.networks.disconnect('app', { Container: 'by-container' })
    assert.deepEqual((await ask(netnsOf(byContainer), 'friend')).data, [])
    assert.deepEqual(await ask(netnsOf(byContainer), 'target'), onSide)
    for (const name of ['by-endpoint', 'by-container', 'target']) await host.stop(name)
    await host.networks.remove('side')
  })

  test('other questions go to --dns; an internal network asks nobody', async () => {
    const asked: string[] = []
    const upstream = dgram.createSocket('udp4')
    upstream.on('message', (message, from) => {
      const query = dns.decode(message)
      const name = query.questions?.[0]?.name ?? ''
      asked.push(name)
      const answer: dns.Answer = { type: 'A', name, ttl: 1, data: '192.0.2.77' }
      upstream.send(
        dns.encode({
          type: 'response',
          id: query.id ?? 0,
          flags: 0,
          questions: query.questions ?? [],
          answers: [answer],
        }),
        from.port,
        from.address,
      )
    })
    await new Promise<void>((resolve) => upstream.bind(53, '127.0.0.53', resolve))
    await host.networks.create({
      Name: 'closed',
      Internal: true,
      IPAM: { Config: [{ Subnet: '10.253.8.0/24' }] },
    })
    const open = await host.start('open', {
      mode: 'app',
      dns: ['127.0.0.53'],
      dnsSearch: ['example.test'],
    })
    const closed = await host.start('closed1', { mode: 'closed', dns: ['127.0.0.53'] })
    assert.deepEqual(await ask(netnsOf(open), 'elsewhere.test'), found('192.0.2.77'))
    assert.match(open.sandbox().resolvConf, /^search example\.test$/m)
    assert.equal((await ask(netnsOf(closed), 'secret.test')).rcode, 'SERVFAIL')
    assert.deepEqual(await ask(netnsOf(closed), 'closed1'), found(ipOf(closed, 'closed')))
    assert.deepEqual(asked, ['elsewhere.test'])
    upstream.close()
    await host.stop('open')
    await host.stop('closed1')
    await host.networks.remove('closed')
  })

  test('an alias outlives a new name, also on a network that was asked for by its ID', async () => {
    const { Id = '' } = await host.networks.inspect('app')
    const one = await host.start('one', { mode: Id, networks: { [Id]: { Aliases: ['shop'] } } })
    await host.networks.sandboxes.renamed(one.id, 'other')
    for (const name of ['shop', 'other'])
      assert.deepEqual(await ask(netnsOf(one), name), found(ipOf(one, 'app')), name)
    await host.stop('one')
  })

  test('a message that is no question does not disturb the server', async () => {
    const one = await host.start('one', { mode: 'app' })
    const garbage = `const s = require('node:dgram').createSocket('udp4')
      for (const m of [[], [0], new Array(12).fill(255), [0,1,1,0,0,1,0,0,0,0,0,0,0xc0,0x0c,0,1,0,1]]) s.send(Buffer.from(m), 53, '127.0.0.11')
      const c = require('node:net').connect(53, '127.0.0.11', () => c.end(Buffer.from([0xff, 0xff, 1])))
      c.on('error', () => {}).resume()
      setTimeout(() => process.exit(0), 100)`
    await runNode(netnsOf(one), garbage)
    assert.deepEqual(await ask(netnsOf(one), 'one'), found(ipOf(one, 'app')))
    await host.stop('one')
  })

  test('the default bridge has links and extra hosts in its hosts file, and no names', async () => {
    const db = await host.start('db')
    const wishes = {
      links: ['db:database'],
      extraHosts: ['gate:host-gateway', 'v6:[2001:db8::1]', 'four=192.0.2.4'],
    }
    const web = await host.start('web', { ...wishes, hostname: 'web', domainname: 'example.test' })
    const { hosts } = web.sandbox()
    const gateway = web.sandbox().networks['bridge']?.Gateway ?? ''
    for (const line of [
      `${gateway}\tgate`,
      '2001:db8::1\tv6',
      '192.0.2.4\tfour',
      `${ipOf(db)}\tdatabase db-host db`,
      `${ipOf(web)}\tweb.example.test web`,
    ]) {
      assert.ok(hosts.split('\n').includes(line), `${line}\nin\n${hosts}`)
    }
    await host.stop('db')
    await assert.rejects(
      host.start('late', wishes),
      /Cannot link to a non running container: \/db AS \/late\/database/,
    )
    await host.stop('web')
  })
})
