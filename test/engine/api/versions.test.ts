import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import type {
  ContainerCreateConfig,
  ContainerCreateOptions,
  ContainerInspection,
  ContainerUpdate,
} from '../../../engine/contract/containers.ts'
import type { ContainerSummary, EventMessage, ImageInspect } from '../../../engine/types/docker.ts'
import { openDoor } from './door.ts'
import type { Answer, Door } from './door.ts'

const OLDEST = '1.24'
const NEWEST = '1.56'

interface Created {
  config: ContainerCreateConfig
  options: ContainerCreateOptions
}

/** A door that keeps what it was asked to create, and gives the answer of each creation. */
async function createDoor(
  t: TestContext,
  cgroups: '1' | '2' = '1',
): Promise<
  (version: string, body: object, query?: string) => Promise<Created & { answer: Answer }>
> {
  let seen: Created | undefined
  const door = await openDoor(t, {
    containers: {
      create: (config, options = {}) => {
        seen = JSON.parse(JSON.stringify({ config, options })) as Created
        return Promise.resolve({ Id: 'x', Warnings: ['own'] })
      },
    },
    system: { info: () => Promise.resolve({ CgroupVersion: cgroups }) },
  })
  return async (version, body, query = '') => {
    seen = undefined
    const text = JSON.stringify({ Image: 'busybox', ...body })
    const answer = await door.request('POST', `/v${version}/containers/create${query}`, text)
    return { ...(seen ?? { config: {}, options: {} }), answer }
  }
}

function words({ text }: Answer): { message?: string; Warnings?: string[] } {
  return JSON.parse(text) as { message?: string; Warnings?: string[] }
}

