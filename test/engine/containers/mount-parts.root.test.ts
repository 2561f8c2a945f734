import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { Engine } from '../../../engine/contract.ts'
import { installedRuntimes } from '../../../engine/runtime/oci-runtimes.ts'
import type { HostConfig, Mount } from '../../../engine/types/docker.ts'
import { EngineProcess } from '../../helpers/engine-process.ts'
import {
  importBusybox,
  openTestEngine,
  testInstance,
  type TestEngine,
} from '../../helpers/local-engine.ts'
import { demultiplex } from '../../helpers/raw-stream.ts'
import { sweepInstance } from '../../helpers/sweep-instance.ts'

const PARTS = {
  volume: (subpath: string): Mount => ({
    Type: 'volume',
    Source: 'vol',
    Target: '/x',
    VolumeOptions: { Subpath: subpath },
  }),
  image: (subpath: string): Mount => ({
    Type: 'image',
    Source: 'data:1',
    Target: '/x',
    ImageOptions: { Subpath: subpath },
  }),
}

/** The same tree in a volume and in an image, with what the owner of a volume might try. */
const TREE = [
  'cd $0 || exit 1; mkdir -p a/b hack; echo inside >a/b/mark; chown 12:34 a/b/mark; echo one >file',
  'ln -s ../a hack/good; ln -s / hack/root; ln -s root hack/bad; ln -s ../../.. hack/up; ln -s loop hack/loop',
].join('\n')

const installed = installedRuntimes({}).map(({ name }) => name)
const MAKERS: [string, HostConfig, string | false][] = [
  ['gantry', {}, false],
  ['a user namespace', { UsernsMode: 'private' }, false],
  ...['runc', 'crun'].map((Runtime): [string, HostConfig, string | false] => [
    Runtime,
    { Runtime },
    installed.includes(Runtime) ? false : `${Runtime} is not installed`,
  ]),
]

