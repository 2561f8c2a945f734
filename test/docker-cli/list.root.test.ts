import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openCli, whyNot } from './harness.ts'
import type { Cli } from './harness.ts'

const isOwn = process.env.GANTRY_TEST_DOCKER_HOST === undefined

describe('docker ps', { skip: await whyNot() }, () => {
  let cli: Cli
  const name = (suffix: string): string => `${cli.prefix}-${suffix}`

  before(async () => {
    cli = await openCli()
    await cli.ok('network', 'create', name('net'))
    await cli.ok('create', '--name', name('1'), '--label', 'a=1', '--label', 'b=2', '-v', `${name('vol')}:/data`, '--expose', '81', cli.image, 'true') // prettier-ignore
    await cli.ok('run', '-d', '--name', name('2'), '--label', 'a=1', '-p', '127.0.0.1:0:81', '--network', name('net'), cli.image, 'sleep', '1000') // prettier-ignore
    await cli.run(['run', '--name', name('3'), cli.image, 'sh', '-c', 'exit 3'])
    await cli.ok('run', '-d', '--name', name('4'), '--expose', '90-92/udp', cli.image, 'sleep', '1000') // prettier-ignore
    await cli.ok('pause', name('4'))
  })
  after(() => cli.close())

  /** The numbers of those of ours that are listed. */
  async function listed(...args: string[]): Promise<string> {
    const lines = (await cli.ok('ps', '--format', '{{.Names}}', ...args)).split('\n')
    return lines
      .filter((line) => line.startsWith(`${cli.prefix}-`))
      .map((line) => line.slice(cli.prefix.length + 1))
      .sort()
      .join('')
  }
  const filtered = (...filters: string[]): Promise<string> =>
    listed('-a', ...filters.flatMap((filter) => ['--filter', filter]))

  it('shows those that run, and all with -a', async () => {
    assert.equal(await listed(), '24')
    assert.equal(await listed('-a'), '1234')
    assert.equal(await listed('-n', '2'), '34')
    assert.equal(await listed('-l'), '4')
  })

  it('by status, which shows stopped ones too, and by exit code, which does not', async () => {
    for (const [status, expected] of [
      ['created', '1'],
      ['running', '2'],
      ['exited', '3'],
      ['paused', '4'],
    ] as const)
      // prettier-ignore
      assert.equal(await listed('--filter', `status=${status}`), expected)
    assert.equal(await listed('--filter', 'exited=3'), '')
    assert.equal(await filtered('exited=3'), '3')
    assert.equal(await filtered('exited=0'), '')
  })

  it('by label, name, ID, image, and place in time', async () => {
    assert.equal(await filtered('label=a'), '12')
    assert.equal(await filtered('label=a=1', 'label=b'), '1')
    assert.equal(await filtered('label=a=2'), '')
    assert.equal(await filtered(`name=${name('1')}`), '1')
    assert.equal(await filtered(`name=^/${cli.prefix}-[12]$`), '12')
    const id = await cli.ok('inspect', '-f', '{{.Id}}', name('1'))
    assert.equal(await filtered(`id=${id.slice(0, 12)}`), '1')
    assert.equal(await filtered(`ancestor=${cli.image}`), '1234')
    assert.equal(await filtered('ancestor=no-such-image'), '')
    assert.equal(await filtered(`before=${name('3')}`), '12')
    assert.equal(await filtered(`since=${name('2')}`, `before=${name('4')}`), '3')
  })

  it('by an image that theirs was made from', async () => {
    const made = `${name('made')}:latest`
    await cli.ok('commit', '-c', 'LABEL made=1', name('1'), made)
    await cli.ok('create', '--name', name('5'), made, 'true')
    assert.equal(await filtered(`ancestor=${cli.image}`), '12345')
    assert.equal(await filtered(`ancestor=${made}`), '5')
    await cli.ok('rm', name('5'))
    await cli.ok('rmi', made)
  })

  it('by ports as they are now, networks, volumes, health', async () => {
    const port = (await cli.ok('port', name('2'), '81')).split(':').at(-1) ?? ''
    assert.equal(await filtered(`publish=${port}`), '2')
    assert.equal(await filtered('publish=81'), '')
    assert.equal(await filtered(`publish=${port}-${port}/tcp`), '2')
    assert.equal(await filtered('expose=81'), '2')
    assert.equal(await filtered('expose=90-91/udp'), '4')
    assert.equal(await filtered('expose=90'), '')
    assert.equal(await filtered(`network=${name('net')}`), '2')
    assert.equal(await filtered('network=bridge'), '134')
    assert.equal(await filtered(`volume=${name('vol')}`), '1')
    assert.equal(await filtered('volume=/data'), '1')
    assert.equal(await filtered('health=none'), '1234')
    assert.equal(await filtered('is-task=true'), '')
  })

  it('refuses what it does not know by name', async () => {
    for (const filter of ['exited=x', 'status=x', 'health=x', 'publish=x', 'no-such=x']) {
      const refused = await cli.run(['ps', '--filter', filter])
      assert.equal(refused.code, 1, filter)
      if (isOwn) assert.match(refused.stderr, new RegExp(`invalid filter '${filter.split('=')[0]}`))
    }
    const unknown = await cli.run(['ps', '--filter', 'before=no-such-container'])
    assert.match(unknown.stderr, /no such container/i)
  })

  it('shows size, ports and status of each', async () => {
    await cli.ok('exec', name('2'), 'sh', '-c', 'head -c 100000 /dev/zero > /file')
    assert.match(await cli.ok('ps', '-s', '--filter', `name=${name('2')}`, '--format', '{{.Size}}'), /^1\d\dkB \(virtual [\d.]+MB\)$/) // prettier-ignore
    const ports = await cli.ok('ps', '--filter', `name=${name('[24]')}`, '--format', '{{.Ports}}')
    assert.match(ports, /^90-92\/udp\n127\.0\.0\.1:\d+->81\/tcp$/)
    assert.match(await cli.ok('ps', '-a', '--filter', `name=${name('3')}`, '--format', '{{.Status}}'), /^Exited \(3\) .* ago$/) // prettier-ignore
    assert.match(await cli.ok('ps', '--filter', `name=${name('4')}`, '--format', '{{.Status}}'), /^Up .* \(Paused\)$/) // prettier-ignore
    assert.equal(await cli.ok('inspect', '-f', '{{.HostsPath}}{{.LogPath}}', name('1')), '')
    assert.match(await cli.ok('inspect', '-f', '{{.HostsPath}}', name('3')), /^\/.*\/hosts$/)
  })
})
