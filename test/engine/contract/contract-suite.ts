import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { buffer, text } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import type { Duplex } from 'node:stream'
import type { Engine } from '../../../engine/contract.ts'
import type { ContainerCreateConfig } from '../../../engine/contract/containers.ts'
import type { BuildEvent } from '../../../engine/contract/builds.ts'
import type { Filters, ImageProgress } from '../../../engine/contract/common.ts'
import type { EventMessage } from '../../../engine/types/docker.ts'
import reference from '../../fixtures/docker-engine-api/reference.json' with { type: 'json' }
import { importBusybox } from '../../helpers/local-engine.ts'
import { demultiplex } from '../../helpers/raw-stream.ts'
import { soFar } from '../../helpers/so-far.ts'
import { tarOf } from '../images/archives.ts'
import { MockRegistry } from '../registry/mock-registry.ts'

/** An engine to be tried, and how to let go of it. */
export interface Subject {
  engine: Engine
  close(): Promise<void>
}

/**
 * What every engine promises, whoever implements it: tried at the level of what a caller of the contract can observe.
 * All objects carry the prefix, and are gone when it ends.
 */
export function contractSuite(name: string, open: () => Promise<Subject>): void {
  const prefix = `ct${String(process.pid)}${name.length.toString(36)}`
  const image = `${prefix}/busybox:1`
  const labels = { 'gantry.contract': prefix }
  const mine = { label: [`gantry.contract=${prefix}`] }

  describe(name, () => {
    let subject: Subject
    let engine: Engine

    before(async () => {
      subject = await open()
      engine = subject.engine
      await importBusybox(engine, image)
    })
    after(async () => {
      if ((subject as Subject | undefined) === undefined) return
      for (const { Id = '' } of await engine.containers.list({ all: true, filters: mine }))
        await engine.containers.remove(Id, { force: true, volumes: true })
      for (const { Id = '' } of await engine.networks.list(mine)) await engine.networks.remove(Id)
      for (const volume of (await engine.volumes.list(mine)).Volumes ?? [])
        await engine.volumes.remove(volume.Name, { force: true })
      await engine.images.remove(image, { force: true })
      await subject.close()
    })

    async function create(
      cmd: string[],
      config: ContainerCreateConfig = {},
      as?: string,
    ): Promise<string> {
      const { Id } = await engine.containers.create(
        { Image: image, Cmd: cmd, Labels: labels, ...config },
        as === undefined ? {} : { name: `${prefix}-${as}` },
      )
      return Id
    }
    async function run(cmd: string[], config?: ContainerCreateConfig): Promise<string> {
      const id = await create(cmd, config)
      await engine.containers.start(id)
      return id
    }
    async function exitOf(id: string): Promise<number> {
      return (await (await engine.containers.wait(id)).exited).StatusCode
    }
    async function outputOf(id: string): Promise<{ stdout: string; stderr: string }> {
      const { stream } = await engine.containers.logs(id, { stdout: true, stderr: true })
      return demultiplex(stream)
    }
    const looping = ['sh', '-c', 'trap "exit 3" TERM; echo ready; while :; do sleep 0.1; done']
    async function runLooping(): Promise<string> {
      const id = await run(looping)
      while (!(await outputOf(id)).stdout.includes('ready')) await sleep(20)
      return id
    }

    describe('containers', () => {
      it('run, print on both outputs, and end with their exit code', async () => {
        const id = await create(['sh', '-c', 'echo "$WORD"; echo oops >&2; exit 7'], {
          Env: ['WORD=hello'],
        })
        const { exited } = await engine.containers.wait(id, 'next-exit')
        await engine.containers.start(id)
        assert.equal((await exited).StatusCode, 7)
        assert.deepEqual(await outputOf(id), { stdout: 'hello\n', stderr: 'oops\n' })
        const { Config, Id, Path, State } = await engine.containers.inspect(id)
        assert.deepEqual([Id, Path, State?.Status, State?.ExitCode], [id, 'sh', 'exited', 7])
        assert.ok(Config?.Env?.includes('WORD=hello'))
        const { stream } = await engine.containers.logs(id, {
          stdout: true,
          tail: 2,
          timestamps: true,
        })
        assert.match((await demultiplex(stream)).stdout, /^\d{4}-\d\d-\d\dT\S+Z hello\n$/)
        await engine.containers.remove(id)
        await assert.rejects(engine.containers.inspect(id), { code: 'NOT_FOUND' })
      })

      it('tell every field of their configs, also where nothing was asked for', async () => {
        const id = await create(['true'])
        const told = await engine.containers.inspect(id)
        const missing = (given: object | undefined, fields: string[]): string[] =>
          fields.filter((field) => !Object.hasOwn(given ?? {}, field))
        assert.deepEqual(missing(told.Config, reference.fields.ContainerConfig), [
          'ExposedPorts',
          'Healthcheck',
          'ArgsEscaped',
          'NetworkDisabled',
          ...missing(told.Config, ['OnBuild']),
          'StopSignal',
          'StopTimeout',
          'Shell',
        ])
        assert.deepEqual(missing(told.HostConfig, reference.fields.HostConfig), [
          'Init',
          'Mounts',
          'Annotations',
          'StorageOpt',
          'Tmpfs',
          'Sysctls',
        ])
        assert.deepEqual(told.HostConfig?.RestartPolicy, { Name: 'no', MaximumRetryCount: 0 })
        assert.equal(told.HostConfig.ShmSize, 64 << 20)
        const [endpoint] = Object.values(told.NetworkSettings?.Networks ?? {})
        assert.equal(endpoint?.IPAddress, '')
      })

      it('start, stop, kill, restart and pause, and say when there is nothing to do', async () => {
        const id = await runLooping()
        await assert.rejects(engine.containers.start(id), { code: 'NOT_MODIFIED' })
        await engine.containers.pause(id)
        assert.equal((await engine.containers.inspect(id)).State?.Status, 'paused')
        await assert.rejects(engine.containers.pause(id), { code: 'CONFLICT' })
        await engine.containers.unpause(id)
        await engine.containers.stop(id, { timeout: 10 })
        assert.equal((await engine.containers.inspect(id)).State?.ExitCode, 3)
        await assert.rejects(engine.containers.stop(id), { code: 'NOT_MODIFIED' })
        await assert.rejects(engine.containers.kill(id), { code: 'CONFLICT' })
        await engine.containers.restart(id, { timeout: 0 })
        const { exited } = await engine.containers.wait(id)
        await engine.containers.kill(id, 'KILL')
        assert.equal((await exited).StatusCode, 137)
      })

      it('are found by name, ID, beginning of it, and filters', async () => {
        const id = await create(['true'], {}, 'found')
        for (const by of [`${prefix}-found`, `/${prefix}-found`, id, id.slice(0, 12)])
          assert.equal((await engine.containers.inspect(by)).Id, id)
        const found = async (filters: Record<string, string[]>, all = true): Promise<boolean> =>
          (await engine.containers.list({ all, filters })).some(({ Id }) => Id === id)
        assert.equal(await found({ ...mine, status: ['created'] }), true)
        assert.equal(await found({ ...mine, status: ['running'] }), false)
        assert.equal(await found({ name: [`${prefix}-found`] }), true)
        assert.equal(await found({ ancestor: [image] }), true)
        assert.equal(await found(mine, false), false)
        await assert.rejects(engine.containers.list({ filters: { nonsense: ['1'] } }), {
          code: 'INVALID_PARAMETER',
        })
        await assert.rejects(create(['true'], {}, 'found'), { code: 'CONFLICT' })
        await engine.containers.rename(id, `${prefix}-renamed`)
        assert.equal((await engine.containers.inspect(id)).Name, `/${prefix}-renamed`)
        await engine.containers.remove(id)
      })

      it('hold to limits, also changed ones', async () => {
        const id = await run(['sleep', '1000'], { HostConfig: { Memory: 64 << 20 } })
        await engine.containers.update(id, { Memory: 32 << 20, MemorySwap: 64 << 20 })
        assert.equal((await engine.containers.inspect(id)).HostConfig?.Memory, 32 << 20)
        for await (const sample of engine.containers.stats(id, { stream: false })) {
          assert.equal(sample.memory_stats?.limit, 32 << 20)
        }
        const { Processes, Titles } = await engine.containers.top(id)
        assert.equal(Processes?.[0]?.[Titles?.indexOf('CMD') ?? -1], 'sleep 1000')
        await engine.containers.remove(id, { force: true })
      })

      it('attach carries input and output, each end closed on its own', async () => {
        const id = await create(['cat'], { OpenStdin: true, StdinOnce: true, AttachStdin: true })
        const options = { stdin: true, stdout: true, stderr: true, stream: true }
        const { stream } = await engine.containers.attach(id, options)
        await engine.containers.start(id)
        stream.end('there and back')
        assert.equal((await demultiplex(stream)).stdout, 'there and back')
        assert.equal(await exitOf(id), 0)
      })

      it('with a terminal have its size', async () => {
        const id = await create(
          [
            'sh',
            '-c',
            'while [ "$(stty size 2>/dev/null)" != "33 77" ]; do sleep 0.1; done; stty size',
          ],
          {
            Tty: true,
          },
        )
        const { stream } = await engine.containers.attach(id, { stdout: true, stream: true })
        await engine.containers.start(id)
        await engine.containers.resize(id, { rows: 33, cols: 77 })
        assert.equal(await text(stream), '33 77\r\n')
      })

      it('say what is wrong before anything is made', async () => {
        await assert.rejects(
          engine.containers.create({ Image: `${prefix}/none:1`, Labels: labels }),
          { code: 'NOT_FOUND' },
        )
        await assert.rejects(create(['true'], { HostConfig: { Memory: 1 } }), {
          code: 'INVALID_PARAMETER',
        })
        await assert.rejects(
          create(['true'], { HostConfig: { NetworkMode: `${prefix}-none` } }).then((id) =>
            engine.containers.start(id),
          ),
          {
            code: 'NOT_FOUND',
          },
        )
        await assert.rejects(engine.containers.start(`${prefix}-none`), { code: 'NOT_FOUND' })
      })

      it('give their files and take others, and become images', async () => {
        const id = await create(['cat', '/etc/word'])
        const { tar } = await engine.containers.readArchive(id, '/etc')
        await engine.containers.writeArchive(id, '/tmp', tar)
        assert.deepEqual(
          (await engine.containers.changes(id)).filter(({ Path }) => Path === '/tmp/etc'),
          [{ Path: '/tmp/etc', Kind: 1 }],
        )
        assert.equal((await engine.containers.statPath(id, '/tmp/etc')).name, 'etc')
        await assert.rejects(engine.containers.statPath(id, '/none'), { code: 'NOT_FOUND' })
        let bytes = 0
        for await (const chunk of await engine.containers.export(id))
          bytes += (chunk as Buffer).length
        assert.ok(bytes > 1 << 20)
        const committed = await engine.containers.commit(id, {
          repo: `${prefix}/committed`,
          tag: '1',
        })
        assert.equal((await engine.images.inspect(`${prefix}/committed:1`)).Id, committed.Id)
        const made = await create(['ls', '/tmp'], { Image: `${prefix}/committed:1` })
        await engine.containers.start(made)
        await exitOf(made)
        assert.match((await outputOf(made)).stdout, /^etc$/m)
        for (const one of [made, id]) await engine.containers.remove(one)
        await engine.images.remove(`${prefix}/committed:1`)
      })

      it('give one file, and let their files be changed or say that this engine cannot', async () => {
        const id = await create(['true'])
        const program = await engine.files.read(id, '/bin/busybox')
        assert.equal(program.file.sizeBytes, (await buffer(program.content)).length)
        await assert.rejects(engine.files.read(id, '/bin'), { code: 'INVALID_PARAMETER' })
        await assert.rejects(engine.files.read(id, '/none'), { code: 'NOT_FOUND' })
        try {
          await engine.files.makeDirectory(id, '/made')
          await engine.files.write(id, '/made/f', Buffer.from('words'))
          const { files } = await engine.files.list(id, '/made')
          assert.deepEqual(
            files.map(({ kind, name, sizeBytes }) => [kind, name, sizeBytes]),
            [['file', 'f', 5]],
          )
          await engine.files.rename(id, '/made/f', 'g')
          await engine.files.remove(id, '/made')
        } catch (error) {
          assert.equal((error as { code?: unknown }).code, 'NOT_IMPLEMENTED', String(error))
        }
        await engine.containers.remove(id)
      })

      it('are told by their image, as long as its name means it', async () => {
        await engine.images.tag(image, `${prefix}/moves`, '1')
        const id = await create(['true'], {
          Image: `${prefix}/moves:1`,
          HostConfig: { Annotations: { a: 'b' } },
        })
        const told = async (): Promise<string | undefined> =>
          (await engine.containers.list({ limit: -1, all: true, filters: { id: [id] } }))[0]?.Image
        assert.equal(await told(), `${prefix}/moves:1`)
        await engine.images.remove(`${prefix}/moves:1`, { force: true })
        assert.match((await told()) ?? '', /^sha256:|^[0-9a-f]{12}/)
        assert.deepEqual(await engine.containers.list({ limit: -1, filters: { id: [id] } }), [])
        await engine.containers.remove(id)
      })

      it('that are stopped are pruned', async () => {
        const stopped = await create(['true'], { Labels: { ...labels, prune: 'me' } })
        const { ContainersDeleted } = await engine.containers.prune({
          label: ['prune=me', ...mine.label],
        })
        assert.deepEqual(ContainersDeleted, [stopped])
      })
    })

    describe('execs', () => {
      it('run in a container with what they are given, and tell their exit code', async () => {
        const id = await run(['sleep', '1000'])
        const exec = await engine.execs.create(id, {
          Cmd: ['sh', '-c', 'echo "$WORD $(pwd) $(id -u)"; cat >&2; exit 5'],
          Env: ['WORD=hello'],
          WorkingDir: '/tmp',
          User: '7',
          AttachStdin: true,
          AttachStdout: true,
          AttachStderr: true,
        })
        const { stream } = await engine.execs.start(exec.Id)
        assert.ok(stream)
        stream.end('input')
        assert.deepEqual(await demultiplex(stream), { stdout: 'hello /tmp 7\n', stderr: 'input' })
        const { ContainerID, ExitCode, Running } = await ended(exec.Id)
        assert.deepEqual([ContainerID, ExitCode, Running], [id, 5, false])
        await engine.containers.remove(id, { force: true })
      })

      it('run detached, and not in a container that does not run', async () => {
        const id = await run(['sleep', '1000'])
        const exec = await engine.execs.create(id, { Cmd: ['sh', '-c', 'exit 6'] })
        const { stream } = await engine.execs.start(exec.Id, { Detach: true })
        assert.equal(stream as Duplex | undefined, undefined)
        assert.equal((await ended(exec.Id)).ExitCode, 6)
        await engine.containers.stop(id, { timeout: 0 })
        await assert.rejects(engine.execs.create(id, { Cmd: ['true'] }), { code: 'CONFLICT' })
        await assert.rejects(engine.execs.inspect('0'.repeat(64)), { code: 'NOT_FOUND' })
      })

      async function ended(id: string): ReturnType<Engine['execs']['inspect']> {
        for (;;) {
          const told = await engine.execs.inspect(id)
          if (!told.Running && told.ExitCode !== null) return told
          await sleep(20)
        }
      }
    })

    describe('images', () => {
      it('tell what is in their layers, or say that this engine cannot', async () => {
        try {
          const { id, layers } = await engine.images.layers(image)
          assert.equal(id, (await engine.images.inspect(image)).Id)
          const { files, total } = await engine.images.layerFiles(image, layers.length - 1, '/')
          assert.equal(files.length, total)
          assert.ok(files.every(({ mark }) => mark === 'added'))
        } catch (error) {
          assert.equal((error as { code?: unknown }).code, 'NOT_IMPLEMENTED', String(error))
        }
      })

      it('give out their files and make nothing for it, or say that this engine cannot', async () => {
        const since = Date.now() / 1000
        try {
          const input = await buffer(await engine.images.files(image))
          const names = execFileSync('tar', ['-t'], { input, maxBuffer: 1 << 26 }).toString()
          assert.match(names, /^bin\/busybox$/m)
        } catch (error) {
          assert.equal((error as { code?: unknown }).code, 'NOT_IMPLEMENTED', String(error))
        }
        const filters = { type: ['container'], image: [image] }
        const until = soFar()
        for await (const event of engine.system.events({ since, until, filters }))
          assert.fail(JSON.stringify(event))
      })

      it('are listed, inspected, named and unnamed', async () => {
        const { Id = '' } = await engine.images.inspect(image)
        assert.match(Id, /^sha256:[0-9a-f]{64}$/)
        const listed = await engine.images.list({ filters: { reference: [image] } })
        assert.deepEqual(
          listed.map((one) => [one.Id, one.RepoTags]),
          [[Id, [image]]],
        )
        assert.ok((await engine.images.history(image)).length > 0)
        await engine.images.tag(image, `${prefix}/other`, '2')
        assert.equal((await engine.images.inspect(`${prefix}/other:2`)).Id, Id)
        const nobody = { dangling: ['false'], label: [`${prefix}.nobody`] }
        // each filter that a prune takes
        for (const others of [{}, { until: ['1h'] }, { 'label!': ['x'] }] as Filters[])
          assert.deepEqual((await engine.images.prunable({ ...nobody, ...others })).images, [])
        assert.deepEqual(await engine.images.remove(`${prefix}/other:2`), [
          { Untagged: `${prefix}/other:2` },
        ])
        await assert.rejects(engine.images.inspect(`${prefix}/other:2`), { code: 'NOT_FOUND' })
      })

      it('go out as an archive and come back the same', async () => {
        const { Id } = await engine.images.inspect(image)
        const name = `${prefix}/saved:1`
        await engine.images.tag(image, `${prefix}/saved`, '1')
        const archive = await buffer(await engine.images.save([name]))
        await engine.images.remove(name)
        const lines: string[] = []
        for await (const { stream } of engine.images.load(Readable.from(archive)))
          if (stream !== undefined) lines.push(stream)
        assert.match(lines.join(''), new RegExp(`Loaded image: ${name}\n`))
        assert.equal((await engine.images.inspect(name)).Id, Id)
        await engine.images.remove(name)
        await assert.rejects(engine.images.save([name]))
      })

      it('are pushed, and looked for, at a registry: what it is, and who does not answer', async () => {
        const registry = await MockRegistry.start()
        try {
          const name = `${registry.host}/${prefix}/pushed`
          await engine.images.tag(image, name, '1')
          const lines: ImageProgress[] = []
          for await (const line of engine.images.push(`${name}:1`)) lines.push(line)
          const digest = lines.find(({ aux }) => aux?.Digest !== undefined)?.aux?.Digest ?? ''
          assert.match(digest, /^sha256:/)
          const { RepoDigests } = await engine.images.inspect(`${name}:1`)
          assert.ok(RepoDigests?.includes(`${name}@${digest}`))
          const { Descriptor, Platforms } = await engine.images.distribution(`${name}:1`)
          assert.equal(Descriptor?.digest, digest)
          assert.equal(Platforms.length, 1)
          await engine.images.remove(`${name}:1`)
          await assert.rejects(async () => {
            for await (const line of engine.images.push(`${name}:1`)) assert.ok(line)
          }, /An image does not exist locally with the tag/)
          await assert.rejects(engine.images.search(`${registry.host}/app`))
        } finally {
          await registry.close()
        }
      })

      it('that a container needs stay', async () => {
        const id = await create(['true'])
        await assert.rejects(engine.images.remove(image), { code: 'CONFLICT' })
        await engine.containers.remove(id)
      })
    })

    describe('builds', () => {
      const build = async (dockerfile: string, tag: string): Promise<BuildEvent[]> => {
        const events: BuildEvent[] = []
        const context = { tar: Readable.from([tarOf({ Dockerfile: dockerfile, f: 'text' })]) }
        // the other suites build the same with the same engine
        const request = { context, tags: [tag], noCache: true }
        for await (const event of engine.builds.build(request)) events.push(event)
        return events
      }
      const built = `${prefix}/built:1`

      it('tell their steps and what these print, and make an image', async () => {
        const events = await build(`FROM ${image}\nCOPY f /f\nRUN cat /f\n`, built)
        const started = events.flatMap((event) =>
          event.kind === 'started' ? [[event.number, event.total, event.instruction]] : [],
        )
        assert.deepEqual(started, [
          [1, 3, `FROM ${image}`],
          [2, 3, 'COPY f /f'],
          [3, 3, 'RUN cat /f'],
        ])
        const log = events.flatMap((event) => (event.kind === 'log' ? [event.data] : []))
        assert.equal(Buffer.concat(log).toString(), 'text')
        const last = events.at(-1)
        assert.ok(last?.kind === 'built')
        assert.equal((await engine.images.inspect(built)).Id, last.image)
        await engine.images.remove(built)
      })

      it('fail with the exit code of the command', async () => {
        await assert.rejects(build(`FROM ${image}\nRUN exit 7\n`, built), { exitCode: 7 })
        await assert.rejects(engine.images.inspect(built), { code: 'NOT_FOUND' })
      })
    })

    describe('networks', () => {
      it('join containers, who reach each other by name', async () => {
        const network = `${prefix}-net`
        const { Id } = await engine.networks.create({ Name: network, Labels: labels })
        const server = await create(
          ['sleep', '1000'],
          { HostConfig: { NetworkMode: network } },
          'server',
        )
        await engine.containers.start(server)
        const client = await run(['sh', '-c', `ping -c 1 -W 5 ${prefix}-server`], {
          HostConfig: { NetworkMode: network },
        })
        assert.equal(await exitOf(client), 0, JSON.stringify(await outputOf(client)))
        const { Containers, Driver } = await engine.networks.inspect(network)
        assert.deepEqual([Driver, Object.keys(Containers ?? {})], ['bridge', [server]])
        await assert.rejects(engine.networks.remove(Id), { code: 'FORBIDDEN' })
        await engine.networks.disconnect(Id, { Container: server })
        assert.deepEqual(Object.keys((await engine.networks.inspect(Id)).Containers ?? {}), [])
        await engine.networks.connect(Id, {
          Container: server,
          EndpointConfig: { Aliases: ['alias'] },
        })
        const { NetworkSettings } = await engine.containers.inspect(server)
        assert.ok(NetworkSettings?.Networks?.[network]?.Aliases?.includes('alias'))
        for (const id of [server, client]) await engine.containers.remove(id, { force: true })
        assert.deepEqual(
          (await engine.networks.list({ name: [network] })).map((one) => one.Name),
          [network],
        )
        await engine.networks.remove(network)
        await assert.rejects(engine.networks.inspect(network), { code: 'NOT_FOUND' })
      })

      it('that nobody uses are pruned', async () => {
        await engine.networks.create({
          Name: `${prefix}-lonely`,
          Labels: { ...labels, prune: 'me' },
        })
        const { NetworksDeleted } = await engine.networks.prune({
          label: ['prune=me', ...mine.label],
        })
        assert.deepEqual(NetworksDeleted, [`${prefix}-lonely`])
      })
    })

    describe('volumes', () => {
      it('keep what containers write, and stay while one needs them', async () => {
        const volume = `${prefix}-volume`
        const made = await engine.volumes.create({ Name: volume, Labels: labels })
        assert.deepEqual([made.Name, made.Driver, made.Scope], [volume, 'local', 'local'])
        const HostConfig = { Binds: [`${volume}:/data`] }
        const writer = await run(['sh', '-c', 'echo kept > /data/file'], { HostConfig })
        assert.equal(await exitOf(writer), 0)
        await assert.rejects(engine.volumes.remove(volume), { code: 'CONFLICT' })
        await engine.containers.remove(writer)
        const reader = await run(['cat', '/data/file'], { HostConfig })
        await exitOf(reader)
        assert.equal((await outputOf(reader)).stdout, 'kept\n')
        await engine.containers.remove(reader)
        assert.ok((await engine.volumes.list(mine)).Volumes?.some(({ Name }) => Name === volume))
        await engine.volumes.remove(volume)
        await assert.rejects(engine.volumes.inspect(volume), { code: 'NOT_FOUND' })
      })
    })

    describe('the system', () => {
      it('tells what it is and what it holds', async () => {
        const [info, version, usage] = await Promise.all([
          engine.system.info(),
          engine.system.version(),
          engine.system.diskUsage({ types: ['image'] }),
        ])
        assert.deepEqual([info.OSType, version.Os], ['linux', 'linux'])
        assert.ok((info.NCPU ?? 0) > 0 && (info.MemTotal ?? 0) > 0)
        assert.ok((usage.ImageUsage?.TotalCount ?? 0) > 0)
        assert.equal(usage.ContainerUsage, undefined)
      })

      it('tells what happened, and what happens until the caller has had enough', async () => {
        const since = Date.now() / 1000
        const id = await run(['true'])
        await exitOf(id)
        const enough = new AbortController()
        const filters = { container: [id] }
        const told: string[] = []
        for await (const event of engine.system.events({ since, filters }, enough.signal)) {
          told.push(summary(event))
          if (event.Action === 'die') await engine.containers.remove(id)
          if (event.Action === 'destroy') enough.abort()
        }
        assert.deepEqual(
          told,
          ['create', 'start', 'die', 'destroy'].map((action) => `container ${action} ${id}`),
        )
      })

      function summary({ Action, Actor, Type }: EventMessage): string {
        return [Type, Action, Actor?.ID].join(' ')
      }
    })
  })
}