describe('mounts of a part of a volume, and of images', () => {
  let host: TestEngine
  before(async () => {
    host = await openTestEngine()
    await furnish(host.engine)
  })
  after(() => host.close())

  const run = (script: string, hostConfig: HostConfig): Promise<string> =>
    runIn(host.engine, script, hostConfig)

  for (const [maker, base, skip] of MAKERS) {
    describe(`made by ${maker}`, { skip }, () => {
      test('a part is seen in place of the whole: a directory, a file, by links that stay inside', async () => {
        for (const part of [PARTS.volume, PARTS.image]) {
          const see = (subpath: string, script: string): Promise<string> =>
            run(script, { ...base, Mounts: [part(subpath)] })
          const inside = 'cd /x && ls && cat b/mark && stat -c %u:%g b/mark'
          assert.equal(await see('a', inside), 'b\ninside\n12:34\n')
          assert.equal(await see('./a/b/../', inside), 'b\ninside\n12:34\n')
          assert.equal(await see('hack/good', inside), 'b\ninside\n12:34\n')
          assert.equal(await see('file', 'test -f /x && cat /x'), 'one\n')
        }
      })

      test('what is written to a part of a volume is in the volume', async () => {
        const Mounts = [PARTS.volume('a/b')]
        const name = `by-${maker.replaceAll(' ', '-')}`
        const write = `echo ${name} >/x/${name}; chown 1000:1000 /x/${name}`
        assert.equal(await run(write, { ...base, Mounts }), '')
        const read = `cat /v/a/b/${name}; stat -c %u:%g /v/a/b/${name}; rm /v/a/b/${name}`
        assert.equal(await run(read, { Binds: ['vol:/v'] }), `${name}\n1000:1000\n`)
        const readonly = [{ ...PARTS.volume('a'), ReadOnly: true }]
        assert.match(await run('touch /x/no 2>&1', { ...base, Mounts: readonly }), /Read-only/)
      })

      test('an image is seen as its containers see it, and cannot be written to', async () => {
        const Mounts = [
          { Type: 'image', Source: 'data:1', Target: '/x', ReadOnly: false },
          { Type: 'image', Source: 'busybox', Target: '/one/layer' },
        ] as Mount[]
        const script = [
          'cat /x/a/b/mark; test -e /x/etc/group && echo kept; test -e /one/layer/etc/group && echo there',
          'touch /x/no 2>&1; mount -o remount,rw /x 2>/dev/null && touch /x/no; rm /x/a/b/mark 2>&1',
        ].join('\n')
        const said = await run(script, { ...base, Mounts, CapAdd: ['SYS_ADMIN'] })
        assert.equal(said.replace(/(touch|rm): .*(Read-only).*\n/g, '$2\n'), 'inside\nthere\nRead-only\nRead-only\n') // prettier-ignore
      })

      test('what is not there, or leads out, fails the start by its name, and nothing is left of it', async () => {
        for (const part of [PARTS.volume, PARTS.image]) {
          for (const [subpath, code, words] of [
            ['missing', 'NOT_FOUND', /^cannot access path .*\/missing: no such file or directory$/],
            ['file/below', 'NOT_FOUND', /^cannot access path .*\/file\/below: not a directory$/],
            ['hack/root', 'INVALID_PARAMETER', /^path concatenation escapes the base directory.*hack\/root$/],
            ['hack/root/etc', 'INVALID_PARAMETER', /escapes the base directory/],
            ['hack/bad', 'INVALID_PARAMETER', /escapes the base directory/],
            ['hack/up', 'INVALID_PARAMETER', /escapes the base directory/],
            ['hack/loop', 'INVALID_PARAMETER', /too many levels of symbolic links/],
          ] as const) {
            const { Id } = await host.engine.containers.create({
              Image: 'busybox',
              HostConfig: { ...base, Mounts: [part(subpath)] },
            })
            await assert.rejects(host.engine.containers.start(Id), { code, message: words })
            const { State } = await host.engine.containers.inspect(Id)
            assert.deepEqual([State?.Status, State?.Running, State?.Pid], ['created', false, 0])
            assert.equal(fs.existsSync(path.join(host.instance.runRoot, 'c', Id)), false)
            await host.engine.containers.remove(Id)
          }
        }
        assert.deepEqual(mountsOnHost(host), [])
      }) // prettier-ignore

      test('a path swapped while it is being mounted never leads out of the volume', async () => {
        const outside = path.join(path.dirname(host.instance.dataRoot), `outside-${maker}`)
        fs.mkdirSync(outside)
        fs.writeFileSync(path.join(outside, 'mark'), 'outside\n')
        const volume = (await host.engine.volumes.inspect('vol')).Mountpoint
        const swapping = swap(path.join(volume, 'a'), 'b', outside)
        try {
          await once(swapping.stdout, 'data')
          const seen = new Set<string>()
          for (let round = 0; round < 15; round++)
            seen.add(
              await run('cat /x/mark', { ...base, Mounts: [PARTS.volume('a/b')] }).catch(
                (error: unknown) => (error as { code: string }).code,
              ),
            )
          const possible = ['inside\n', 'INVALID_PARAMETER', 'NOT_FOUND']
          assert.deepEqual(
            [...seen].filter((each) => !possible.includes(each)),
            [],
          )
        } finally {
          swapping.stdin.end()
          await once(swapping, 'exit')
        }
        assert.equal(fs.readFileSync(path.join(volume, 'a/b/mark'), 'utf8'), 'inside\n')
      })
    })
  }

  test('create refuses a subpath that says by itself that it leads out, and options of others', async () => {
    const create = (mount: Mount): Promise<unknown> =>
      host.engine.containers.create({ Image: 'busybox', HostConfig: { Mounts: [mount] } })
    for (const part of [PARTS.volume, PARTS.image])
      for (const subpath of ['/etc', '..', '../x', 'a/../../x', 'a/b/../../../../../etc/passwd'])
        await assert.rejects(create(part(subpath)), {
          code: 'INVALID_PARAMETER',
          message: /subpath must be a relative path within the volume/,
        })
    for (const [mount, words] of [
      [{ ...PARTS.volume('a'), Source: '' }, /must not set Subpath when using anonymous volumes/],
      [{ ...PARTS.image(''), Source: '' }, /for type "image": field Source must not be empty/],
      [{ ...PARTS.image('a'), Type: 'volume' }, /field ImageOptions must not be specified/],
    ] as const)
      await assert.rejects(create(mount as Mount), { code: 'INVALID_PARAMETER', message: words })
    await assert.rejects(create({ ...PARTS.image(''), Source: 'nowhere' }), {
      code: 'NOT_FOUND',
      message: 'No such image: nowhere:latest',
    })
    assert.equal((await host.engine.containers.list({ all: true })).length, 0)
  })

  test('inspect tells of them, and who borrows them has the same', async () => {
    const Mounts = [PARTS.volume('a'), { ...PARTS.image('a/b'), Target: '/y' }]
    const lender = await host.engine.containers.create({ Image: 'busybox', HostConfig: { Mounts } })
    const { Id } = await host.engine.images.inspect('data:1')
    const volume = (await host.engine.volumes.inspect('vol')).Mountpoint
    const { Mounts: told = [] } = await host.engine.containers.inspect(lender.Id)
    assert.deepEqual(
      told.map(({ Mode: _, Propagation: __, ...rest }) => rest),
      [
        {
          Type: 'volume',
          Name: 'vol',
          Source: volume,
          Destination: '/x',
          RW: true,
          Driver: 'local',
          Gantry: { Subpath: 'a' },
        },
        {
          Type: 'image',
          Name: 'data:1',
          Source: Id,
          Destination: '/y',
          RW: false,
          Gantry: { Subpath: 'a/b' },
        },
      ],
    )
    const borrowed = await run('cat /x/b/mark /y/mark; touch /x/no 2>&1', {
      VolumesFrom: [`${lender.Id}:ro`],
    })
    assert.match(borrowed, /^inside\ninside\n.*Read-only file system\n$/)
    await host.engine.containers.remove(lender.Id)
  })

  test('docker cp reads through them, also of a container that never ran, and passes over what is missing', async () => {
    const Mounts = [
      PARTS.volume('a'),
      { ...PARTS.image('a'), Target: '/y' },
      { ...PARTS.volume('missing'), Target: '/z' },
      { ...PARTS.image('hack/root'), Target: '/w' },
    ]
    const { Id } = await host.engine.containers.create({ Image: 'busybox', HostConfig: { Mounts } })
    for (const where of ['/x/b/mark', '/y/b/mark']) {
      const { tar } = await host.engine.containers.readArchive(Id, where)
      assert.match(await text(tar), /inside\n/)
    }
    assert.deepEqual(mountsOnHost(host), [])
    await host.engine.containers.remove(Id)
  })

  test('an empty part of a volume is filled from the image, unless it is not to be', async () => {
    await run('mkdir /v/new /v/left /v/full; echo mine >/v/full/mine', { Binds: ['vol:/v'] })
    const list = async (subpath: string, options: Mount['VolumeOptions'] = {}): Promise<string> => {
      const mount = { ...PARTS.volume(subpath), Target: '/etc' }
      const VolumeOptions = { ...mount.VolumeOptions, ...options }
      return await run('ls /etc | grep -v host | grep -v resolv', {
        Mounts: [{ ...mount, VolumeOptions }],
      })
    }
    assert.equal(await list('left', { NoCopy: true }), '')
    assert.equal(await list('new'), 'group\npasswd\n')
    assert.equal(await list('full'), 'mine\n')
    await run('cd /v; rm -r new left full', { Binds: ['vol:/v'] })
  })

  test('an image stays while a container has it mounted, and its layers after it was removed by force', async () => {
    const held = await commit(host.engine, 'echo held >/new', 'held')
    const Cmd = ['sh', '-c', 'cat /x/new; sleep 1000']
    const Mounts: Mount[] = [{ Type: 'image', Source: 'held', Target: '/x' }]
    const HostConfig = { Mounts }
    const { Id } = await host.engine.containers.create({ Image: 'busybox', Cmd, HostConfig })
    await host.engine.containers.start(Id)
    await assert.rejects(host.engine.images.remove('held'), {
      code: 'CONFLICT',
      message: new RegExp(`container ${Id.slice(0, 12)} is using its referenced image`),
    })
    await assert.rejects(host.engine.images.remove(held, { force: true }), /used by running/)
    await host.engine.images.prune({ dangling: ['false'] })
    await host.reopen()
    await host.engine.containers.restart(Id, { timeout: 0 })
    await host.engine.containers.stop(Id, { timeout: 0 })

    await host.engine.images.remove('held', { force: true })
    await assert.rejects(host.engine.images.inspect(held), { code: 'NOT_FOUND' })
    await host.reopen()
    await host.engine.containers.start(Id)
    assert.equal(await run('cat /x/new', { VolumesFrom: [Id] }), 'held\n')
    const layers = (): number => fs.readdirSync(path.join(host.instance.dataRoot, 'layers')).length
    const before = layers()
    await host.engine.containers.remove(Id, { force: true })
    assert.equal(layers(), before - 1)
  })
})

