import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { NetworkCreateConfig } from '../../../engine/contract/networks.ts'
import { checkNetworkName, planBridge } from '../../../engine/networks/create.ts'
import { AddressPool } from '../../../engine/networks/ipam.ts'
import { formatCidr, parseCidr, parseIp } from '../../../engine/networks/ipv4.ts'

const at = (text: string) => {
  const subnet = parseCidr(text)
  assert.ok(subnet)
  return subnet
}
const plan = (config: Partial<NetworkCreateConfig>, taken: string[] = []) =>
  planBridge(
    { Name: 'n', ...config },
    { networks: taken.map(at), host: [], interfaceName: 'gt-0123456789' },
  )

describe('planBridge', () => {
  test('a network without wishes gets a pool that nobody is on', () => {
    assert.equal(plan({}).subnet, '172.31.0.0/16')
    assert.equal(plan({}, ['172.31.4.0/24']).subnet, '172.30.0.0/16')
    assert.equal(plan({}, ['172.16.0.0/12']).subnet, '192.168.240.0/20')
    assert.throws(() => plan({}, ['172.16.0.0/12', '192.168.0.0/16']), { code: 'FORBIDDEN' })
    assert.equal(plan({}).gateway, '172.31.0.1')
  })

  test('options are read', () => {
    const bridge = plan({
      Options: {
        'com.docker.network.bridge.name': 'br7',
        'com.docker.network.bridge.enable_icc': 'false',
        'com.docker.network.bridge.enable_ip_masquerade': '0',
        'com.docker.network.bridge.host_binding_ipv4': '127.0.0.1',
        'com.docker.network.driver.mtu': '9000',
        'com.docker.network.container_iface_prefix': 'net',
      },
    })
    const { interface: name, icc, masquerade, hostBinding, mtu, interfacePrefix } = bridge
    assert.deepEqual(
      { name, icc, masquerade, hostBinding, mtu, interfacePrefix },
      {
        name: 'br7',
        icc: false,
        masquerade: false,
        hostBinding: '127.0.0.1',
        mtu: 9000,
        interfacePrefix: 'net',
      },
    )
  })

  test('a yes or no is written as Go reads it, in no other case', () => {
    const icc = (text: string) =>
      plan({ Options: { 'com.docker.network.bridge.enable_icc': text } }).icc
    assert.deepEqual(['1', 't', 'T', 'true', 'TRUE', 'True'].map(icc), Array(6).fill(true))
    assert.deepEqual(['0', 'f', 'F', 'false', 'FALSE', 'False'].map(icc), Array(6).fill(false))
    for (const text of ['tRuE', 'fAlSe', 'yes', '', ' 1'])
      assert.throws(() => icc(text), { code: 'INVALID_PARAMETER', message: /strconv.ParseBool/ })
  })

  test('what is not done is refused by its name', () => {
    const config = (first: object): Partial<NetworkCreateConfig> => ({ IPAM: { Config: [first] } })
    const refusals: [Partial<NetworkCreateConfig>, string, RegExp][] = [
      [{ Driver: 'macvlan' }, 'INVALID_PARAMETER', /macvlan/],
      [{ Driver: 'weave' }, 'NOT_FOUND', /plugin "weave" not found/],
      [{ Driver: 'host' }, 'FORBIDDEN', /only one instance of "host" network is allowed/],
      [{ EnableIPv6: true }, 'INVALID_PARAMETER', /EnableIPv6/],
      [{ EnableIPv4: false }, 'INVALID_PARAMETER', /EnableIPv4/],
      [{ ConfigOnly: true }, 'INVALID_PARAMETER', /ConfigOnly/],
      [{ Ingress: true }, 'INVALID_PARAMETER', /Ingress/],
      [{ Scope: 'swarm' }, 'INVALID_PARAMETER', /swarm/],
      [{ Options: { colour: 'red' } }, 'INVALID_PARAMETER', /"colour"/],
      [
        { Options: { 'com.docker.network.bridge.enable_icc': 'maybe' } },
        'INVALID_PARAMETER',
        /strconv.ParseBool/,
      ],
      [{ Options: { 'com.docker.network.driver.mtu': '12' } }, 'INVALID_PARAMETER', /MTU/],
      [
        { Options: { 'com.docker.network.bridge.name': 'a/b' } },
        'INVALID_PARAMETER',
        /interface name/,
      ],
      [
        { Options: { 'com.docker.network.bridge.name': '"; drop' } },
        'INVALID_PARAMETER',
        /interface name/,
      ],
      [{ IPAM: { Driver: 'dhcp' } }, 'NOT_FOUND', /dhcp/],
      [{ IPAM: { Options: { x: 'y' } } }, 'INVALID_PARAMETER', /"x"/],
      [
        { IPAM: { Config: [{ Subnet: '10.0.0.0/24' }, { Subnet: '10.1.0.0/24' }] } },
        'INVALID_PARAMETER',
        /multiple subnets/,
      ],
      [config({ Subnet: '10.0.0.0' }), 'INVALID_PARAMETER', /invalid CIDR/],
      [config({ Subnet: '10.0.0.5/24' }), 'INVALID_PARAMETER', /it should be 10\.0\.0\.0\/24/],
      [config({ Subnet: '10.0.0.0/31' }), 'INVALID_PARAMETER', /prefix length/],
      [config({ Subnet: 'fd00::/64' }), 'INVALID_PARAMETER', /IPv6/],
      [config({ Gateway: '10.0.0.1' }), 'INVALID_PARAMETER', /Gateway needs a Subnet/],
      [config({ Subnet: '10.0.0.0/24', Gateway: '10.0.1.1' }), 'FORBIDDEN', /out of range/],
      [
        config({ Subnet: '10.0.0.0/24', IPRange: '10.0.1.0/25' }),
        'INVALID_PARAMETER',
        /not within/,
      ],
    ]
    for (const [wishes, code, message] of refusals)
      assert.throws(() => plan(wishes), { code, message })
    assert.throws(() => plan(config({ Subnet: '10.0.0.0/8' }), ['10.9.0.0/24']), {
      code: 'FORBIDDEN',
      message: /overlaps/,
    })
  })

  test('names are what an API path and a nameserver can carry', () => {
    checkNetworkName('my_app-1.front')
    for (const name of ['', '.x', 'a b', 'a/b', 'container:x', 'x'.repeat(129)]) {
      assert.throws(() => checkNetworkName(name), { code: 'INVALID_PARAMETER' }, name)
    }
    assert.throws(() => checkNetworkName('bridge'), {
      code: 'FORBIDDEN',
      message: 'operation is not permitted on predefined bridge network ',
    })
  })
})