describe('POST /containers/create by version', () => {
  it('has the defaults of then', async (t) => {
    const create = await createDoor(t)
    const host = async (version: string): Promise<unknown> => {
      const { NetworkMode, IpcMode, CgroupnsMode } =
        (await create(version, {})).config.HostConfig ?? {}
      return [NetworkMode, IpcMode, CgroupnsMode]
    }
    assert.deepEqual(await host('1.39'), ['bridge', 'shareable', 'host'])
    assert.deepEqual(await host('1.40'), ['bridge', undefined, 'host'])
    assert.deepEqual(await host('1.41'), ['bridge', undefined, undefined])
    const onUnified = await createDoor(t, '2')
    assert.equal((await onUnified('1.40', {})).config.HostConfig?.CgroupnsMode, undefined)
  })

  it('takes out what came later', async (t) => {
    const create = await createDoor(t)
    const body = {
      Healthcheck: { Test: ['CMD', 'true'], StartInterval: 5e9 },
      HostConfig: {
        Annotations: { a: 'b' },
        ConsoleSize: [10, 20],
        Mounts: [
          {
            Type: 'bind',
            Source: '/a',
            Target: '/a',
            BindOptions: { NonRecursive: true, CreateMountpoint: true },
          },
        ],
      },
      NetworkingConfig: { EndpointsConfig: { n: { GwPriority: 3 } } },
    }
    const made = async (version: string): Promise<unknown> => {
      const { config, options } = await create(version, body, '?platform=linux/amd64')
      const { Annotations, ConsoleSize, Mounts } = config.HostConfig ?? {}
      return [
        Annotations === undefined,
        ConsoleSize === undefined,
        Mounts?.[0]?.BindOptions,
        config.Healthcheck?.StartInterval,
        config.NetworkingConfig?.EndpointsConfig?.n?.GwPriority,
        options.platform,
      ]
    }
    assert.deepEqual(await made('1.39'), [true, true, {}, undefined, undefined, undefined])
    assert.deepEqual(await made('1.41'), [
      true,
      true,
      { NonRecursive: true },
      undefined,
      undefined,
      'linux/amd64',
    ])
    assert.deepEqual(await made('1.42'), [
      true,
      false,
      { NonRecursive: true, CreateMountpoint: true },
      undefined,
      undefined,
      'linux/amd64',
    ])
    assert.deepEqual(((await made('1.44')) as unknown[]).slice(0, 5), [
      false,
      false,
      { NonRecursive: true, CreateMountpoint: true },
      5e9,
      undefined,
    ])
    assert.equal(((await made(NEWEST)) as unknown[])[4], 3)
  })

  it('refuses what its version could not say', async (t) => {
    const create = await createDoor(t)
    const refusal = async (version: string, body: object): Promise<string | undefined> => {
      const { answer } = await create(version, body)
      return answer.status === 400 ? words(answer).message : undefined
    }
    const two = { NetworkingConfig: { EndpointsConfig: { a: {}, b: {} } } }
    assert.equal(
      await refusal('1.43', two),
      'Container cannot be created with multiple network endpoints: a, b',
    )
    assert.equal(await refusal('1.44', two), undefined)
    const mount = (options: object): object => ({
      HostConfig: { Mounts: [{ Target: '/x', ...options }] },
    })
    const image = mount({ Type: 'image', Source: 'i' })
    assert.equal(await refusal('1.47', image), 'Mount type "Image" needs API v1.48 or newer')
    assert.equal(await refusal('1.48', image), undefined)
    const options = mount({ Type: 'volume', ImageOptions: { Subpath: 'a' } })
    const { config } = await create('1.47', options)
    assert.equal(config.HostConfig?.Mounts?.[0]?.ImageOptions, undefined)
    const subpath = mount({ Type: 'volume', VolumeOptions: { Subpath: 'a' } })
    assert.equal(await refusal('1.44', subpath), 'VolumeOptions.Subpath needs API v1.45 or newer')
    const force = mount({ Type: 'bind', BindOptions: { ReadOnlyForceRecursive: true } })
    assert.equal(
      await refusal('1.43', force),
      'BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer',
    )
    const mixed = mount({ Type: 'tmpfs', VolumeOptions: {} })
    assert.equal(
      await refusal('1.42', mixed),
      'VolumeOptions must not be specified on mount type "tmpfs"',
    )
    assert.equal(await refusal('1.41', mixed), undefined)
    const capabilities = { HostConfig: { Capabilities: ['CHOWN'] } }
    assert.match(
      (await refusal('1.40', capabilities)) ?? '',
      /HostConfig\.Capabilities field is not supported/,
    )
    assert.equal(await refusal('1.41', capabilities), undefined)
  })

  it('finds the place of a MAC address', async (t) => {
    const create = await createDoor(t)
    const mac = '02:42:ac:11:00:02'
    const endpointsOf = (made: Created): unknown => made.config.NetworkingConfig?.EndpointsConfig
    assert.deepEqual(endpointsOf(await create('1.43', { MacAddress: mac })), {
      bridge: { MacAddress: mac },
    })
    const other = {
      MacAddress: mac,
      HostConfig: { NetworkMode: 'n' },
      NetworkingConfig: { EndpointsConfig: { m: {} } },
    }
    assert.deepEqual(endpointsOf(await create('1.43', other)), { m: { MacAddress: mac } })
    assert.match(
      words((await create('1.44', other)).answer).message ?? '',
      /must match the identity of a network/,
    )
    const host = { MacAddress: mac, HostConfig: { NetworkMode: 'host' } }
    assert.equal(
      words((await create('1.43', host)).answer).message,
      'conflicting options: mac-address and the network mode',
    )
    assert.match(
      words((await create('1.51', host)).answer).Warnings?.[1] ?? '',
      /^The container-wide MacAddress field is now deprecated/,
    )
    assert.match(
      words((await create('1.52', host)).answer).message ?? '',
      /^container-wide MAC address no longer supported/,
    )
    const own = { NetworkingConfig: { EndpointsConfig: { n: { MacAddress: mac } } } }
    assert.deepEqual(endpointsOf(await create('1.43', own)), { n: {} })
    assert.deepEqual(endpointsOf(await create('1.44', own)), { n: { MacAddress: mac } })
  })

  it('warns in the words of the version', async (t) => {
    const create = await createDoor(t)
    const warnings = async (version: string, body: object): Promise<number | undefined> =>
      words((await create(version, body)).answer).Warnings?.length
    const memory = { HostConfig: { KernelMemory: 1e9, KernelMemoryTCP: 1e9 } }
    assert.deepEqual(
      [
        await warnings('1.39', memory),
        await warnings('1.40', memory),
        await warnings('1.42', memory),
        await warnings('1.52', memory),
      ],
      [2, 3, 2, 1],
    )
    const ports = { HostConfig: { PortBindings: { '80/tcp': [] } } }
    assert.deepEqual([await warnings('1.51', ports), await warnings('1.52', ports)], [1, 2])
    const driver = {
      HostConfig: { VolumeDriver: 'local', Mounts: [{ Type: 'volume', Target: '/v' }] },
    }
    assert.deepEqual([await warnings('1.47', driver), await warnings('1.48', driver)], [1, 2])
  })

  it('takes keys in any letters, the exact one first, as Go does', async (t) => {
    const create = await createDoor(t)
    const { config } = await create(NEWEST, {
      hostname: 'lower',
      HOSTCONFIG: { memory: 7, Memory: 9e6, networkmode: 'none' },
    })
    assert.equal(config.Hostname, 'lower')
    assert.equal(config.HostConfig?.Memory, 9e6)
    assert.equal(config.HostConfig.NetworkMode, 'none')
  })
})

