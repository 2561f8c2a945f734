import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import { openCgroups } from '../../../engine/cgroups/manager.ts'
import type { Engine } from '../../../engine/contract.ts'
import { bridgeNameOf } from '../../../engine/networks/link-names.ts'
import { bundleEngine, NATIVE_BUILD } from '../../helpers/engine-bundle.ts'
import { EngineProcess } from '../../helpers/engine-process.ts'
import { importBusybox, testInstance } from '../../helpers/local-engine.ts'
import { sweepInstance } from '../../helpers/sweep-instance.ts'
import { tarOf } from '../images/archives.ts'
import { inconsistencies } from './consistency.ts'

/** Each takes a second or two; GANTRY_FAULT_RUNS=200 with a longer --test-timeout looks for what is rare. */
const RUNS = Number(process.env.GANTRY_FAULT_RUNS ?? 3)
const MOST_STEPS = 40
const MEMORY = [64 << 20, 96 << 20]

type Stepped = () => void

/** What is changed of containers that run on, and of networks, volumes and names, which have a life of their own. */
describe('an engine killed with -9 at any moment of a change', () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
  const boxes: string[] = []
  let host: EngineProcess
  /** Of what the image has where the volumes are mounted. */
  let whole = 0
  before(async () => {
    const program = await bundleEngine(path.join(root, 'program'))
    host = new EngineProcess(testInstance(root), { program, env: { GANTRY_NATIVE: NATIVE_BUILD } })
    const engine = await host.start()
    await importBusybox(engine)
    for (const name of ['networked', 'changed']) {
      const { Id } = await engine.containers.create(
        { Image: 'busybox', Cmd: ['sleep', '100000'], HostConfig: { Memory: MEMORY[0] ?? 0 } },
        { name },
      )
      await engine.containers.start(Id)
      boxes.push(Id)
    }
    const filled = await engine.containers.create({ Image: 'busybox', Volumes: { '/bin': {} } })
    const [mount] = (await engine.containers.inspect(filled.Id)).Mounts ?? []
    whole = fs.readdirSync(mount?.Source ?? '').length
    await engine.containers.remove(filled.Id, { volumes: true })
  })
  after(async () => {
    await host.kill()
    await sweepInstance(host.instance)
    fs.rmSync(root, { recursive: true, force: true })
  })

  async function networks({ networks: engine }: Engine, stepped: Stepped): Promise<never> {
    for (let life = 0; ; life++) {
      // by its name it comes before the bridge, or after: the default route moves or stays
      const Name = `${life % 2 === 0 ? 'a' : 'z'}-${String(Date.now())}`
      const request = { Container: boxes[0] ?? '' }
      await engine.create({ Name })
      stepped()
      await engine.connect(Name, request)
      stepped()
      await engine.disconnect(Name, request)
      stepped()
      await engine.remove(Name)
      stepped()
    }
  }

  async function settings({ containers }: Engine, stepped: Stepped): Promise<never> {
    const id = boxes[1] ?? ''
    for (let life = 0; ; life++) {
      await containers.update(id, { Memory: MEMORY[life % 2] ?? 0, MemorySwap: 256 << 20 })
      stepped()
      await containers.pause(id)
      stepped()
      await containers.unpause(id)
      stepped()
      await containers.rename(id, `changed-${String(Date.now())}`)
      stepped()
      const archive = Readable.from([tarOf({ [`file-${String(life)}`]: 'content' })])
      await containers.writeArchive(id, '/', archive)
      stepped()
    }
  }

  async function things({ containers, images, volumes }: Engine, stepped: Stepped): Promise<never> {
    for (let life = 0; ; life++) {
      const name = `filled-${String(Date.now())}`
      // one that is made for it, and one that it finds
      if (life % 2 === 0) await volumes.create({ Name: name })
      const HostConfig = { Binds: [`${name}:/bin`] }
      const { Id } = await containers.create({ Image: 'busybox', HostConfig })
      stepped()
      await containers.remove(Id)
      stepped()
      await volumes.remove(name)
      stepped()
      await images.tag('busybox:latest', 'named', String(life))
      stepped()
      await images.remove(`named:${String(life)}`)
      stepped()
      await images.prune()
      await volumes.prune({ all: ['true'] })
      stepped()
    }
  }

  /** What is on the host, and in the kernel, against what the engine says of it. */
  async function differences(engine: Engine): Promise<string[]> {
    const { instance } = host
    const found = await inconsistencies(engine, instance, { volumesStay: true })
    const bridges = fs
      .readdirSync('/sys/class/net')
      .filter((name) => name.startsWith(`${instance.linkPrefix}-`))
    const list = await engine.networks.list()
    const ids = list.map(({ Id = '' }) => Id)
    const own = list.filter(({ Name = '' }) => /^[az]-/.test(Name)).map(({ Id = '' }) => Id)
    const expected = own.map((id) => bridgeNameOf(instance.linkPrefix, id))
    if (bridges.sort().join() !== expected.sort().join())
      found.push(`bridges ${bridges.join(' ')} of networks ${own.join(' ')}`)
    const documents = fs.readdirSync(path.join(instance.dataRoot, 'networks')).sort()
    if (
      documents.join() !==
      ids
        .map((id) => `${id}.json`)
        .sort()
        .join()
    )
      found.push(`documents ${documents.join(' ')} of networks ${ids.join(' ')}`)

    for (const id of boxes) {
      const { HostConfig, Name = '', NetworkSettings, State } = await engine.containers.inspect(id)
      const inside = (...argv: string[]): string =>
        spawnSync('nsenter', ['-t', String(State?.Pid), '-n', ...argv], { encoding: 'utf8' }).stdout
      const addresses = [...inside('ip', '-o', '-4', 'addr').matchAll(/eth\d+ +inet ([\d.]+)/g)]
        .map(([, ip = '']) => ip)
        .sort()
      const told = Object.values(NetworkSettings?.Networks ?? {})
        .map(({ IPAddress = '' }) => IPAddress)
        .sort()
      if (addresses.join() !== told.join())
        found.push(`${Name} has ${addresses.join(' ')} and is told to have ${told.join(' ')}`)
      if (!inside('ip', 'route').startsWith('default via')) found.push(`${Name} has no way out`)
      const hosts = fs.readFileSync(path.join(instance.dataRoot, 'containers', id, 'hosts'), 'utf8')
      const named = [...hosts.matchAll(/^([\d.]+)\t/gm)].map(([, ip = '']) => ip)
      const own4 = named.filter((ip) => !ip.startsWith('127.')).sort()
      if (own4.join() !== told.join()) found.push(`the hosts of ${Name} are ${own4.join(' ')}`)
      const cgroup = openCgroups({ parent: instance.cgroupParent }).open(id)
      const { limitBytes } = cgroup.stats().memory
      cgroup.closeStats()
      if (limitBytes !== HostConfig?.Memory)
        found.push(`${Name} may have ${String(limitBytes)}, not ${String(HostConfig?.Memory)}`)
    }
    const { Volumes } = await engine.volumes.list()
    for (const { Mountpoint, Name } of Volumes ?? []) {
      const count = fs.readdirSync(Mountpoint).length
      if (count !== 0 && count !== whole) found.push(`${Name} has ${String(count)} files`)
    }
    for (const { RepoTags } of await engine.images.list())
      for (const tag of RepoTags ?? []) await engine.images.inspect(tag)
    return found
  }

  /** What was under way can be ended by whoever asks for it again. */
  async function endAll(engine: Engine): Promise<void> {
    for (const { Id = '', Name = '' } of await engine.networks.list()) {
      if (!/^[az]-/.test(Name)) continue
      const { Containers } = await engine.networks.inspect(Id)
      for (const Container of Object.keys(Containers ?? {}))
        await engine.networks.disconnect(Id, { Container })
      await engine.networks.remove(Id)
    }
    for (const { Id = '', State } of await engine.containers.list({ all: true })) {
      if (!boxes.includes(Id)) await engine.containers.remove(Id, { volumes: true })
      else if (State === 'paused') await engine.containers.unpause(Id)
    }
    for (const { Name } of (await engine.volumes.list()).Volumes ?? [])
      await engine.volumes.remove(Name)
    for (const { RepoTags } of await engine.images.list())
      for (const tag of RepoTags ?? [])
        if (tag !== 'busybox:latest') await engine.images.remove(tag)
  }

  test(
    `${String(RUNS)} times: kernel, disk and what is told are one, and all can be ended`,
    { timeout: 60_000 + RUNS * 15_000 },
    async () => {
      for (let run = 0; run < RUNS; run++) {
        // counted in steps, for a machine may be slow; then a moment within one of them
        let left = Math.floor(Math.random() * MOST_STEPS)
        let work: Promise<unknown> = Promise.resolve()
        await new Promise<void>((resolve, reject) => {
          const stepped = (): void => {
            if (left-- === 0) resolve()
          }
          const lives = [networks, settings, things].map((live) => live(host.engine, stepped))
          work = Promise.allSettled(lives)
          // a life ends only by a failure, and none is expected while the engine is there
          Promise.race(lives).catch(reject)
          stepped()
        })
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 15))
        await host.kill()
        await work
        const engine = await host.start()
        const at = `after run ${String(run)}`
        assert.deepEqual(await differences(engine), [], at)
        await endAll(engine)
        assert.deepEqual(await differences(engine), [], at)
      }
      assert.equal(host.said.replace(/^gantry: engine ready.*\n/gm, ''), '')
    },
  )
})
