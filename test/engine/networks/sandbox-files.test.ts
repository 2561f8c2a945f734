import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseExtraHost, renderHosts } from '../../../engine/networks/hosts-file.ts'
import { parseNetDev } from '../../../engine/networks/interface-stats.ts'
import { planPorts, portMapOf, publicationsOf } from '../../../engine/networks/ports.ts'
import { parseResolvConf, planResolvConf } from '../../../engine/networks/resolv-conf.ts'

const none = { dns: [], dnsSearch: [], dnsOptions: [] }

describe('renderHosts', () => {
  test('gives a container its full name and the first part of it', () => {
    const own = (hostname: string, domainname: string): string | undefined =>
      renderHosts({
        extra: [],
        hostGateway: '',
        links: [],
        own: { ips: ['192.0.2.7'], hostname, domainname },
      })
        .trimEnd()
        .split('\n')
        .at(-1)
    assert.equal(own('web', ''), '192.0.2.7\tweb')
    assert.equal(own('web', 'a.test'), '192.0.2.7\tweb.a.test web')
    assert.equal(own('web.a.test', ''), '192.0.2.7\tweb.a.test web')
  })
})

describe('planResolvConf', () => {
  const host = parseResolvConf(
    '# host\nnameserver 192.0.2.53\nnameserver 127.0.0.1 # own\nsearch a.test b.test\noptions edns0\n',
  )

  test("copies what of the host's can be reached from a container", () => {
    const { text, embedded } = planResolvConf(host, none, false)
    assert.equal(embedded, false)
    assert.match(text, /\nnameserver 192\.0\.2\.53\nsearch a\.test b\.test\noptions edns0\n$/)
    assert.ok(!text.includes('127.0.0.1'))
  })

  test('goes by way of the embedded server when only the host reaches its resolvers', () => {
    const plan = planResolvConf(parseResolvConf('nameserver 127.0.0.53\n'), none, false)
    assert.equal(plan.embedded, true)
    assert.match(plan.text, /nameserver 127\.0\.0\.11/)
    assert.deepEqual(plan.upstream, ['127.0.0.53'])
  })

  test('prefers what the container asks for', () => {
    const wishes = { dns: ['198.51.100.1'], dnsSearch: ['.'], dnsOptions: ['timeout:1'] }
    const plan = planResolvConf(host, wishes, true)
    assert.match(plan.text, /\nnameserver 127\.0\.0\.11\noptions timeout:1 ndots:0\n$/)
    assert.deepEqual(plan.upstream, ['198.51.100.1'])
    assert.match(
      planResolvConf(host, wishes, false).text,
      /\nnameserver 198\.51\.100\.1\noptions timeout:1\n$/,
    )
  })
})

describe('planPorts', () => {
  const plan = (
    portBindings: Parameters<typeof planPorts>[0]['portBindings'],
    exposed: string[] = [],
  ) =>
    planPorts({
      portBindings,
      exposedPorts: Object.fromEntries(exposed.map((key) => [key, {}])),
      publishAll: exposed.length > 0,
    }).map(
      ({ protocol, port, hostIp, hostFrom, hostTo }) =>
        `${hostIp}:${hostFrom}-${hostTo}>${port}/${protocol}`,
    )

  test('reads single ports, ranges and ports of the kernel’s choice', () => {
    assert.deepEqual(
      plan({ '80/tcp': [{ HostPort: '8080' }, { HostIp: '127.0.0.1', HostPort: '81' }] }),
      ['0.0.0.0:8080-8080>80/tcp', '127.0.0.1:81-81>80/tcp'],
    )
    assert.deepEqual(plan({ '53/udp': [{ HostPort: '5000-5010' }] }), ['0.0.0.0:5000-5010>53/udp'])
    assert.deepEqual(plan({ '80/tcp': null }), ['0.0.0.0:0-0>80/tcp'])
    assert.deepEqual(plan({ '8000-8001/tcp': [{ HostPort: '9000-9001' }] }), [
      '0.0.0.0:9000-9000>8000/tcp',
      '0.0.0.0:9001-9001>8001/tcp',
    ])
    assert.deepEqual(plan({ '80/tcp': [{ HostPort: '8080' }] }, ['80/tcp', '81/tcp']), [
      '0.0.0.0:8080-8080>80/tcp',
      '0.0.0.0:0-0>81/tcp',
    ])
  })

  test('refuses what is none, naming it', () => {
    for (const key of ['x', '0/tcp', '65536/tcp', '80/tcp/x', '90-80/tcp'])
      assert.throws(() => plan({ [key]: null }), { code: 'INVALID_PARAMETER' }, key)
    assert.throws(() => plan({ '80/icmp': null }), /invalid proto: icmp/)
    assert.throws(() => plan({ '8000-8001/tcp': [{ HostPort: '9000-9005' }] }), /invalid ranges/)
    assert.throws(() => plan({ '80/tcp': [{ HostPort: '80; drop' }] }), {
      code: 'INVALID_PARAMETER',
    })
    assert.throws(() => plan({ '80/tcp': [{ HostIp: 'localhost' }] }), {
      code: 'INVALID_PARAMETER',
    })
  })

  test('what inspect shows can be read back', () => {
    const publication = {
      protocol: 'udp' as const,
      hostIp: '127.0.0.1',
      hostPort: 99,
      ip: '10.0.0.2',
      port: 53,
    }
    const ports = portMapOf({ '53/udp': {}, '80/tcp': {} }, [publication])
    assert.deepEqual(ports, { '53/udp': [{ HostIp: '127.0.0.1', HostPort: '99' }], '80/tcp': null })
    assert.deepEqual(publicationsOf(ports, '10.0.0.2'), [publication])
  })
})

describe('extra hosts', () => {
  test('are read in each of their forms', () => {
    assert.deepEqual(parseExtraHost('a:192.0.2.1'), { name: 'a', ip: '192.0.2.1' })
    assert.deepEqual(parseExtraHost('a=[2001:db8::1]'), { name: 'a', ip: '2001:db8::1' })
    assert.deepEqual(parseExtraHost('a:host-gateway'), { name: 'a', ip: 'host-gateway' })
    for (const text of ['a', 'a:b', ':1.2.3.4', 'a:1.2.3.4\nb', 'a:1.2.3.999'])
      assert.throws(() => parseExtraHost(text), text)
  })
})

describe('parseNetDev', () => {
  test('reads counters, also of names that touch their first number', () => {
    const counters = parseNetDev(
      'Inter-| Receive\n face |bytes\n    lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\nveth0:100 2 0 0 0 0 0 0 200 4 0 0 0 0 0 0\n',
    )
    assert.equal(counters.get('lo')?.rx_errors, 3)
    assert.equal(counters.get('veth0')?.tx_bytes, 200)
    assert.equal(counters.size, 2)
  })
})