describe('other requests by version', () => {
  it('drops from updates what came later', async (t) => {
    let seen: ContainerUpdate = {}
    const door = await openDoor(t, {
      containers: {
        update: (_id, update) => {
          seen = JSON.parse(JSON.stringify(update)) as ContainerUpdate
          return Promise.resolve({ Warnings: [] })
        },
      },
    })
    const body = JSON.stringify({ PidsLimit: 5, CpuShares: 7, BlkioDeviceReadBps: [] })
    const fields = async (version: string): Promise<string[]> => {
      await door.request('POST', `/v${version}/containers/x/update`, body)
      return Object.keys(seen).sort()
    }
    assert.deepEqual(await fields('1.39'), ['CpuShares'])
    assert.deepEqual(await fields('1.54'), ['CpuShares', 'PidsLimit'])
    assert.deepEqual(await fields('1.55'), ['BlkioDeviceReadBps', 'CpuShares', 'PidsLimit'])
  })

  it('reads the signal of a stop, the size of an exec and one-shot stats from when they were there', async (t) => {
    const seen: unknown[] = []
    const door = await openDoor(t, {
      containers: {
        stop: (_id, options) => {
          seen.push(options?.signal)
          return Promise.resolve()
        },
        async *stats(_id, options) {
          seen.push(options?.oneShot)
          yield await Promise.resolve({})
        },
      },
      execs: {
        create: (_id, config) => {
          seen.push(config.ConsoleSize)
          return Promise.resolve({ Id: 'e' })
        },
      },
    })
    for (const version of ['1.40', '1.42']) {
      await door.request('POST', `/v${version}/containers/x/stop?signal=HUP`)
      await door.request(
        'POST',
        `/v${version}/containers/x/exec`,
        '{"Cmd":["a"],"ConsoleSize":[1,2]}',
      )
      await door.request('GET', `/v${version}/containers/x/stats?stream=0&one-shot=1`)
    }
    assert.deepEqual(seen, [undefined, undefined, false, 'HUP', [1, 2], true])
  })

  it('waits as the version does', async (t) => {
    const seen: unknown[] = []
    const door = await openDoor(t, {
      containers: {
        wait: (_id, condition) => {
          seen.push(condition)
          return Promise.resolve({ exited: Promise.reject(new Error('cannot remove')) })
        },
      },
    })
    const wait = (version: string): Promise<Answer> =>
      door.request('POST', `/v${version}/containers/x/wait?condition=removed`)
    assert.equal((await wait('1.33')).text, '')
    assert.deepEqual(JSON.parse((await wait('1.34')).text), {
      StatusCode: 125,
      Error: { Message: 'cannot remove' },
    })
    await wait('1.29')
    assert.deepEqual(seen, ['removed', 'removed', 'not-running'])
    assert.equal((await door.request('POST', '/v1.30/containers/x/wait?condition=odd')).status, 400)
    assert.equal((await door.request('POST', '/v1.29/containers/x/wait?condition=odd')).status, 200)
  })

  it('starts no container with a body, also of unknown length', async (t) => {
    const door = await openDoor(t, { containers: { start: () => Promise.resolve() } })
    const start = (headers: Record<string, string>, body?: string): Promise<Answer> =>
      door.request('POST', '/containers/x/start', body, headers)
    assert.equal((await start({}, '{}')).status, 204)
    assert.equal((await start({}, '{"Binds":[]}')).status, 400)
    assert.equal((await start({ 'Transfer-Encoding': 'chunked' }, '{}')).status, 400)
  })
})