describe('AddressPool', () => {
  test('goes round its range, leaves out what is reserved and gives nothing twice', () => {
    const pool = new AddressPool(at('10.0.0.0/24'), at('10.0.0.8/30'), ['10.0.0.9'])
    assert.deepEqual(
      [1, 2, 3].map((owner) => pool.allocate(`e${owner}`, 'n')),
      ['10.0.0.8', '10.0.0.10', '10.0.0.11'],
    )
    assert.throws(() => pool.allocate('e4', 'n'), { code: 'CONFLICT' })
    pool.release('10.0.0.10', 'somebody else')
    assert.throws(() => pool.allocate('e4', 'n'), { code: 'CONFLICT' })
    pool.release('10.0.0.10', 'e2')
    assert.equal(pool.allocate('e4', 'n'), '10.0.0.10')
    pool.reserve('10.0.0.200', 'e5')
    assert.throws(() => pool.reserve('10.0.0.200', 'e6'), {
      code: 'FORBIDDEN',
      message: 'Address already in use',
    })
    for (const ip of ['10.0.0.0', '10.0.0.255', '10.0.0.9'])
      assert.throws(() => pool.reserve(ip, 'e'), { code: 'FORBIDDEN' })
    assert.throws(() => pool.reserve('10.0.1.1', 'e'), { code: 'INVALID_PARAMETER' })
  })

  test('an address just given back is not the next one given', () => {
    const pool = new AddressPool(at('10.0.0.0/24'), at('10.0.0.0/24'), ['10.0.0.1'])
    const first = pool.allocate('a', 'n')
    pool.release(first, 'a')
    assert.notEqual(pool.allocate('b', 'n'), first)
  })
})

describe('IPv4 text', () => {
  test('only the usual form is one', () => {
    for (const text of ['1.2.3', '1.2.3.256', '01.2.3.4', '1.2.3.4 ', 'x', '::1', '1.2.3.4.5'])
      assert.equal(parseIp(text), undefined, text)
    assert.equal(parseIp('255.255.255.255'), 0xffffffff)
    assert.equal(formatCidr(at('192.168.77.5/20')), '192.168.64.0/20')
    assert.equal(parseCidr('10.0.0.0/33'), undefined)
  })
})