describe('an engine killed while it starts such containers', () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
  const host = new EngineProcess(testInstance(root))
  after(async () => {
    await host.kill()
    await sweepInstance(host.instance)
    fs.rmSync(root, { recursive: true, force: true })
  })

  test('leaves nothing mounted on the host, and its containers run on', async () => {
    await importBusybox(await host.start())
    await furnish(host.engine)
    const Mounts = [PARTS.volume('a'), { ...PARTS.image('a'), Target: '/y' }]
    const config = { Image: 'busybox', Cmd: ['sleep', '1000'], HostConfig: { Mounts } }
    const { Id } = await host.engine.containers.create(config)
    await host.engine.containers.start(Id)
    const runtimes = ['gantry', ...installed.filter((name) => name === 'runc')]
    const others = await Promise.all(
      runtimes.map((Runtime) =>
        host.engine.containers.create({ ...config, HostConfig: { Mounts, Runtime } }),
      ),
    )
    const starting = others.map((other) =>
      host.engine.containers.start(other.Id).catch(() => undefined),
    )
    await setTimeout(40)
    await host.kill()
    await Promise.all(starting)
    assert.deepEqual(mountsOnHost(host), [])
    await host.start()
    assert.equal(await execIn(host.engine, Id, 'cat /x/b/mark /y/b/mark'), 'inside\ninside\n')
    assert.deepEqual(mountsOnHost(host), [])
  })
})