describe('answers by version', () => {
  it('lists containers without what came later', async (t) => {
    const container: ContainerSummary = {
      Id: 'x',
      HostConfig: { NetworkMode: 'bridge', Annotations: { a: 'b' } },
      Health: { Status: 'healthy', FailingStreak: 0 },
      ImageManifestDescriptor: { digest: 'sha256:0' },
    }
    const door = await openDoor(t, { containers: { list: () => Promise.resolve([container]) } })
    const keys = async (version: string): Promise<string> => {
      const [first] = (await door.json('GET', `/v${version}/containers/json`)) as ContainerSummary[]
      return [...Object.keys(first ?? {}), ...Object.keys(first?.HostConfig ?? {})].join(' ')
    }
    assert.equal(await keys(OLDEST), 'Id HostConfig NetworkMode')
    assert.equal(await keys('1.46'), 'Id HostConfig NetworkMode Annotations')
    assert.equal(
      await keys('1.48'),
      'Id HostConfig ImageManifestDescriptor NetworkMode Annotations',
    )
    assert.equal(
      await keys(NEWEST),
      'Id HostConfig Health ImageManifestDescriptor NetworkMode Annotations',
    )
    assert.ok('Health' in container, 'the engine keeps its own')
  })

  it('inspects a container with what was there once', async (t) => {
    const container: ContainerInspection = {
      Id: '0123456789abcdef',
      Config: { Hostname: 'host', MacAddress: '02:00:00:00:00:01' },
      HostConfig: { NetworkMode: 'bridge' },
      NetworkSettings: {
        SandboxID: 's',
        Networks: { bridge: { IPAddress: '10.0.0.2', IPPrefixLen: 24 }, own: { Aliases: ['a'] } },
      },
    }
    const door = await openDoor(t, { containers: { inspect: () => Promise.resolve(container) } })
    const inspect = async (version: string): Promise<Record<string, Record<string, unknown>>> =>
      (await door.json('GET', `/v${version}/containers/x/json`)) as Record<
        string,
        Record<string, unknown>
      >
    const newest = await inspect(NEWEST)
    assert.deepEqual(Object.keys(newest.NetworkSettings ?? {}), ['SandboxID', 'Networks'])
    assert.deepEqual(newest.Config, { Hostname: 'host' })
    const before = await inspect('1.51')
    assert.equal(before.NetworkSettings?.IPAddress, '10.0.0.2')
    assert.equal(before.NetworkSettings?.IPPrefixLen, 24)
    assert.equal(before.NetworkSettings?.Bridge, '')
    assert.equal(before.NetworkSettings?.MacAddress, '')
    assert.equal(before.Config?.MacAddress, '02:00:00:00:00:01')
    const aliases = (settings: unknown): unknown =>
      (settings as ContainerInspection['NetworkSettings'])?.Networks?.own?.Aliases
    assert.deepEqual(aliases(before.NetworkSettings), ['a'])
    assert.deepEqual(aliases((await inspect('1.44')).NetworkSettings), [
      'a',
      '0123456789ab',
      'host',
    ])
  })

  it('tells images as they were told', async (t) => {
    const image: ImageInspect = {
      Id: 'i',
      Size: 5,
      Comment: '',
      Author: '',
      Config: { Cmd: ['sh'] },
    }
    const summary = {
      Id: 'i',
      ParentId: '',
      RepoTags: [],
      RepoDigests: [],
      Created: 1,
      Size: 5,
      SharedSize: -1,
      Labels: {},
      Containers: 2,
      Descriptor: { digest: 'sha256:0' },
    }
    const seen: unknown[] = []
    const door = await openDoor(t, {
      images: {
        inspect: () => Promise.resolve(image),
        list: (options) => {
          seen.push(options?.filters, options?.sharedSize)
          return Promise.resolve([summary])
        },
      },
    })
    const inspect = (version: string): Promise<unknown> =>
      door.json('GET', `/v${version}/images/i/json`)
    assert.deepEqual(await inspect(NEWEST), { Id: 'i', Size: 5, Config: { Cmd: ['sh'] } })
    const at151 = (await inspect('1.51')) as Record<string, unknown>
    assert.deepEqual([at151.Parent, at151.DockerVersion, at151.VirtualSize], ['', '', undefined])
    assert.deepEqual(at151.Config, {
      Cmd: ['sh'],
      Entrypoint: null,
      Env: null,
      Labels: null,
      OnBuild: null,
      User: '',
      Volumes: null,
      WorkingDir: '',
    })
    const at143 = (await inspect('1.43')) as Record<string, Record<string, unknown>>
    assert.deepEqual([at143.VirtualSize, at143.Config?.Tty, at143.Container], [5, false, ''])

    const platform = (version: string, architecture: string, more = ''): Promise<Answer> =>
      door.request(
        'GET',
        `/v${version}/images/i/json?${more}platform=${encodeURIComponent(JSON.stringify({ os: 'linux', architecture }))}`,
      )
    Object.assign(image, { Os: 'linux', Architecture: 'amd64' })
    const statuses = await Promise.all([
      platform('1.49', 'amd64'),
      platform('1.49', 'arm64'),
      platform('1.48', 'arm64'),
      platform('1.49', ''),
      platform('1.49', 'amd64', 'manifests=1&'),
      platform('1.48', 'amd64', 'manifests=1&'),
    ])
    assert.deepEqual(
      statuses.map(({ status }) => status),
      [200, 404, 200, 400, 400, 200],
    )

    const list = async (version: string): Promise<Record<string, unknown>> => {
      const images = await door.json('GET', `/v${version}/images/json?filter=a&shared-size=1`)
      return (images as Record<string, unknown>[])[0] ?? {}
    }
    const old = await list('1.40')
    assert.deepEqual(
      [old.RepoTags, old.VirtualSize, old.Containers, old.Descriptor],
      [['<none>:<none>'], 5, -1, undefined],
    )
    assert.deepEqual(await list(NEWEST), summary)
    assert.deepEqual(seen, [{ reference: ['a'] }, false, undefined, true])
  })

  it('tells of networks what their list told', async (t) => {
    const network = { Name: 'n', Containers: { c: {} }, Status: { IPAM: {} } }
    const door = await openDoor(t, {
      networks: { list: () => Promise.resolve([network]), inspect: () => Promise.resolve(network) },
    })
    const [list27, list28, list52] = await Promise.all(
      ['1.27', '1.28', '1.52'].map((version) => door.json('GET', `/v${version}/networks`)),
    )
    assert.deepEqual(list27, [{ Name: 'n', Containers: { c: {} } }])
    assert.deepEqual(list28, [{ Name: 'n', Containers: {} }])
    assert.deepEqual(list52, [{ Name: 'n' }])
    assert.deepEqual(await door.json('GET', '/v1.51/networks/n'), {
      Name: 'n',
      Containers: { c: {} },
    })
    assert.deepEqual(await door.json('GET', '/v1.52/networks/n'), network)
  })

  it('tells the system as it was told', async (t) => {
    const door = await openDoor(t, {
      system: {
        info: () =>
          Promise.resolve({
            RuncCommit: { ID: 'a' },
            RegistryConfig: { Mirrors: [] },
            FirewallBackend: { Driver: 'nftables' },
            DiscoveredDevices: [],
            Runtimes: { own: { path: 'p', status: { a: 'b' } } },
            SecurityOptions: ['name=seccomp,profile=builtin'],
          }),
      },
    })
    const info = async (version: string): Promise<Record<string, unknown>> =>
      (await door.json('GET', `/v${version}/info`)) as Record<string, unknown>
    const oldest = await info(OLDEST)
    assert.deepEqual(oldest.SecurityOptions, ['seccomp'])
    assert.deepEqual(oldest.Runtimes, { own: { path: 'p' } })
    assert.deepEqual(oldest.RuncCommit, { ID: 'a', Expected: 'a' })
    assert.equal(oldest.BridgeNfIptables, false)
    assert.ok(!('FirewallBackend' in oldest) && !('DiscoveredDevices' in oldest))
    const at149 = await info('1.49')
    assert.ok('FirewallBackend' in at149 && !('DiscoveredDevices' in at149))
    assert.deepEqual(Object.keys(await info(NEWEST)).includes('BridgeNfIptables'), false)
  })

  it('measures disks in both shapes', async (t) => {
    const door = await openDoor(t, {
      system: {
        diskUsage: ({ types } = {}) =>
          Promise.resolve({
            ...(types?.length === 0
              ? { ImageUsage: { TotalSize: 9, TotalCount: 1, Items: [{ Size: 9 }] } }
              : {}),
            VolumeUsage: { TotalCount: 0, Items: [] },
          }),
      },
    })
    const df = (version: string, query = ''): Promise<unknown> =>
      door.json('GET', `/v${version}/system/df${query}`)
    assert.deepEqual(await df('1.43'), {
      LayersSize: 9,
      Images: [{ Size: 9, VirtualSize: 9 }],
      Volumes: [],
    })
    assert.deepEqual(await df('1.51'), { LayersSize: 9, Images: [{ Size: 9 }], Volumes: [] })
    assert.deepEqual(await df('1.41', '?type=volume'), await df('1.43'))
    assert.deepEqual(await df('1.51', '?type=volume'), { Volumes: [] })
    assert.deepEqual(await df('1.52'), {
      LayersSize: 9,
      Images: [{ Size: 9 }],
      Volumes: [],
      ImageUsage: { TotalSize: 9, TotalCount: 1 },
      VolumeUsage: { TotalCount: 0 },
    })
    assert.deepEqual(await df(NEWEST, '?verbose=1&type=volume&type=image'), {
      VolumeUsage: { TotalCount: 0, Items: [] },
    })
    assert.equal((await door.request('GET', '/system/df?type=moon')).status, 400)
  })

  it('tells events in the form that the client takes', async (t) => {
    const events: EventMessage[] = [
      { Type: 'container', Action: 'start', Actor: { ID: 'c', Attributes: { image: 'i' } } },
      { Type: 'image', Action: 'create', Actor: { ID: 'i' } },
      { Type: 'image', Action: 'pull', Actor: { ID: 'i' } },
    ]
    const door = await openDoor(t, {
      system: {
        async *events() {
          yield* await Promise.resolve(events)
        },
      },
    })
    const told = async (version: string, accept?: string): Promise<Answer> =>
      door.request('GET', `/v${version}/events`, undefined, accept === undefined ? {} : { accept })
    const lines = ({ text }: Answer): unknown[] =>
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown)
    const old = await told('1.45')
    assert.equal(old.headers['content-type'], 'application/json')
    assert.deepEqual(lines(old), [
      { status: 'start', id: 'c', from: 'i', ...events[0] },
      { status: 'pull', id: 'i', ...events[2] },
    ])
    assert.equal(lines(await told('1.46')).length, 3)
    const newest = await told(NEWEST)
    assert.equal(newest.headers['content-type'], 'application/jsonl')
    assert.deepEqual(lines(newest), events)
    // tools that name no version are of any age
    const unnamed = lines(await door.request('GET', '/events'))
    assert.deepEqual(unnamed[0], { status: 'start', id: 'c', from: 'i', ...events[0] })
    assert.equal(unnamed.length, 3)
    const sequence = await told(
      NEWEST,
      'application/json;q=1, application/x-ndjson;q=0.5, application/json-seq;q=0.9',
    )
    assert.equal(sequence.headers['content-type'], 'application/json-seq')
    assert.equal(sequence.text.split('\n')[0]?.charCodeAt(0), 0x1e)
    const { status, text } = await door.request('GET', '/events?since=20&until=10')
    assert.equal(status, 400)
    assert.match(text, /cannot be after/)
  })
})

describe('every version', () => {
  it('from the oldest to the newest gets JSON of what it asks for', async (t) => {
    const door: Door = await openDoor(t, { containers: { list: () => Promise.resolve([]) } })
    for (let minor = 24; minor <= 56; minor++) {
      const { status, text } = await door.request('GET', `/v1.${String(minor)}/containers/json`)
      assert.deepEqual([status, text], [200, '[]\n'], String(minor))
    }
  })
})
