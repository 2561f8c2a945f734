import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { hostPlatform } from '../../engine/oci/platform.ts'
import { freePort } from '../helpers/free-port.ts'
import { hasRegistry, LocalRegistry } from '../helpers/local-registry.ts'
import { buildx, contextOf, stepsOf } from './contexts.ts'
import type { Files } from './contexts.ts'
import { eventually, openCli, whyNot } from './harness.ts'
import type { Cli } from './harness.ts'
import { givePlugins, whyNoPlugin } from './plugins.ts'

const skip = (await whyNot()) || whyNoPlugin('docker-buildx')
const HOST = `linux/${hostPlatform().architecture}`
const FOREIGN = hostPlatform().architecture === 's390x' ? 'linux/amd64' : 'linux/s390x'

describe('options of docker buildx build', { skip }, () => {
  let cli: Cli
  before(async () => {
    cli = await openCli()
    givePlugins(cli)
  })
  after(() => cli.close())

  async function built(files: Files, ...args: string[]): Promise<string> {
    const { code, stderr } = await buildx(cli, contextOf(cli, files), ...args)
    assert.equal(code, 0, stderr)
    return stderr
  }

  describe('--build-context', () => {
    it('stands in for stages and images: a directory, an image, a repository', async () => {
      const other = contextOf(cli, {
        a: 'from elsewhere',
        'left.log': '',
        '.dockerignore': '*.log',
      })
      const Dockerfile = [
        'FROM docker.io/library/alpine AS base',
        'FROM BASE AS stage',
        'RUN false',
        'FROM base',
        'COPY --from=dir . /dir/',
        'COPY --from=stage a /stage',
        'RUN --mount=from=dir,target=/m cat /m/a > /mounted',
      ].join('\n')
      const contexts = { dir: other, stage: other, alpine: `docker-image://${cli.image}` }
      await built(
        { Dockerfile },
        ...Object.entries(contexts).flatMap(([name, to]) => ['--build-context', `${name}=${to}`]),
        ...['-t', 'contexts'],
      )
      const script = 'ls -A /dir; cat /stage /mounted'
      const said = await cli.ok('run', '--rm', 'contexts', 'sh', '-c', script)
      assert.equal(said, '.dockerignore\na\nfrom elsewherefrom elsewhere')
    })

    it('is what a stage is made from, and its content is what its steps depend on', async () => {
      const root = contextOf(cli, { 'etc/made': 'one' })
      const files = { Dockerfile: 'FROM root\nCOPY --from=root etc/made /copied\nCMD ["x"]' }
      const args = ['--build-context', `root=${root}`, '-t', 'rooted']
      await built(files, ...args)
      assert.deepEqual(stepsOf(await built(files, ...args)).done.length > 0, true)
      const export_ = path.join(cli.dir, 'rooted')
      await built(files, ...args, '--output', `type=local,dest=${export_}`)
      assert.equal(fs.readFileSync(path.join(export_, 'etc/made'), 'utf8'), 'one')
      fs.writeFileSync(path.join(root, 'etc/made'), 'two')
      await built(files, ...args, '--output', `type=local,dest=${export_}`)
      assert.equal(fs.readFileSync(path.join(export_, 'copied'), 'utf8'), 'two')
    })

    it('is an image in a layout of the client, for the platform of the build', async () => {
      const archive = path.join(cli.dir, 'layout.tar')
      const layout = path.join(cli.dir, 'layout')
      const base = {
        Dockerfile: 'FROM scratch\nARG TARGETARCH\nENV FOR=$TARGETARCH\nCOPY f /f',
        f: 'f',
      }
      await built(
        base,
        ...['-t', 'laid:1', '--platform', `${FOREIGN},${HOST}`],
        ...['--output', `type=oci,dest=${archive}`],
      )
      fs.mkdirSync(layout)
      execFileSync('tar', ['-C', layout, '-xf', archive])
      const files = {
        Dockerfile:
          'FROM laid\nFROM BASE\nCOPY --from=laid /f /copied\nFROM laid\nCOPY --from=1 /copied /',
      }
      const args = ['--build-context', `laid=oci-layout://${layout}:1`]
      await built(files, ...args, '-t', 'on-layout')
      const env = await cli.ok('inspect', '--format', '{{json .Config.Env}}', 'on-layout')
      assert.match(env, new RegExp(`FOR=${HOST.slice(6)}`))
      const target = path.join(cli.dir, 'on-layout')
      await built(files, ...args, '--output', target)
      assert.equal(fs.readFileSync(path.join(target, 'copied'), 'utf8'), 'f')
    })

    it('is a git repository by its address', async () => {
      const work = path.join(cli.dir, 'git', 'work.git')
      fs.mkdirSync(work, { recursive: true })
      fs.writeFileSync(path.join(work, 'f'), 'from git')
      const git = (...args: string[]): void => {
        execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: work })
      }
      git('init', '-q')
      git('add', '.')
      git('commit', '-q', '-m', 'files')
      const port = String(freePort())
      const daemon = spawn(
        'git',
        [
          'daemon',
          '--export-all',
          `--base-path=${path.dirname(work)}`,
          '--listen=127.0.0.1',
          `--port=${port}`,
        ],
        { stdio: 'ignore', detached: true },
      )
      try {
        const address = `git://127.0.0.1:${port}/work.git`
        await eventually(
          () =>
            Promise.resolve().then(() => {
              try {
                return execFileSync('git', ['ls-remote', address], { stdio: 'pipe' }).length > 0
              } catch {
                return false
              }
            }),
          (isThere) => isThere,
        )
        const files = { Dockerfile: 'FROM BASE\nCOPY --from=repo f /f' }
        await built(files, '--build-context', `repo=${address}`, '-t', 'gitted')
        assert.equal(await cli.ok('run', '--rm', 'gitted', 'cat', '/f'), 'from git')
      } finally {
        process.kill(-(daemon.pid ?? 0), 'SIGKILL')
      }
    })
  })

  it('does only the named stages anew with --no-cache-filter', async () => {
    const files = {
      Dockerfile: [
        'FROM BASE AS one',
        'RUN echo one > /f',
        'FROM BASE AS Two',
        'RUN echo two > /f',
        'FROM BASE',
        'COPY --from=one /f /1',
        'COPY --from=two /f /2',
      ].join('\n'),
    }
    await built(files)
    const { cached, done } = stepsOf(await built(files, '--no-cache-filter', 'two'))
    assert.ok(cached.includes('RUN echo one > /f') && done.includes('RUN echo two > /f'))
  })

  it('knows host-gateway', async () => {
    const told = await built(
      { Dockerfile: 'FROM BASE\nRUN grep made.up /etc/hosts' },
      ...['--add-host', 'made.up:host-gateway', '--no-cache'],
    )
    const format = '{{(index .IPAM.Config 0).Gateway}}'
    const gateway = await cli.ok('network', 'inspect', '--format', format, 'bridge')
    assert.match(told, new RegExp(`${gateway.replaceAll('.', '\\.')}\\s+made\\.up`))
  })

  it('makes no attestations: those that are asked for are refused', async () => {
    const files = { Dockerfile: 'FROM BASE\nRUN true' }
    assert.doesNotMatch(await built(files, '-t', 'plain'), /attestation/)
    await built(files, '--provenance=false', '--sbom=false')
    for (const asked of ['--provenance=mode=max', '--sbom=true', '--attest=type=provenance'])
      for (const output of ['type=docker', `type=oci,dest=${path.join(cli.dir, 'attested.tar')}`]) {
        const args = [asked, '--output', output]
        const { code, stderr } = await buildx(cli, contextOf(cli, files), ...args)
        assert.equal(code, 1, stderr)
        assert.match(stderr, /Attestations are not supported by the current BuildKit daemon/)
      }
  })

  it('makes an index of one platform when it is to be one', async () => {
    const files = { Dockerfile: 'FROM scratch\nCOPY f /f', f: 'f' }
    const target = path.join(cli.dir, 'one-of-several')
    const multi = ['--build-arg', 'BUILDKIT_MULTI_PLATFORM=1']
    await built(files, ...multi, '--output', target)
    const own = HOST.replace('/', '_')
    assert.equal(fs.readFileSync(path.join(target, own, 'f'), 'utf8'), 'f')
    const metadata = path.join(cli.dir, 'one-of-several.json')
    const archive = path.join(cli.dir, 'one-of-several.tar')
    const output = ['--output', `type=oci,dest=${archive}`, '--metadata-file', metadata]
    await built(files, ...multi, ...output)
    const written = JSON.parse(fs.readFileSync(metadata, 'utf8')) as Record<string, Listed>
    const type = written['containerimage.descriptor']?.mediaType
    assert.equal(type, 'application/vnd.oci.image.index.v1+json')
    const { code, stderr } = await buildx(
      cli,
      contextOf(cli, files),
      ...['--build-arg', 'BUILDKIT_MULTI_PLATFORM=0', '--platform', `${HOST},${FOREIGN}`],
    )
    assert.equal(code, 1)
    assert.match(stderr, /returning multiple target platforms is not allowed/)
  })

  it('keeps cache mounts of one namespace from another', async () => {
    let count = 0
    const told = async (namespace: string, id = 'apart'): Promise<string> => {
      const step = `RUN --mount=type=cache,target=/c,id=${id} ls /c; touch /c/${String(++count)}`
      const args = ['--build-arg', `BUILDKIT_CACHE_MOUNT_NS=${namespace}`]
      const listed = await built({ Dockerfile: `FROM BASE\n${step}` }, ...args)
      assert.doesNotMatch(listed, /not consumed/)
      return listed
    }
    const has = /^#\d+ [\d.]+ \d+$/m
    assert.doesNotMatch(await told('one'), has)
    assert.doesNotMatch(await told('two'), has)
    assert.match(await told('one'), has)
    assert.doesNotMatch(await told('one', '../two/apart'), has)
  })

  it('reads Dockerfiles itself, and no other language', async () => {
    const files = { Dockerfile: 'FROM BASE\nRUN hostname' }
    const own = ['--build-arg', 'BUILDKIT_SYNTAX=mirror.example/docker/dockerfile:1.9-labs']
    const named = ['--build-arg', 'BUILDKIT_SANDBOX_HOSTNAME=called']
    assert.match(await built(files, ...own, ...named), /[\d.]+ called\n/)
    const refused = async (other: Files, ...args: string[]): Promise<string> => {
      const { code, stderr } = await buildx(cli, contextOf(cli, other), ...args)
      assert.equal(code, 1)
      return stderr
    }
    const arg = ['--build-arg', 'BUILDKIT_SYNTAX=example/mopy']
    assert.match(await refused(files, ...arg), /front end example\/mopy is not run here/)
    const mopy = { Dockerfile: '# syntax=example/mopy:1\nversion: 3' }
    const told = await refused(mopy)
    assert.match(told, />>> # syntax=[^]*front end example\/mopy:1 is not run here/)
  })

  describe('--platform', () => {
    const files = {
      Dockerfile: 'FROM scratch\nARG TARGETPLATFORM\nCOPY f /$TARGETPLATFORM/f',
      f: 'f',
    }

    it('makes an image for each, which go as one index into an archive', async () => {
      const archive = path.join(cli.dir, 'both.tar')
      const metadata = path.join(cli.dir, 'both.json')
      await built(
        files,
        ...['--platform', `${HOST},${FOREIGN}`, '-t', 'both:1', '--metadata-file', metadata],
        ...['--output', `type=oci,dest=${archive}`],
      )
      const layout = path.join(cli.dir, 'both')
      fs.mkdirSync(layout)
      execFileSync('tar', ['-C', layout, '-xf', archive])
      const json = (file: string): { manifests: Listed[] } =>
        JSON.parse(fs.readFileSync(path.join(layout, file), 'utf8')) as { manifests: Listed[] }
      const [entry, ...more] = json('index.json').manifests
      assert.deepEqual(more, [])
      assert.equal(entry?.annotations?.['io.containerd.image.name'], 'docker.io/library/both:1')
      const index = json(`blobs/sha256/${entry.digest.slice(7)}`)
      assert.deepEqual(
        index.manifests.map(
          ({ platform }) => `${platform?.os ?? ''}/${platform?.architecture ?? ''}`,
        ),
        [HOST, FOREIGN],
      )
      const written = JSON.parse(fs.readFileSync(metadata, 'utf8')) as Record<string, unknown>
      assert.equal(written['containerimage.digest'], entry.digest)
      assert.equal((written['containerimage.descriptor'] as Listed).digest, entry.digest)
      assert.equal(written['image.name'], 'docker.io/library/both:1')
    })

    it(
      'makes an image for each, of which the host has its own and a registry all',
      { skip: !hasRegistry && 'docker-registry and skopeo are not installed' },
      async () => {
        const scratch = path.join(cli.dir, 'platforms')
        fs.mkdirSync(scratch)
        const registry = await LocalRegistry.start(scratch)
        try {
          const name = `${registry.host}/both:1`
          await built(files, '--platform', `${FOREIGN},${HOST}`, '-t', name, '--push')
          const here = await cli.ok('inspect', '--format', '{{.Os}}/{{.Architecture}}', name)
          assert.equal(here, HOST)
          const told = await cli.ok('buildx', 'imagetools', 'inspect', name)
          assert.match(told, new RegExp(`Platform:\\s+${FOREIGN}[^]*Platform:\\s+${HOST}`))
          await cli.ok('rmi', name)
          await cli.ok('pull', '--platform', FOREIGN, name)
          const foreign = await cli.ok('inspect', '--format', '{{.Os}}/{{.Architecture}}', name)
          assert.equal(foreign, FOREIGN)
        } finally {
          await registry.close()
        }
      },
    )

    it('writes the files of each into a directory of its own', async () => {
      const target = path.join(cli.dir, 'each')
      await built(files, '--platform', `${HOST},${FOREIGN}`, '--output', target)
      const found = [HOST, FOREIGN].map((platform) =>
        fs.readFileSync(path.join(target, platform.replace('/', '_'), platform, 'f'), 'utf8'),
      )
      assert.deepEqual(found, ['f', 'f'])
      const archive = path.join(cli.dir, 'each.tar')
      await built(files, '--platform', `${HOST},${FOREIGN}`, '--output', `type=tar,dest=${archive}`)
      const listed = execFileSync('tar', ['-tf', archive], { encoding: 'utf8' })
      for (const platform of [HOST, FOREIGN])
        assert.ok(listed.includes(`${platform.replace('/', '_')}/${platform}/f\n`), listed)
    })

    it('says what a RUN for another processor lacks', async () => {
      const dir = contextOf(cli, {
        Dockerfile: `FROM scratch\nCOPY . /\nRUN ["/x"]`,
        x: 'x',
      })
      const { code, stderr } = await buildx(cli, dir, '--platform', FOREIGN)
      const handler = `/proc/sys/fs/binfmt_misc/qemu-${FOREIGN.slice(6).replace('amd64', 'x86_64')}`
      if (fs.existsSync(handler)) return
      assert.equal(code, 1)
      assert.match(stderr, new RegExp(`RUN for ${FOREIGN} .* there is no handler for its programs`))
    })
  })

  it(
    'does what compose asks for: contexts, caches, platforms',
    { skip: whyNoPlugin('docker-compose') },
    async () => {
      const other = contextOf(cli, { a: 'from elsewhere' })
      const cache = path.join(cli.dir, 'composed-cache')
      const dir = contextOf(cli, {
        Dockerfile: 'FROM BASE\nCOPY --from=other a /a\nRUN cat /a > /b',
        Bare: 'FROM scratch\nCOPY Bare /',
        'compose.yaml': [
          'services:',
          '  a:',
          '    image: composed-a',
          '    build:',
          '      context: .',
          `      additional_contexts: { other: ${other} }`,
          `      cache_to: ["type=local,dest=${cache},mode=max"]`,
          '  b:',
          '    image: composed-b',
          `    build: { context: ., dockerfile: Bare, platforms: [${HOST}, ${FOREIGN}] }`,
        ].join('\n'),
      })
      const args = ['compose', '-f', path.join(dir, 'compose.yaml'), 'build']
      const { code, stderr } = await cli.run(args, { timeoutMs: 60_000 })
      assert.equal(code, 0, stderr)
      assert.equal(await cli.ok('run', '--rm', 'composed-a', 'cat', '/b'), 'from elsewhere')
      assert.ok(fs.existsSync(path.join(cache, 'index.json')))
      const platform = await cli.ok(
        'inspect',
        '--format',
        '{{.Os}}/{{.Architecture}}',
        'composed-b',
      )
      assert.equal(platform, HOST)
    },
  )

  it('writes a layout into a directory, which another build can stand on', async () => {
    const layout = path.join(cli.dir, 'written-layout')
    const output = ['--output', `type=oci,tar=false,dest=${layout}`]
    const platforms = ['--platform', `${HOST},${FOREIGN}`]
    const files = { Dockerfile: 'FROM scratch\nCOPY f /f', f: 'laid out' }
    await built(files, ...output, ...platforms, '-t', 'written:1')
    const inspected = readJson(path.join(layout, 'index.json'))
    const [entry, ...more] = inspected.manifests
    assert.ok(entry !== undefined && more.length === 0)
    assert.equal(entry.mediaType, 'application/vnd.oci.image.index.v1+json')
    // what is there already stays
    await built(files, ...output, ...platforms, '-t', 'written:1')
    const on = ['--build-context', `laid=oci-layout://${layout}@${entry.digest}`]
    const target = path.join(cli.dir, 'on-written')
    await built({ Dockerfile: 'FROM laid' }, ...on, '--output', target)
    assert.equal(fs.readFileSync(path.join(target, 'f'), 'utf8'), 'laid out')
  })

  it('writes an archive that docker load takes, with its names', async () => {
    const archive = path.join(cli.dir, 'loaded.tar')
    const files = { Dockerfile: 'FROM BASE\nRUN echo loaded > /f' }
    for (const type of ['docker', 'oci']) {
      await built(files, '-t', `loaded-${type}:1`, '--output', `type=${type},dest=${archive}`)
      // it goes to the archive alone
      assert.equal(await cli.ok('images', '-q', `loaded-${type}:1`), '')
      assert.match(await cli.ok('load', '-i', archive), new RegExp(`loaded-${type}:1`))
      assert.equal(await cli.ok('run', '--rm', `loaded-${type}:1`, 'cat', '/f'), 'loaded')
    }
  })
})

function readJson(file: string): { manifests: Listed[] } {
  return JSON.parse(fs.readFileSync(file, 'utf8')) as { manifests: Listed[] }
}

interface Listed {
  digest: string
  mediaType?: string
  annotations?: Record<string, string>
  platform?: { os: string; architecture: string }
}
