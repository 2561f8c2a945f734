import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { after, before, describe, it } from 'node:test'
import { forwardAgent } from '../../../engine/build/agent-socket.ts'
import type { Engine } from '../../../engine/contract.ts'
import type { BuildEvent, BuildRequest } from '../../../engine/contract/builds.ts'
import type { BuildError } from '../../../engine/errors.ts'
import { EngineProcess } from '../../helpers/engine-process.ts'
import { freePort } from '../../helpers/free-port.ts'
import { importBusybox, openTestEngine, testInstance } from '../../helpers/local-engine.ts'
import type { TestEngine } from '../../helpers/local-engine.ts'
import { patient } from '../../helpers/patience.ts'
import { soFar } from '../../helpers/so-far.ts'
import { sweepInstance } from '../../helpers/sweep-instance.ts'
import { registryImage, tarOf } from '../images/archives.ts'
import { MockRegistry } from '../registry/mock-registry.ts'

type Files = Record<string, string | Buffer>

/** A git repository and a web server with an archive of it and a Dockerfile. */
async function serveSources(): Promise<{ git: string; web: string; close: () => Promise<void> }> {
  const root = fs.mkdtempSync('/tmp/g-git-')
  const work = path.join(root, 'work.git')
  const files = {
    'sub/Dockerfile': 'FROM busybox\nCOPY f /f\nRUN cat /f\n',
    'sub/f': 'from the repository\n',
    other: 'o',
  }
  for (const [name, content] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(work, name)), { recursive: true })
    fs.writeFileSync(path.join(work, name), content)
  }
  const git = (...args: string[]): void => {
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: work })
  }
  git('init', '-q', '-b', 'main')
  git('commit', '-q', '--allow-empty', '-m', 'empty')
  git('checkout', '-q', '-b', 'work')
  git('add', '.')
  git('commit', '-q', '-m', 'files')
  git('checkout', '-q', 'main')
  git('update-server-info')
  const port = freePort()
  const daemon = spawn(
    'git',
    [
      'daemon',
      '--export-all',
      '--reuseaddr',
      `--base-path=${root}`,
      '--listen=127.0.0.1',
      `--port=${String(port)}`,
    ],
    { stdio: 'ignore', detached: true },
  )
  const archive = gzipSync(tarOf({ Dockerfile: files['sub/Dockerfile'], f: files['sub/f'] }))
  const server = http.createServer((request, response) => {
    const inRepository = /^\/work\.git(\/[\w./-]+)/.exec(request.url ?? '')?.[1]
    if (inRepository !== undefined) {
      const file = path.join(work, '.git', inRepository)
      if (fs.existsSync(file)) response.end(fs.readFileSync(file))
      else response.writeHead(404).end()
      return
    }
    response.end(request.url === '/Dockerfile' ? 'FROM busybox\nRUN echo alone\n' : archive)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  await listening(port)
  return {
    git: `git://127.0.0.1:${String(port)}/work.git`,
    web: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    close: async () => {
      // its own process group: git runs the daemon as a program of its own
      process.kill(-(daemon.pid ?? 0), 'SIGKILL')
      await new Promise((resolve) => server.close(resolve))
      fs.rmSync(root, { recursive: true, force: true })
    },
  }
}

async function build(
  engine: Engine,
  files: Files,
  request: Partial<BuildRequest> = {},
  signal?: AbortSignal,
): Promise<BuildEvent[]> {
  const events: BuildEvent[] = []
  const context = { tar: Readable.from([tarOf(files)]) }
  for await (const event of engine.builds.build({ context, ...request }, signal)) events.push(event)
  return events
}

function imageOf(events: readonly BuildEvent[]): string {
  const last = events.at(-1)
  return last?.kind === 'built' ? last.image : ''
}

/** Which steps came from the cache, by their instructions. */
function cachedOf(events: readonly BuildEvent[]): Record<string, boolean> {
  const names = new Map(
    events.flatMap((event) => (event.kind === 'started' ? [[event.step, event.instruction]] : [])),
  )
  return Object.fromEntries(
    events.flatMap((event) =>
      event.kind === 'finished' ? [[names.get(event.step) ?? '', event.cached]] : [],
    ),
  )
}

function logOf(events: readonly BuildEvent[]): string {
  return events
    .map((event) => (event.kind === 'log' ? Buffer.from(event.data).toString() : ''))
    .join('')
}

describe('LocalBuilds', () => {
  let test: TestEngine
  before(async () => {
    test = await openTestEngine()
  })
  after(() => test.close())

  const dataOf = (name: string): string[] => fs.readdirSync(path.join(test.instance.dataRoot, name))
  const kernelObjects = (): string[] => [
    ...fs.readdirSync(path.join(test.instance.runRoot, 'c')),
    ...dataOf('snapshots'),
    ...dataOf('builds'),
  ]

  it('tells of each step: when it began, what it printed where, whether it was cached, and the image', async () => {
    const files = { Dockerfile: 'FROM busybox\nENV A=1\nRUN echo out; echo err >&2\n' }
    const events = await build(test.engine, files, { tags: ['told:1', 'told:2'] })
    assert.deepEqual(
      events.flatMap((event) =>
        event.kind === 'started' ? [[event.name, event.number, event.total]] : [],
      ),
      [
        ['[1/3] FROM busybox', 1, 3],
        ['[2/3] ENV A=1', 2, 3],
        ['[3/3] RUN echo out; echo err >&2', 3, 3],
      ],
    )
    const logs = events.flatMap((event) =>
      event.kind === 'log' ? [[event.stream, Buffer.from(event.data).toString()]] : [],
    )
    assert.deepEqual(logs.sort(), [
      ['stderr', 'err\n'],
      ['stdout', 'out\n'],
    ])
    const last = events.at(-1)
    assert.ok(last?.kind === 'built')
    assert.deepEqual(last.tags, ['told:1', 'told:2'])
    assert.equal((await test.engine.images.inspect('told:2')).Id, last.image)
  })

  it('emits that its image was created, and then that it was named', async () => {
    const files = { Dockerfile: 'FROM busybox\nLABEL emitted=1\n' }
    const image = imageOf(await build(test.engine, files, { tags: ['emitted:1'] }))
    const told: unknown[] = []
    const wanted = { since: 1, until: soFar(), filters: { label: ['emitted=1'] } }
    for await (const { Action, Actor } of test.engine.system.events(wanted))
      told.push([Action, Actor?.ID, Actor?.Attributes?.['name']])
    assert.deepEqual(told, [
      ['create', image, image],
      ['tag', image, 'emitted:1'],
    ])
  })

  it('refuses an unknown platform before anything of the context is read', async () => {
    const tar = new Readable({ read: () => assert.fail('nothing is to be read') })
    const events = test.engine.builds.build({ context: { tar }, platform: 'foobar' })
    await assert.rejects(events[Symbol.asyncIterator]().next(), {
      code: 'INVALID_PARAMETER',
      message: /unknown operating system or architecture/,
    })
  })

  it('takes names of the context that lead out of it for names in it', async () => {
    const files = {
      Dockerfile: 'FROM scratch\nCOPY foo bar /\n',
      '../../foo': 'f',
      '/bar': 'b',
    }
    const image = imageOf(await build(test.engine, files))
    const input = await buffer(await test.engine.images.files(image))
    const names = execFileSync('tar', ['-t'], { input }).toString().split('\n')
    assert.ok(names.includes('foo') && names.includes('bar'))
    assert.deepEqual(dataOf('builds'), [])
  })

  it('says of a Dockerfile that it is empty, and which', async () => {
    await assert.rejects(build(test.engine, { 'sub/D': '' }, { dockerfile: 'sub/D' }), {
      code: 'INVALID_PARAMETER',
      message: 'the Dockerfile (sub/D) cannot be empty',
    })
  })

  it('records who built', async () => {
    const ann = { kind: 'console', name: 'ann', userId: 'u1' } as const
    const files = { Dockerfile: 'FROM busybox\nLABEL by=ann\n' }
    await build(test.engine.as(ann), files, { tags: ['by:ann'] })
    assert.equal((await test.engine.images.inspect('by:ann')).Gantry?.CreatedBy.Name, 'ann')
  })

  it('takes a touched file for the same, and another content, mode or argument for another', async () => {
    const Dockerfile = 'FROM busybox\nARG V=1\nCOPY f /f\nRUN echo $V > /v\nCMD ["x"]\n'
    const first = await build(test.engine, { Dockerfile, f: 'same' })
    const again = await build(test.engine, { Dockerfile, f: 'same' })
    assert.equal(imageOf(again), imageOf(first))
    assert.ok(Object.values(cachedOf(again)).every((cached) => cached))
    const other = cachedOf(await build(test.engine, { Dockerfile, f: 'other' }))
    assert.deepEqual([other['COPY f /f'], other['RUN echo $V > /v']], [false, false])
    const given = cachedOf(
      await build(test.engine, { Dockerfile, f: 'same' }, { buildArgs: { V: '2' } }),
    )
    assert.deepEqual([given['COPY f /f'], given['RUN echo $V > /v']], [true, false])
    const fresh = cachedOf(await build(test.engine, { Dockerfile, f: 'same' }, { noCache: true }))
    assert.deepEqual([fresh['COPY f /f'], fresh['RUN echo $V > /v']], [false, false])
  })

  it('finds the cache again after a restart, and steps of an image that cacheFrom names', async () => {
    const Dockerfile = 'FROM busybox\nCOPY f /kept\nRUN cat /kept > /copy\n'
    const files = { Dockerfile, f: 'k' }
    const first = imageOf(await build(test.engine, files, { tags: ['kept:1'] }))
    await test.reopen()
    const again = await build(test.engine, files)
    assert.ok(Object.values(cachedOf(again)).every((cached) => cached))
    await test.engine.builds.prune({ all: true })
    assert.deepEqual(await test.engine.builds.cache(), [])
    const from = await build(test.engine, files, { cacheFrom: ['kept:1'] })
    assert.ok(Object.values(cachedOf(from)).every((cached) => cached))
    assert.equal(imageOf(from), first)
  })

  it('finds a copy from another stage in the cache when that came to the same files by other steps', async () => {
    const copied = async (step: string, content = 'same'): Promise<boolean | undefined> => {
      const lines = ['FROM busybox', step, `RUN echo ${content} > /made`]
      const Dockerfile = [...lines, 'FROM busybox', 'COPY --from=0 /made /from-stage'].join('\n')
      const cached = cachedOf(await build(test.engine, { Dockerfile }))
      return cached['COPY --from=0 /made /from-stage']
    }
    assert.equal(await copied('RUN echo 1 > /aside'), false)
    assert.equal(await copied('RUN echo 2 > /aside'), true)
    assert.equal(await copied('RUN echo 2 > /aside', 'other'), false)
  })

  it('makes the same image of the same files at any time with SOURCE_DATE_EPOCH', async () => {
    const Dockerfile = 'FROM busybox\nWORKDIR /w\nCOPY f .\nRUN date > /dev/null; echo x > x\n'
    const buildArgs = { SOURCE_DATE_EPOCH: '1600000000' }
    const request = { buildArgs, noCache: true }
    const first = imageOf(await build(test.engine, { Dockerfile, f: 'x' }, request))
    await sleep(1100)
    assert.equal(imageOf(await build(test.engine, { Dockerfile, f: 'x' }, request)), first)
    const { Created } = await test.engine.images.inspect(first)
    assert.equal(Created, '2020-09-13T12:26:40.000Z')
    // the Dockerfile may say it, too
    const own = { Dockerfile: `ARG SOURCE_DATE_EPOCH=1500000000\n${Dockerfile}`, f: 'x' }
    assert.equal(imageOf(await build(test.engine, own, request)), first)
    const itself = imageOf(await build(test.engine, own, { noCache: true }))
    assert.equal((await test.engine.images.inspect(itself)).Created, '2017-07-14T02:40:00.000Z')
  })

  it('makes the same image in another engine with SOURCE_DATE_EPOCH', async () => {
    const files = {
      Dockerfile: [
        'FROM busybox AS made',
        'WORKDIR /w',
        'COPY . .',
        'RUN mkdir x && echo x > x/y && ln x/y hard && ln -s y x/link && chmod 4755 hard && rm sub/f',
        'FROM busybox',
        'COPY --from=made --chown=7:8 /w /copied',
        'ADD archive.tar /unpacked/',
        'RUN echo 1 > /bin/new && rm /bin/vi',
        'LABEL a=b',
      ].join('\n'),
      'sub/f': 'f',
      'sub/g': 'g',
      'archive.tar': tarOf({ 'a/b': 'c' }),
    }
    const request = { buildArgs: { SOURCE_DATE_EPOCH: '1600000000' } }
    const image = imageOf(await build(test.engine, files, request))
    const other = await openTestEngine({ image: false })
    try {
      const base = other.engine.images.load(await test.engine.images.save(['busybox']))
      for await (const _line of base) {
        // only that it is there
      }
      assert.equal(imageOf(await build(other.engine, files, request)), image)
      const layersOf = async (engine: Engine): Promise<unknown> =>
        (await engine.images.inspect(image)).RootFS
      assert.deepEqual(await layersOf(other.engine), await layersOf(test.engine))
    } finally {
      await other.close()
    }
  })

  it('refuses to unpack an archive that grows to more than the engine allows', async () => {
    const { instance } = test
    const before = { ...instance.unpack }
    const zeros = gzipSync(tarOf({ zeros: Buffer.alloc(4 << 20) }))
    const files = { Dockerfile: 'FROM busybox\nADD zeros.tgz /z/\n', 'zeros.tgz': zeros }
    const many = {
      Dockerfile: 'FROM scratch\nADD many.tar /\n',
      'many.tar': tarOf({ a: '', b: '' }),
    }
    try {
      Object.assign(instance.unpack, { maxBytes: 2 << 20 })
      await assert.rejects(build(await test.reopen(), files), /GANTRY_UNPACK_MAX_BYTES/)
      Object.assign(instance.unpack, { ...before, maxEntries: 1 })
      await assert.rejects(build(await test.reopen(), many), /GANTRY_UNPACK_MAX_FILES/)
    } finally {
      Object.assign(instance.unpack, before)
      await test.reopen()
    }
    assert.notEqual(imageOf(await build(test.engine, files)), '')
  })

  it('builds nothing of a stage that the target does not need', async () => {
    const Dockerfile =
      'FROM busybox AS one\nRUN echo one > /f\nFROM nowhere.invalid/none AS unused\nRUN false\n' +
      'FROM busybox AS two\nCOPY --from=one /f /\nFROM unused\nCOPY --from=two /f /'
    const events = await build(test.engine, { Dockerfile }, { target: 'two' })
    const begun = events.flatMap((event) => (event.kind === 'started' ? [event.instruction] : []))
    assert.deepEqual(begun.sort(), [
      'COPY --from=one /f /',
      'FROM busybox AS one',
      'FROM busybox AS two',
      'RUN echo one > /f',
    ])
  })

  it('builds stages at the same time', async () => {
    // each waits for the other in a directory that both see
    const meet = (mine: string, other: string): string =>
      `RUN --mount=type=cache,target=/m touch /m/${mine}; for i in $(seq 600); do test -e /m/${other} && exit 0; sleep 0.1; done; exit 1`
    const Dockerfile = [
      'FROM busybox AS a',
      meet('a', 'b'),
      'FROM busybox AS b',
      meet('b', 'a'),
      'FROM busybox',
      'COPY --from=a /bin/true /a',
      'COPY --from=b /bin/true /b',
    ].join('\n')
    assert.notEqual(imageOf(await build(test.engine, { Dockerfile })), '')
  })

  it('begins a step that takes from another stage when that is there', async () => {
    const Dockerfile = [
      'FROM busybox AS one',
      'RUN sleep 0.2; echo one > /f',
      'FROM busybox AS two',
      'COPY --from=one /f /g',
      'FROM busybox AS three',
      'RUN --mount=from=one,target=/m cp /m/f /h',
      'FROM one AS four',
      'COPY --from=two /g /',
      'COPY --from=three /h /',
    ].join('\n')
    const events = await build(test.engine, { Dockerfile })
    const at = (kind: string, step: string): number =>
      events.findIndex((event) => event.kind === kind && 'step' in event && event.step === step)
    for (const taker of ['1.1', '2.1', '3.0'])
      assert.ok(at('finished', '0.1') < at('started', taker), taker)
    assert.ok(at('finished', '1.1') < at('started', '3.1'))
    assert.ok(at('finished', '2.1') < at('started', '3.2'))
  })

  it('names file, line and command of a failure, with what was printed last; what was done stays cached', async () => {
    const Dockerfile = 'FROM busybox\nRUN echo fine > /f\nRUN seq 30; \\\n  exit 9\n'
    const error = (await build(test.engine, { Dockerfile }).then(
      () => assert.fail('it succeeded'),
      (reason: unknown) => reason,
    )) as BuildError
    assert.equal(error.exitCode, 9)
    assert.deepEqual(error.location, { line: 3, endLine: 4 })
    assert.match(error.message, /returned a non-zero code: 9\nDockerfile:3\n/)
    assert.match(error.lastOutput, /29\n30$/)
    const mended = await build(test.engine, { Dockerfile: Dockerfile.replace('exit 9', 'true') })
    assert.equal(cachedOf(mended)['RUN echo fine > /f'], true)
    assert.deepEqual(kernelObjects(), [])
  })

  it('stops at once when nobody wants it any more, and leaves nothing', async () => {
    const cancel = new AbortController()
    const Dockerfile = 'FROM busybox\nRUN echo begun; sleep 1000\n'
    const context = { tar: Readable.from([tarOf({ Dockerfile })]) }
    await assert.rejects(async () => {
      for await (const event of test.engine.builds.build({ context }, cancel.signal))
        if (event.kind === 'log') cancel.abort()
    })
    assert.deepEqual(kernelObjects(), [])
  })

  it('lets a slow reader slow the command, not fill the memory', async () => {
    const Dockerfile = 'FROM busybox\nRUN yes | head -c 20000000\n'
    const context = { tar: Readable.from([tarOf({ Dockerfile })]) }
    let bytes = 0
    for await (const event of test.engine.builds.build({ context })) {
      if (event.kind !== 'log') continue
      if (bytes === 0) await sleep(300)
      bytes += event.data.length
    }
    assert.equal(bytes, 20_000_000)
  })

  it('shows its cache, and frees what filters name, never what images share unless all is asked for', async () => {
    await test.engine.builds.prune({ all: true })
    const Dockerfile =
      'FROM busybox\nRUN --mount=type=cache,target=/c,id=mine head -c 3000 /dev/zero > /c/z\nRUN head -c 5000 /dev/zero > /z\n'
    await build(test.engine, { Dockerfile }, { tags: ['pruned:1'] })
    const shown = await test.engine.builds.cache()
    assert.deepEqual(shown.map(({ Shared, Size, Type }) => [Type, Size, Shared]).sort(), [
      ['exec.cachemount', 3000, false],
      ['regular', 0, false],
      ['regular', 5000, true],
    ])
    const mount = await test.engine.builds.prune({ filters: { type: ['exec.cachemount'] } })
    assert.equal(mount.SpaceReclaimed, 3000)
    assert.equal((await test.engine.builds.prune()).SpaceReclaimed, 0)
    await test.engine.images.remove('pruned:1')
    assert.equal((await test.engine.builds.prune({ reservedSpace: 1e6 })).CachesDeleted.length, 0)
    assert.equal((await test.engine.builds.prune()).SpaceReclaimed, 5000)
    assert.deepEqual(await test.engine.builds.cache(), [])
    const usage = await test.engine.system.diskUsage({ types: ['build-cache'] })
    assert.equal(usage.BuildCacheUsage?.TotalCount, 0)
  })

  it('carries out a step once when builds that begin alike come to it at the same time', async () => {
    const begin = 'FROM busybox\nRUN sleep 0.5; cat /proc/sys/kernel/random/uuid > /made\n'
    const ends = ['api', 'worker', 'api'].map((name) => `${begin}LABEL service=${name}\n`)
    const all = await Promise.all(ends.map((Dockerfile) => build(test.engine, { Dockerfile })))
    const layers = await Promise.all(
      all.map(async (events) => (await test.engine.images.inspect(imageOf(events))).RootFS?.Layers),
    )
    assert.deepEqual([layers[1], layers[2]], [layers[0], layers[0]])
    assert.equal(new Set(all.map((events) => imageOf(events))).size, 2)
    const isCached = all.map((events) => Object.values(cachedOf(events))[1])
    assert.deepEqual(isCached.sort(), [false, true, true])
  })

  it('leads a step to an agent, with the owner that is asked for, and takes the way back', async () => {
    const agent = path.join(fs.mkdtempSync('/tmp/g-agent-'), 's')
    const server = net.createServer((client) => {
      client.on('data', (chunk: Buffer) => client.end(`answer to ${chunk.toString()}`))
    })
    await new Promise<void>((resolve) => server.listen(agent, resolve))
    try {
      const step =
        'RUN --mount=type=ssh,uid=7,gid=8,mode=0640 stat -c "%F %a %u:%g" $SSH_AUTH_SOCK\n'
      const events = await build(
        test.engine,
        { Dockerfile: `FROM busybox\n${step}RUN find / -name "ssh_agent*"\n` },
        { ssh: (id) => Promise.resolve(id === 'default' ? () => net.connect(agent) : undefined) },
      )
      const log = logOf(events)
      assert.match(log, /^socket 640 7:8\n/)
      assert.doesNotMatch(log, /ssh_agent/)
      const owner = { mode: 0o600, uid: 0, gid: 0 }
      const { close, socket } = await forwardAgent(
        test.instance.runRoot,
        () => net.connect(agent),
        owner,
      )
      const client = net.connect(socket)
      client.write('question')
      assert.equal(await text(client), 'answer to question')
      await close()
      assert.deepEqual(kernelObjects(), [])
    } finally {
      server.close()
      fs.rmSync(path.dirname(agent), { recursive: true })
    }
  })

  it('gives each user of a private cache one of its own', async () => {
    // each has its own while the other has, too
    const step = (mine: string, other: string): string =>
      `RUN --mount=type=cache,target=/p,sharing=private --mount=type=cache,target=/met touch /p/${mine} /met/${mine}; for i in $(seq 600); do test -e /met/${other} && break; sleep 0.1; done; test $(ls /p | wc -l) = 1`
    const Dockerfile = `FROM busybox AS a\n${step('a', 'b')}\nFROM busybox AS b\n${step('b', 'a')}\nFROM busybox\nCOPY --from=a /bin/true /\nCOPY --from=b /bin/true /\n`
    await build(test.engine, { Dockerfile })
  })

  it('takes a git repository, an archive and a lone Dockerfile by their addresses', async () => {
    const served = await serveSources()
    try {
      const { git, web } = served
      // the second is a repository on a web server that knows nothing of git
      for (const remote of [
        `${git}#work:sub`,
        `${web}/work.git#work:sub`,
        `${web}/context.tar.gz`,
      ]) {
        const events: BuildEvent[] = []
        const request = { context: { remote }, noCache: true }
        for await (const event of test.engine.builds.build(request)) events.push(event)
        assert.equal(logOf(events), 'from the repository\n', remote)
      }
      const sources = (await test.engine.builds.list()).map(({ source }) => source)
      const cloned = sources.find(
        (source) => source.kind === 'git' && source.address.startsWith(git),
      )
      assert.ok(cloned?.kind === 'git')
      assert.equal(cloned.address, `${git}#work:sub`)
      assert.match(cloned.commit ?? '', /^[0-9a-f]{40}$/)
      const events: BuildEvent[] = []
      const lone = { context: { remote: `${web}/Dockerfile` } }
      for await (const event of test.engine.builds.build(lone)) events.push(event)
      assert.equal(logOf(events), 'alone\n')
      const added = await build(test.engine, {
        Dockerfile: `FROM busybox\nADD ${git}#work /n/\nADD --keep-git-dir=true ${git}#work:sub /m/\nRUN find /n /m -type f | grep -v /.git/ | sort\n`,
      })
      assert.equal(logOf(added), '/m/Dockerfile\n/m/f\n/n/other\n/n/sub/Dockerfile\n/n/sub/f\n')
      for (const BUILDKIT_CONTEXT_KEEP_GIT_DIR of ['0', '1']) {
        const dockerfile = 'FROM busybox\nCOPY . /c\nRUN ls -A /c'
        const kept: BuildEvent[] = []
        for await (const event of test.engine.builds.build({
          context: { remote: `${git}#work`, dockerfile },
          buildArgs: { BUILDKIT_CONTEXT_KEEP_GIT_DIR },
        }))
          kept.push(event)
        const isKept = BUILDKIT_CONTEXT_KEEP_GIT_DIR === '1'
        assert.equal(logOf(kept), `${isKept ? '.git\n' : ''}other\nsub\n`)
      }
    } finally {
      await served.close()
    }
    await assert.rejects(
      test.engine.builds
        .build({ context: { remote: 'https://127.0.0.1:1/x.git' } })
        [Symbol.asyncIterator]()
        .next(),
      /git ls-remote/,
    )
    await assert.rejects(
      test.engine.builds
        .build({ context: { remote: 'ftp://x/y' } })
        [Symbol.asyncIterator]()
        .next(),
      /unsupported remote build context/,
    )
  })

  it('pulls a base that is not here, telling of it, and asks again only when it is to', async () => {
    const registry = await MockRegistry.start()
    try {
      registry.add('app:1', registryImage({ layers: [tarOf({ first: '1' })] }))
      const files = { Dockerfile: `FROM ${registry.host}/app:1\nCOPY f /f\n`, f: 'f' }
      const pulled = await build(test.engine, files)
      assert.ok(pulled.some((event) => event.kind === 'progress'))
      const here = await build(test.engine, files)
      assert.ok(!here.some((event) => event.kind === 'progress'))
      registry.add('app:1', registryImage({ layers: [tarOf({ second: '2' })] }))
      const { RootFS } = await test.engine.images.inspect(
        imageOf(await build(test.engine, files, { pull: true })),
      )
      const first = await test.engine.images.inspect(imageOf(here))
      assert.notDeepEqual(RootFS?.Layers?.[0], first.RootFS?.Layers?.[0])
      const missing = { Dockerfile: `FROM ${registry.host}/nope:1\n` }
      await assert.rejects(build(test.engine, missing), /nope[^]*Dockerfile:1/)
    } finally {
      await registry.close()
    }
  })

  it('refuses archives to add that lead out, and a context that is no archive', async () => {
    const engine = test.engine
    const context = { tar: Readable.from([Buffer.alloc(2000, 'x')]) }
    await assert.rejects(engine.builds.build({ context })[Symbol.asyncIterator]().next(), /tar/)
    const fine = tarOf({
      Dockerfile: 'FROM busybox\nADD evil.tar /n/\n',
      'evil.tar': tarOf({ '../../../up': 'x' }),
    })
    await assert.rejects(async () => {
      for await (const _event of engine.builds.build({ context: { tar: Readable.from([fine]) } }));
    }, /leads out of it/)
  })
})

async function listening(port: number): Promise<void> {
  for (const end = Date.now() + patient(10_000); ; await sleep(20)) {
    const socket = net.connect(port, '127.0.0.1')
    const isThere = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (isThere) return
    assert.ok(Date.now() < end, `nobody listens at port ${String(port)}`)
  }
}

/** Builds until a step has begun, and goes on unheard. */
async function untilStep(engine: Engine, files: Files, number: number): Promise<void> {
  const context = { tar: Readable.from([tarOf(files)]) }
  const events = engine.builds.build({ context })[Symbol.asyncIterator]()
  for (let next = await events.next(); next.done !== true; next = await events.next())
    if (next.value.kind === 'started' && next.value.number === number) break
  const rest = async (): Promise<void> => {
    while ((await events.next()).done !== true);
  }
  rest().catch(() => undefined)
}

describe('an engine killed with -9 while it builds', () => {
  it('has nothing left of it at its next start, and goes on from the steps that were done', async () => {
    const root = fs.mkdtempSync('/tmp/g-')
    const process_ = new EngineProcess(testInstance(root))
    const { instance } = process_
    try {
      let engine = await process_.start()
      await importBusybox(engine)
      const many = Object.fromEntries(
        Array.from({ length: 1000 }, (_, i) => [
          `d/${String(i % 50)}/f${String(i)}`,
          'x'.repeat(300),
        ]),
      )
      const files = {
        ...many,
        Dockerfile:
          'FROM busybox\nRUN echo done > /done\nCOPY d /copied\nRUN sleep 0.5; echo two > /two\nCOPY d /again\nRUN sleep 0.5\n',
      }
      for (let round = 0; round < 5; round++) {
        await untilStep(engine, files, round + 1)
        // somewhere in it
        await sleep((round * 37) % 120)
        await process_.kill()
        engine = await process_.start()
        assert.deepEqual(fs.readdirSync(path.join(instance.dataRoot, 'builds')), [])
        assert.deepEqual(fs.readdirSync(path.join(instance.dataRoot, 'snapshots')), [])
        assert.deepEqual(fs.readdirSync(path.join(instance.runRoot, 'c')), [])
        assert.deepEqual(
          fs
            .readdirSync(path.join(instance.dataRoot, 'layers'))
            .filter((name) => name.startsWith('tmp-')),
          [],
        )
      }
      const events = await build(engine, files, { tags: ['whole:1'] })
      assert.match(JSON.stringify(cachedOf(events)), /true/)
      const checked = await build(engine, {
        Dockerfile:
          'FROM whole:1\nRUN cat /done /two; find /copied -type f | wc -l; find /again -type f | wc -l; find /again -type f -size -300c | wc -l\n',
      })
      assert.equal(logOf(checked), 'done\ntwo\n1000\n1000\n0\n')
    } finally {
      await process_.kill('SIGTERM')
      await sweepInstance(instance)
      fs.rmSync(root, { recursive: true, force: true })
    }
  })
})
