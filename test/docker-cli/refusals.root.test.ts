import assert from 'node:assert/strict'
import http from 'node:http'
import { after, before, describe, it } from 'node:test'
import type { HostConfig } from '../../engine/types/docker.ts'
import { ask } from '../helpers/docker-api.ts'
import { openCli, whyNot } from './harness.ts'
import type { Cli } from './harness.ts'

/** What is asked for, the status of its refusal, and its words. */
type Refusal = readonly [asked: unknown, status: number, words: RegExp]

const isOwn = process.env.GANTRY_TEST_DOCKER_HOST === undefined
/** Where dockerd 26 still calls a mistake of the client its own; the newest no longer does. */
const MISTAKE = isOwn ? 400 : 500

const OF_CONFIG: Refusal[] = [
  [null, 400, /config cannot be empty in order to create a container/],
  [{}, 400, /config cannot be empty in order to create a container/],
  [{ Image: '' }, 400, /no command specified/i],
  [{ Image: 'nope' }, 404, /No such image: nope:latest/],
  [{ Image: 'UPPER' }, 400, /repository name \(library\/UPPER\) must be lowercase/],
  [{ Env: [''] }, 400, /invalid environment variable: "/],
  [{ Env: ['=x'] }, 400, /invalid environment variable: =x/],
  [{ StopSignal: 'NOPE' }, 400, /invalid signal: NOPE/],
  [{ WorkingDir: 'x' }, 400, /the working directory 'x' is invalid, it needs to be an absolute path/],
  [{ ExposedPorts: { '80/tcp': 1 } }, 400, /invalid JSON: .*ExposedPorts/],
  [{ Healthcheck: { Test: ['CMD', 'x'], Retries: -1 } }, 400, /Retries in Healthcheck cannot be negative/],
] // prettier-ignore

const OF_HOST_CONFIG: [HostConfig | Record<string, unknown>, number, RegExp][] = [
  [{ CpusetCpus: 'x' }, 400, /Invalid value x for cpuset cpus: invalid format: x/],
  [{ Isolation: 'hyperv' }, MISTAKE, isOwn ? /"invalid isolation \(hyperv\): linux only supports 'default'"/ : /linux only supports 'default'/],
  [{ AutoRemove: true, RestartPolicy: { Name: 'always' } }, 400, /can't create 'AutoRemove' container with restart policy/],
  [{ NetworkMode: 'container:' }, 400, /Invalid network mode: invalid container format container:<name\|id>/],
  [{ IpcMode: 'container:nope' }, 400, /No such container: nope/],
  [{ PidMode: 'container:nope' }, 400, /No such container: nope/],
  [{ VolumesFrom: ['nope'] }, 400, /No such container: nope/],
  [{ Links: ['nope:x'] }, 400, /could not get container for nope: No such container: nope/],
  [{ Annotations: { '': 'x' } }, 400, /the empty string is not permitted as an annotation key/],
  [{ SecurityOpt: ['nope'] }, MISTAKE, /invalid --security-opt 1: \\"nope\\"/],
  [{ SecurityOpt: ['nope=x'] }, MISTAKE, /invalid --security-opt 2: \\"nope=x\\"/],
  [{ Tmpfs: { x: '' } }, 400, /invalid mount path: 'x' mount path must be absolute/],
  [{ Tmpfs: { '/': '' } }, 400, /invalid specification: destination can't be '\/'/],
  [{ Binds: ['x'] }, MISTAKE, /invalid volume specification: 'x': invalid mount config for type \\"volume\\": invalid mount path: 'x' mount path must be absolute/],
  [{ Binds: ['/a:/'] }, MISTAKE, /invalid volume specification: '\/a:\/': invalid mount config for type \\"bind\\": invalid specification: destination can't be '\/'/],
  [{ Binds: ['/a:/b:ro,rw'] }, MISTAKE, /invalid mode: ro,rw/],
  [{ Binds: ['x:/y:shared'] }, MISTAKE, /invalid volume specification: 'x:\/y:shared': invalid mount config for type \\"volume\\": field BindOptions must not be specified/],
  [{ Binds: ['/tmp:/y:nocopy'] }, MISTAKE, /invalid volume specification: '\/tmp:\/y:nocopy': invalid mount config for type \\"bind\\": field VolumeOptions must not be specified/],
  [{ Mounts: [{ Type: 'nope', Target: '/x' }] }, 400, /invalid mount config for type \\"nope\\": mount type unknown/],
  [{ Mounts: [{ Type: 'bind', Target: '/x' }] }, 400, /invalid mount config for type \\"bind\\": field Source must not be empty/],
  [{ Mounts: [{ Type: 'bind', Source: 'rel', Target: '/x' }] }, 400, /invalid mount config for type \\"bind\\": invalid mount path: 'rel' mount path must be absolute/],
  [{ Mounts: [{ Type: 'bind', Source: '/tmp', Target: '/x', BindOptions: { Propagation: 'x' } }] }, 400, /invalid mount config for type \\"bind\\": invalid propagation mode: x/],
  [{ Mounts: [{ Type: 'bind', Source: '/tmp', Target: '/x', VolumeOptions: { NoCopy: true } }] }, 400, /VolumeOptions must not be specified/],
  [{ Mounts: [{ Type: 'volume', Target: '/x', BindOptions: { Propagation: 'slave' } }] }, 400, /BindOptions must not be specified/],
  ...(isOwn
    ? ([
        [{ Mounts: [{ Type: 'volume', Target: '/x', TmpfsOptions: { SizeBytes: 1 } }] }, 400, /TmpfsOptions must not be specified/],
        [{ Mounts: [{ Type: 'tmpfs', Target: '/x', TmpfsOptions: { SizeBytes: -1 } }] }, 400, /SizeBytes must not be negative/],
        [{ Mounts: [{ Type: 'bind', Source: '/tmp', Target: '/x', BindOptions: { ReadOnlyNonRecursive: true } }] }, 400, /mount options conflict: Writable && ReadOnlyNonRecursive/],
        [{ Mounts: [{ Type: 'bind', Source: '/tmp', Target: '/x', ReadOnly: true, BindOptions: { ReadOnlyNonRecursive: true, ReadOnlyForceRecursive: true } }] }, 400, /mount options conflict: ReadOnlyNonRecursive && ReadOnlyForceRecursive/],
      ] satisfies [HostConfig, number, RegExp][])
    : []),
  [{ Mounts: [{ Type: 'volume', Target: '' }] }, 400, /invalid mount config for type \\"volume\\": field Target must not be empty/],
  [{ Mounts: [{ Type: 'volume', Source: 'a b', Target: '/x' }] }, 400, /\\"a b\\" includes invalid characters for a local volume name/],
  [{ Mounts: [{ Type: 'tmpfs', Source: 'x', Target: '/x' }] }, 400, /invalid mount config for type \\"tmpfs\\": field Source must not be specified/],
] // prettier-ignore

describe('bad requests', { skip: await whyNot() }, () => {
  let cli: Cli
  before(async () => {
    cli = await openCli()
  })
  after(() => cli.close())

  /** What is answered otherwise than expected, a line each. */
  async function differences(
    rows: Refusal[],
    send: (asked: unknown) => Promise<{ status: number; text: string }>,
  ): Promise<string[]> {
    const found: string[] = []
    for (const [asked, status, words] of rows) {
      const answer = await send(asked)
      if (answer.status !== status || !words.test(answer.text))
        found.push(`${JSON.stringify(asked)}: ${String(answer.status)} ${answer.text.trim()}`)
    }
    return found
  }
  const create = (body: unknown) =>
    ask(cli.socketPath, 'POST', '/containers/create', { body, version: '1.45' })

  it('for a container are refused in Docker’s words', async () => {
    const withImage = (config: unknown): unknown =>
      config === null ||
      Object.hasOwn(config as object, 'Image') ||
      Object.keys(config as object).length === 0
        ? config
        : { Image: cli.image, ...(config as object) }
    assert.deepEqual(await differences(OF_CONFIG, (config) => create(withImage(config))), [])
    const ofHost = await differences(OF_HOST_CONFIG, (HostConfig) =>
      create({ Image: cli.image, HostConfig }),
    )
    assert.deepEqual(ofHost, [])
    const path = '/containers/create?platform='
    const rows: Refusal[] = [
      ['linux/s390x', 404, /was found but .*does not match the specified platform/],
      ['a/b/c/d', 400, /platform|invalid/],
    ]
    const ofPlatform = await differences(rows, (platform) =>
      ask(cli.socketPath, 'POST', path + String(platform), { body: { Image: cli.image } }),
    )
    assert.deepEqual(ofPlatform, [])
  })

  it('to kill say whom and why', async () => {
    const kill = (query: unknown) =>
      ask(cli.socketPath, 'POST', `/containers/nope/kill?signal=${String(query)}`)
    const rows: Refusal[] = [
      ['TERM', 404, /cannot kill container: nope: No such container: nope/],
      ['NOPE', 400, /cannot kill container: nope: invalid signal: NOPE/],
      ['0', 400, /cannot kill container: nope: invalid signal: 0/],
      ['65', 400, /cannot kill container: nope: the linux daemon does not support signal 65/],
    ]
    assert.deepEqual(await differences(rows, kill), [])
  })

  it('may come as a form, of which the parameters count', async () => {
    const box = `${cli.prefix}-form`
    await cli.ok('run', '-d', '--name', box, cli.image, 'sleep', '1000')
    const status = await new Promise((resolve, reject) => {
      const request = http.request(
        {
          socketPath: cli.socketPath,
          method: 'POST',
          path: `/containers/${box}/kill?signal=KILL`,
          headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': 11 },
        },
        (response) => {
          response.resume()
          resolve(response.statusCode)
        },
      )
      request.on('error', reject)
      request.end('signal=NOPE')
    })
    assert.equal(status, 400)
    assert.equal(await cli.ok('inspect', '-f', '{{.State.Running}}', box), 'true')
  })

  it('to stop, restart, rename and resize say what could not be done', async () => {
    const name = `${cli.prefix}-box`
    const other = `${cli.prefix}-other`
    await cli.ok('run', '-d', '--name', name, cli.image, 'sleep', '1000')
    await cli.ok('create', '--name', other, cli.image)
    const rows: Refusal[] = [
      [`${name}/stop?signal=NOPE`, MISTAKE, /cannot stop container: \S+: invalid signal: NOPE/],
      [`${name}/stop?t=x`, MISTAKE, /strconv.Atoi: parsing \\"x\\": invalid syntax/],
      [`${name}/restart?signal=NOPE`, MISTAKE, /Cannot restart container \S+: invalid signal: NOPE/],
      // nothing is done, so nothing is wrong
      [`${other}/stop?signal=NOPE`, 304, /^$/],
      [`${name}/rename?name=${other}`, 409, /Error when allocating new name: Conflict. The container name \\"\S+-other\\" is already in use/],
      [`${name}/rename?name=a/b`, 400, /Error when allocating new name: Invalid container name \(\/a\/b\)/],
      [`${name}/rename?name=${name}`, 400, /"Renaming a container with the same name as its current name"/],
      [`${name}/resize?h=x&w=1`, 400, /invalid (syntax|resize height \\"x\\": invalid syntax)/],
      [`${name}/resize?h=1`, 400, /invalid (syntax|resize width \\"\\": invalid syntax)/],
      [`nope/logs`, 400, /you must choose at least one stream/],
    ] // prettier-ignore
    const post = (path: unknown) =>
      ask(
        cli.socketPath,
        String(path).endsWith('/logs') ? 'GET' : 'POST',
        `/containers/${String(path)}`,
        { version: '1.45' },
      )
    assert.deepEqual(await differences(rows, post), [])
  })

  it('for what is not in the right state name it as the client does', async () => {
    const box = `${cli.prefix}-held`
    await cli.ok('run', '-d', '--name', box, cli.image, 'sleep', '1000')
    await cli.ok('pause', box)
    const post = (path: unknown) =>
      ask(cli.socketPath, 'POST', `/containers/${box}/${String(path)}`, {
        body: { Cmd: ['ls'] },
      })
    const rows: Refusal[] = [
      ['exec', 409, new RegExp(`"Container ${box} is paused, unpause the container before exec"`)],
      ['attach?stream=1&stdout=1', 409, new RegExp(`container ${box} is paused, unpause the container before attach`)],
    ] // prettier-ignore
    assert.deepEqual(await differences(rows, post), [])
    await cli.ok('unpause', box)
  })

  it('of the twenty commonest kinds begin with Docker’s words', async () => {
    const box = `${cli.prefix}-common`
    const idle = `${cli.prefix}-idle`
    const net = `${cli.prefix}-net`
    const vol = `${cli.prefix}-vol`
    await cli.ok('network', 'create', net)
    await cli.ok('run', '-d', '--name', box, '--network', net, '-v', `${vol}:/x`, cli.image, 'sleep', '1000') // prettier-ignore
    await cli.ok('run', '--name', idle, cli.image, 'true')
    const hosts = `${cli.prefix}-hosts`
    await cli.ok('run', '-d', '--name', hosts, '--network', 'host', cli.image, 'sleep', '1000')
    const image = cli.image.split(':')[0] ?? ''
    const rows: [string, unknown, number, RegExp][] = [
      ['GET /containers/nope/json', undefined, 404, /^No such container: nope$/],
      ['POST /containers/nope/start', undefined, 404, /^No such container: nope$/],
      ['GET /images/nope/json', undefined, 404, /^(no such image: nope: )?No such image: nope:latest$/],
      ['DELETE /images/nope', undefined, 404, /^No such image: nope:latest$/],
      ['DELETE /images/%20', undefined, 400, /^image name cannot be blank$/],
      ['GET /images/nope/get', undefined, 404, /^No such image: nope$/],
      ['GET /networks/nope', undefined, 404, /^network nope not found$/],
      ['GET /volumes/nope', undefined, 404, /^get nope: no such volume$/],
      ['GET /exec/nope/json', undefined, 404, /^No such exec instance: nope$/],
      [`POST /containers/create?name=${idle}`, { Image: cli.image }, 409, new RegExp(`^Conflict\\. The container name "/${idle}" is already in use by container "?[0-9a-f]{64}"?\\. You have to remove \\(or rename\\) that container`)],
      ['POST /containers/create?name=-x', { Image: cli.image }, 400, /^Invalid container name \(-x\), only \[a-zA-Z0-9\]\[a-zA-Z0-9_\.-\] are allowed$/],
      [`POST /images/${image}:1/tag?repo=a:b:c`, undefined, MISTAKE, /^invalid reference format$/],
      [`DELETE /volumes/${vol}`, undefined, 409, new RegExp(`^remove ${vol}: volume is in use - \\[[0-9a-f]{64}\\]$`)],
      [`DELETE /networks/${net}`, undefined, 403, new RegExp(`^error while removing network: network ${net} .*has active endpoints`)],
      ['DELETE /networks/bridge', undefined, 403, /^bridge is a pre-defined network and cannot be removed$/],
      [`DELETE /images/${image}:1?`, undefined, 409, /^conflict: unable to (remove repository reference|delete) /],
      [`POST /networks/nope/disconnect`, { Container: box, Force: true }, isOwn ? 403 : 500, /^container [0-9a-f]{64} is not connected to the network nope$/],
      ['POST /networks/none/connect', { Container: box }, 400, /^container cannot be connected to multiple networks with one of the networks in private \(none\) mode$/],
      ['POST /networks/none/connect', { Container: box, EndpointConfig: { Aliases: ['x'] } }, 400, /network-scoped alias(es are only supported for user-defined| is supported only for containers in user defined) networks/],
      ['POST /networks/host/connect', { Container: box }, 400, /^cannot connect container to host network - container must be created in host network mode$/],
      ['POST /networks/host/disconnect', { Container: hosts }, 400, /^cannot disconnect container from host network - container was created in host network mode$/],
      ['GET /containers/nope/attach/ws', undefined, 404, /^No such container: nope$/],
      [`POST /containers/${idle}/exec`, { Cmd: ['ls'] }, 409, /^container [0-9a-f]{64} is not running$/i],
      [`POST /containers/${idle}/kill`, undefined, 409, new RegExp(`^cannot kill container: ${idle}: container [0-9a-f]{64} is not running$`, 'i')],
      ['POST /containers/create', { Image: cli.image, HostConfig: { Memory: 1 } }, 400, /^Minimum memory limit allowed is 6MB$/],
      ['POST /containers/create', { Image: cli.image, HostConfig: { NetworkMode: 'host', Links: ['x'] } }, 400, /^conflicting options: host type networking can't be used with links/],
      [`DELETE /containers/${box}`, undefined, 409, isOwn ? new RegExp(`^cannot remove container "${box}": container is running: stop the container before removing or force remove$`) : /cannot remove a|container is running/],
    ] // prettier-ignore
    const found: string[] = []
    for (const [request, body, status, words] of rows) {
      const [method = '', path = ''] = request.split(' ')
      const answer = await ask(cli.socketPath, method, path, body === undefined ? {} : { body })
      const { message } = (answer.json ?? {}) as { message?: string }
      if (answer.status !== status || !words.test(message ?? ''))
        found.push(`${request}: ${String(answer.status)} ${answer.text.trim()}`)
    }
    assert.deepEqual(found, [])
    const nowhere = await cli.run(['run', '--rm', '-w', '/etc/passwd', cli.image, 'true'])
    assert.match(nowhere.stderr, /daemon: Cannot mkdir: \/etc\/passwd is not a directory/)
    assert.equal(nowhere.code, 125)
  })

  it('for an exec are refused when it is made', async () => {
    const box = `${cli.prefix}-execs`
    await cli.ok('run', '-d', '--name', box, cli.image, 'sleep', '1000')
    const rows: Refusal[] = [
      [{}, 400, /No exec command specified/],
      [{ Cmd: 'ls' }, 400, /invalid JSON: .*Cmd/],
      [{ Cmd: ['ls'], DetachKeys: 'zz' }, MISTAKE, /Invalid (escape|detach) keys \(zz\) provided/],
      // dockerd 26 finds out at the start
      ...(isOwn ? [[{ Cmd: ['ls'], User: 'nope' }, 400, /unable to find user nope/] as const] : []),
    ]
    const create = (body: unknown) =>
      ask(cli.socketPath, 'POST', `/containers/${box}/exec`, { body, version: '1.45' })
    assert.deepEqual(await differences(rows, create), [])
    const made = await create({ Cmd: ['ls', '-l'], DetachKeys: 'ctrl-a', ConsoleSize: [1] })
    const { Id } = made.json as { Id: string }
    const { json } = await ask(cli.socketPath, 'GET', `/exec/${Id}/json`)
    const { DetachKeys, ProcessConfig } = json as { DetachKeys: string; ProcessConfig: object }
    assert.equal(DetachKeys, 'AQ==')
    assert.deepEqual(ProcessConfig, {
      tty: false,
      entrypoint: 'ls',
      arguments: ['-l'],
      privileged: false,
    })
  })

  it('for a version that is too old are told so, and OPTIONS are answered', async () => {
    const old = await ask(cli.socketPath, 'GET', '/version', { version: '1' })
    assert.deepEqual([old.status, old.json], [400, {
      message: 'client version 1 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version',
    }]) // prettier-ignore
    const options = await ask(cli.socketPath, 'OPTIONS', '/containers/json')
    assert.deepEqual([options.status, options.text], [200, ''])
  })

  it('are none: host names that only the kernel judges, null for a text, a reservation taken away', async () => {
    const named = await create({ Image: cli.image, Hostname: `-a_b!${'c'.repeat(59)}` })
    assert.equal(named.status, 201, named.text)
    const empty = await create({
      Image: cli.image,
      Labels: { a: null },
      Env: ['A=1'],
      Volumes: null,
    })
    assert.equal(empty.status, 201, empty.text)
    const { Id } = empty.json as { Id: string }
    const made = await ask(cli.socketPath, 'GET', `/containers/${Id}/json`)
    assert.deepEqual((made.json as { Config: { Labels: object } }).Config.Labels, { a: '' })
    const updated = await ask(cli.socketPath, 'POST', `/containers/${Id}/update`, {
      body: { MemoryReservation: -1 },
    })
    assert.equal(updated.status, 200, updated.text)
    const published = await create({
      Image: cli.image,
      HostConfig: { NetworkMode: 'host', PortBindings: { '80/tcp': [{}] } },
    })
    assert.match(published.text, /Published ports are discarded when using host network mode/)
  })
})
