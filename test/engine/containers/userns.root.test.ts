import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ContainerCreateConfig } from '../../../engine/contract/containers.ts'
import { openTestEngine, type TestEngine } from '../../helpers/local-engine.ts'
import { demultiplex } from '../../helpers/raw-stream.ts'

describe('namespaces that one container asks for', () => {
  let host: TestEngine
  before(async () => {
    host = await openTestEngine()
  })
  after(() => host.close())

  async function start(script: string, config: ContainerCreateConfig = {}): Promise<string> {
    const { Id } = await host.engine.containers.create({
      Image: 'busybox',
      Cmd: ['sh', '-c', script],
      ...config,
    })
    await host.engine.containers.start(Id)
    return Id
  }
  async function output(id: string): Promise<string> {
    await (
      await host.engine.containers.wait(id)
    ).exited
    const { stream } = await host.engine.containers.logs(id, { stdout: true, stderr: true })
    return (await demultiplex(stream)).stdout
  }
  async function exec(id: string, script: string): Promise<string> {
    const { Id } = await host.engine.execs.create(id, {
      Cmd: ['sh', '-c', script],
      AttachStdout: true,
    })
    const { stream } = await host.engine.execs.start(Id)
    return (await demultiplex(stream as NonNullable<typeof stream>)).stdout
  }
  const inNetns = (): string[] => fs.readdirSync(path.join(host.instance.runRoot, 'netns'))

  test('UsernsMode "private" gives it a user namespace, "" and "host" the host’s', async () => {
    const script = 'cat /proc/self/uid_map'
    const mapped = (mode: string): Promise<string> =>
      start(script, { HostConfig: { UsernsMode: mode } }).then(output)
    assert.match(await mapped('private'), /^\s+0 1879048192\s+65536\n$/)
    assert.match(await mapped(''), /^\s+0\s+0 4294967295\n$/)
    assert.match(await mapped('host'), /^\s+0\s+0 4294967295\n$/)
    await assert.rejects(
      host.engine.containers.create({ Image: 'busybox', HostConfig: { UsernsMode: 'keep-id' } }),
      /invalid user namespace mode: keep-id/,
    )
    await assert.rejects(
      host.engine.containers.create({
        Image: 'busybox',
        HostConfig: { UsernsMode: 'private', SecurityOpt: ['writable-cgroups=true'] },
      }),
      /writable-cgroups/,
    )
  })

  test('it is entered again by an engine that took over, and nothing of it is left after', async () => {
    const id = await start('sleep 1000', { HostConfig: { UsernsMode: 'private' } })
    assert.equal(inNetns().filter((name) => name.endsWith('.user')).length, 1)
    await host.reopen()
    assert.match(await exec(id, 'id -u; cat /proc/self/uid_map'), /^0\n\s+0 1879048192/)
    assert.equal(inNetns().filter((name) => name.endsWith('.user')).length, 1)
    await host.engine.containers.remove(id, { force: true })
    assert.equal(inNetns().filter((name) => name.endsWith('.user')).length, 0)
  })

  test('a start that fails in it names the step and leaves nothing', async () => {
    for (const [hostConfig, words] of [
      [{ Binds: ['/proc/1:/x'] }, /"\/proc\/1" cannot be had in a user namespace/],
      [
        { Tmpfs: { '/x': 'uid=4294967294' } },
        /error mounting to rootfs at "\/x": invalid argument/,
      ],
      [
        { Sysctls: { 'net.ipv4.ping_group_range': '0 99999999' } },
        /write sysctl .*ping_group_range: invalid argument/,
      ],
    ] as const) {
      await assert.rejects(
        start('true', {
          HostConfig: { ...hostConfig, UsernsMode: 'private' },
        } as ContainerCreateConfig),
        words,
      )
    }
    assert.equal(inNetns().filter((name) => name.endsWith('.user')).length, 0)
    assert.ok(!fs.readFileSync('/proc/self/mountinfo', 'utf8').includes(host.instance.dataRoot))
  })

  test('the sysctl of the domain name is set in either user namespace', async () => {
    for (const UsernsMode of ['private', 'host']) {
      const Sysctls = { 'kernel.domainname': 'sysctl.example' }
      const id = await start('cat /proc/sys/kernel/domainname', {
        HostConfig: { UsernsMode, Sysctls },
      })
      assert.equal(await output(id), 'sysctl.example\n')
    }
  })

  test('NetworkDisabled leaves it a loopback alone', async () => {
    const config = { NetworkDisabled: true, HostConfig: { NetworkMode: 'bridge' } }
    const id = await start('ls /sys/class/net; cat /proc/net/route | wc -l', config)
    assert.equal(await output(id), 'lo\n1\n')
  })

  test('one whose network donor is gone does not keep others from their networks', async () => {
    const donor = await start('sleep 1000')
    const joined = await host.engine.containers.create({
      Image: 'busybox',
      HostConfig: { NetworkMode: `container:${donor}` },
    })
    await host.engine.containers.remove(donor, { force: true })
    await assert.rejects(host.engine.containers.start(joined.Id), /No such container/)
    const { Id: network } = await host.engine.networks.create({ Name: 'beside' })
    const id = await start('ls /sys/class/net', { HostConfig: { NetworkMode: 'beside' } })
    assert.match(await output(id), /eth0/)
    await host.engine.containers.remove(id)
    await host.engine.networks.remove(network)
  })
})
