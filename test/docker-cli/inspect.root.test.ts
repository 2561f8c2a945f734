import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ContainerInspection } from '../../engine/contract/containers.ts'
import { ask } from '../helpers/docker-api.ts'
import { openCli, whyNot } from './harness.ts'
import type { Cli } from './harness.ts'

describe('docker inspect', { skip: await whyNot() }, () => {
  let cli: Cli
  const name = (suffix: string): string => `${cli.prefix}-${suffix}`
  before(async () => {
    cli = await openCli()
  })
  after(() => cli.close())

  const inspect = async (box: string): Promise<ContainerInspection> =>
    JSON.parse(await cli.ok('inspect', '-f', '{{json .}}', box)) as ContainerInspection
  const modes = async (box: string): Promise<Record<string, string | undefined>> =>
    Object.fromEntries(
      ((await inspect(box)).Mounts ?? [])
        .map(({ Destination = '', Mode }) => [Destination, Mode] as const)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    )

  it('has null where nothing was asked for and the image says nothing', async () => {
    const box = name('empty')
    await cli.ok('create', '--name', box, '--entrypoint', 'sh', cli.image)
    const { Config } = await inspect(box)
    assert.equal(Config?.Cmd, null)
    assert.equal(Config?.Volumes, null)
    const asked = { Image: cli.image, Env: [], Volumes: {}, ExposedPorts: {} }
    const made = await ask(cli.socketPath, 'POST', '/containers/create', { body: asked })
    const { Id } = made.json as { Id: string }
    const { Config: whole } = await inspect(Id)
    assert.equal(whole?.Volumes, null)
    assert.equal('ExposedPorts' in (whole ?? {}), false)
    assert.deepEqual(whole?.Env, ['PATH=/bin'])
    await cli.ok('rm', Id)
  })

  it('has no paths to hide of one with privileges, which SELinux does not confine', async () => {
    const box = name('mighty')
    await cli.ok('create', '--name', box, '--privileged', cli.image)
    const { HostConfig } = await inspect(box)
    assert.equal(HostConfig?.MaskedPaths, null)
    assert.equal(HostConfig?.ReadonlyPaths, null)
    assert.deepEqual(HostConfig?.SecurityOpt, ['label=disable'])
    const own = name('own-label')
    await cli.ok('create', '--name', own, '--pid', 'host', '--security-opt', 'label=disable', cli.image) // prettier-ignore
    assert.deepEqual((await inspect(own)).HostConfig?.SecurityOpt, ['label=disable'])
  })

  it('tells the mode of a volume as Docker does: z where none was asked for', async () => {
    const box = name('volumes')
    const volume = name('vol')
    await cli.ok('create', '--name', box, '-v', `${volume}:/plain`, '-v', `${volume}:/ro:ro`, '-v', '/own', '-v', '/tmp:/bind', '--mount', `type=volume,source=${volume},target=/mount,readonly`, cli.image) // prettier-ignore
    assert.deepEqual(await modes(box), {
      '/bind': '',
      '/mount': 'z',
      '/own': '',
      '/plain': 'z',
      '/ro': 'ro',
    })
    const borrower = name('borrower')
    await cli.ok('create', '--name', borrower, '--volumes-from', box, cli.image)
    assert.deepEqual(new Set(Object.values(await modes(borrower))), new Set(['']))
  })

  it('has the networks that NetworkingConfig names and no other, whatever the mode', async () => {
    const [own, other] = [name('own'), name('other')]
    for (const network of [own, other]) await cli.ok('network', 'create', network)
    await cli.ok('run', '-d', '--name', name('near'), '--network', own, cli.image, 'sleep', '1000')
    for (const [index, NetworkMode] of [undefined, 'bridge', other].entries()) {
      const box = name(`named-${String(index)}`)
      const { status, text } = await ask(cli.socketPath, 'POST', `/containers/create?name=${box}`, {
        body: {
          Image: cli.image,
          Cmd: ['sleep', '1000'],
          HostConfig: { NetworkMode },
          NetworkingConfig: { EndpointsConfig: { [own]: {} } },
        },
        version: '1.41',
      })
      assert.equal(status, 201, text)
      await cli.ok('start', box)
      assert.deepEqual(Object.keys((await inspect(box)).NetworkSettings?.Networks ?? {}), [own])
      assert.deepEqual(
        (await cli.ok('exec', box, 'ls', '/sys/class/net')).split(/\s+/).toSorted(),
        ['eth0', 'lo'],
      )
      await cli.ok('exec', box, 'nslookup', name('near'))
    }
  })

  it('knows the network of one that has ended, and no aliases on the default bridge', async () => {
    const box = name('ended')
    await cli.ok('run', '-d', '--name', box, cli.image, 'sleep', '1000')
    const running = (await inspect(box)).NetworkSettings?.Networks?.['bridge']
    assert.equal(running?.Aliases, null)
    await cli.ok('stop', '-t', '0', box)
    const ended = (await inspect(box)).NetworkSettings?.Networks?.['bridge']
    assert.ok(running?.NetworkID)
    assert.equal(ended?.NetworkID, running.NetworkID)
    assert.equal(ended?.IPAddress, '')
  })
})