/** The volume `vol` and the image `data:1`: of two layers, of which the upper takes a file away. */
async function furnish(engine: Engine): Promise<void> {
  await runIn(engine, `sh -c '${TREE}' /v`, { Binds: ['vol:/v'] })
  await commit(engine, `sh -c '${TREE}' /; rm /etc/group`, 'data:1')
}

/** Makes an image of busybox after a script has run in it. */
async function commit(engine: Engine, script: string, name: string): Promise<string> {
  const Cmd = ['sh', '-c', script]
  const { Id } = await engine.containers.create({ Image: 'busybox', Cmd })
  await engine.containers.start(Id)
  await (
    await engine.containers.wait(Id)
  ).exited
  const [repo = '', tag = 'latest'] = name.split(':')
  const image = await engine.containers.commit(Id, { repo, tag })
  await engine.containers.remove(Id)
  return image.Id
}

/** What a shell prints in a new container, which is gone afterwards however it went. */
async function runIn(engine: Engine, script: string, hostConfig: HostConfig): Promise<string> {
  const config = { Image: 'busybox', Cmd: ['sh', '-c', script], HostConfig: hostConfig }
  const { Id } = await engine.containers.create(config)
  try {
    await engine.containers.start(Id)
    await (
      await engine.containers.wait(Id)
    ).exited
    const { stream } = await engine.containers.logs(Id, { stdout: true, stderr: true })
    return (await demultiplex(stream)).stdout
  } finally {
    await engine.containers.remove(Id, { force: true })
  }
}

async function execIn(engine: Engine, id: string, script: string): Promise<string> {
  const { Id } = await engine.execs.create(id, { Cmd: ['sh', '-c', script], AttachStdout: true })
  const { stream } = await engine.execs.start(Id)
  return (await demultiplex(stream as NonNullable<typeof stream>)).stdout
}

/** What of an engine is mounted where the host sees it, but for the namespaces of its networks. */
function mountsOnHost({ instance }: Pick<TestEngine, 'instance'>): string[] {
  return fs
    .readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(path.dirname(instance.dataRoot)))
    .filter((line) => !line.includes(path.join(instance.runRoot, 'netns')))
}

/** Changes directory/name between what it is and a link to elsewhere, until its input ends. */
function swap(directory: string, name: string, elsewhere: string) {
  const script = `
    const { renameSync, symlinkSync, unlinkSync } = require('node:fs')
    process.chdir(${JSON.stringify(directory)})
    symlinkSync(${JSON.stringify(elsewhere)}, '.link')
    let goes = true
    process.stdin.on('end', () => (goes = false)).resume()
    const turn = () => {
      for (let i = 0; i < 100; i++) {
        renameSync('${name}', '.kept'); renameSync('.link', '${name}')
        renameSync('${name}', '.link'); renameSync('.kept', '${name}')
      }
      if (goes) setImmediate(turn)
      else unlinkSync('.link')
    }
    console.log('swapping')
    turn()`
  return spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
}
