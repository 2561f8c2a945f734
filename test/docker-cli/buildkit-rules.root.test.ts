import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { git, GitServer } from '../helpers/git-server.ts'
import { isOnPath } from '../helpers/on-path.ts'
import { buildx, contextOf } from './contexts.ts'
import type { Files } from './contexts.ts'
import { openCli, whyNot } from './harness.ts'
import type { Cli } from './harness.ts'
import { givePlugins, whyNoPlugin } from './plugins.ts'

const skip = (await whyNot()) || whyNoPlugin('docker-buildx')

/** What BuildKit's own suite holds its front end to, and no other test here. @see docs/other-suites.md */
describe("rules of BuildKit's front end", { skip }, () => {
  let cli: Cli
  let out = 0
  before(async () => {
    cli = await openCli()
    givePlugins(cli)
  })
  after(() => cli.close())

  /** Builds a context, and gives the directory that its files were put into. */
  async function builtFiles(context: string, ...args: string[]): Promise<string> {
    const dest = path.join(cli.dir, `out-${String(++out)}`)
    const to = ['--output', `type=local,dest=${dest}`]
    const { code, stderr } = await buildx(cli, context, ...to, ...args)
    assert.equal(code, 0, stderr)
    return dest
  }

  const read = (dir: string, file: string): string => fs.readFileSync(path.join(dir, file), 'utf8')

  it('follows a Dockerfile and an ignore file that are links', async () => {
    const context = contextOf(cli, {
      'real/Dockerfile.web': 'FROM scratch\nCOPY . /',
      'real/ignored': 'real\nDockerfile\n.dockerignore\nb',
      a: 'a',
      b: 'b',
    })
    fs.symlinkSync('real', path.join(context, 'way'))
    fs.symlinkSync('/way/Dockerfile.web', path.join(context, 'Dockerfile'))
    fs.symlinkSync('way/../real/ignored', path.join(context, '.dockerignore'))
    assert.deepEqual(fs.readdirSync(await builtFiles(context)), ['a', 'way'])
    fs.rmSync(path.join(context, 'Dockerfile'))
    fs.symlinkSync('Dockerfile', path.join(context, 'Dockerfile'))
    const { code, stderr } = await buildx(cli, context)
    assert.equal(code, 1)
    assert.match(stderr, /open Dockerfile: no such file or directory|too many/)
  })

  it(
    'takes a repository from the cache while it is at the same commit, also with its .git',
    { skip: isOnPath('git') ? false : 'git is not installed' },
    async () => {
      const root = contextOf(cli, { 'repo/f': 'one' })
      const repo = path.join(root, 'repo')
      git(repo, 'init', '-q', '-b', 'main')
      const commit = (): void => {
        git(repo, 'add', '.')
        git(repo, 'commit', '-q', '-m', 'c')
        git(repo, 'update-server-info')
      }
      commit()
      const server = await GitServer.start(root)
      try {
        const Dockerfile = [
          'FROM BASE AS b',
          `ADD --keep-git-dir ${server.address}/repo.git?branch=main /r`,
          'RUN cat /proc/sys/kernel/random/uuid > /id; cp /r/.git/HEAD /r/f /',
          'FROM scratch',
          'COPY --from=b /id /HEAD /f /',
        ].join('\n')
        const seen = async (): Promise<string[]> => {
          const dir = await builtFiles(contextOf(cli, { Dockerfile }))
          return ['f', 'id', 'HEAD'].map((name) => read(dir, name))
        }
        const first = await seen()
        assert.deepEqual([first[0], first[2]], ['one', `${git(repo, 'rev-parse', 'HEAD')}\n`])
        assert.deepEqual(await seen(), first)
        fs.writeFileSync(path.join(repo, 'f'), 'two')
        commit()
        assert.equal((await seen())[0], 'two')
      } finally {
        server.close()
      }
    },
  )

  it(
    'asks repositories and servers with the secrets that are for them',
    { skip: isOnPath('git') ? false : 'git is not installed' },
    async () => {
      const root = contextOf(cli, {
        'repo/f': 'private',
        'repo/Dockerfile': 'FROM scratch\nCOPY f /',
      })
      const repo = path.join(root, 'repo')
      git(repo, 'init', '-q', '-b', 'main')
      git(repo, 'add', '.')
      git(repo, 'commit', '-q', '-m', 'c')
      git(repo, 'update-server-info')
      const server = await GitServer.start(root)
      const token = path.join(root, 'token')
      fs.writeFileSync(token, 'tok\n')
      const secret = (id: string): string[] => ['--secret', `id=${id},src=${token}`]
      const added = (what: string): string =>
        contextOf(cli, { Dockerfile: `FROM scratch\nADD ${server.address}/${what} /` })
      try {
        server.wanted = `basic ${Buffer.from('x-access-token:tok').toString('base64')}`
        const address = `${server.address}/repo.git`
        const args = secret('GIT_AUTH_TOKEN')
        assert.equal(read(await builtFiles(added('repo.git'), ...args), 'f'), 'private')
        assert.equal(read(await builtFiles(address, ...args), 'f'), 'private')
        const other = await buildx(cli, address, ...secret('GIT_AUTH_TOKEN.other'))
        assert.equal(other.code, 1)
        server.wanted = 'Bearer tok'
        const file = added('repo.git/HEAD')
        const dir = await builtFiles(file, ...secret('HTTP_AUTH_TOKEN_127.0.0.1'))
        assert.equal(read(dir, 'HEAD'), 'ref: refs/heads/main\n')
        const { code, stderr } = await buildx(cli, file, '--no-cache')
        assert.equal(code, 1)
        assert.match(stderr, /status 401/)
      } finally {
        server.close()
      }
    },
  )

  it('builds files for systems that nothing runs for here', async () => {
    const Dockerfile = [
      'FROM --platform=$BUILDPLATFORM BASE AS b',
      'ARG TARGETOS TARGETARCH',
      'RUN echo $TARGETOS-$TARGETARCH > /f',
      'FROM scratch',
      'COPY --from=b /f /',
    ].join('\n')
    const context = contextOf(cli, { Dockerfile })
    const dir = await builtFiles(context, '--platform', 'darwin/arm64,windows/amd64,linux/s390x')
    for (const [os, arch] of [
      ['darwin', 'arm64'],
      ['windows', 'amd64'],
      ['linux', 's390x'],
    ] as const)
      assert.equal(read(dir, `${os}_${arch}/f`), `${os}-${arch}\n`)
    const tag = `${cli.prefix}/darwin:1`
    const named = await buildx(cli, context, '--platform', 'darwin/arm64', '-t', tag)
    assert.equal(named.code, 0, named.stderr)
    const created = await cli.run(['create', tag])
    assert.notEqual(created.code, 0)
    assert.match(created.stderr, /operating system "darwin" cannot be used on this platform/)
    const run = contextOf(cli, { Dockerfile: `FROM ${tag}\nRUN true` })
    const { code, stderr } = await buildx(cli, run, '--platform', 'darwin/arm64')
    assert.equal(code, 1)
    assert.match(stderr, /RUN for darwin\/arm64: only programs of linux run here/)
    await cli.ok('rmi', tag)
  })

  it('writes copies into the history as they stand in the Dockerfile', async () => {
    const Dockerfile = [
      'FROM scratch',
      'ARG TO=there',
      'WORKDIR /w',
      'COPY --chown=1:2 --chmod=600 a ./$TO/',
      'ADD a b',
    ].join('\n')
    const tag = `${cli.prefix}/told:1`
    const { code, stderr } = await buildx(cli, contextOf(cli, { Dockerfile, a: 'a' }), '-t', tag)
    assert.equal(code, 0, stderr)
    const told = await cli.ok('history', '--no-trunc', '--format', '{{.CreatedBy}}', tag)
    assert.deepEqual(told.split('\n').slice(0, 3), [
      'ADD a b',
      'COPY --chown=1:2 --chmod=600 a ./there/',
      'WORKDIR /w',
    ])
    await cli.ok('rmi', tag)
  })

  it('begins the cache mounts of steps that --no-cache does anew', async () => {
    let count = 0
    const seen = async (...args: string[]): Promise<string> => {
      const mount = 'RUN --mount=type=cache,target=/c,id=renewed'
      const step = `${mount} ls /c > /o && touch /c/${String(++count)}`
      const Dockerfile = `FROM BASE AS b\n${step}\n${mount} ls /c > /p\nFROM scratch\nCOPY --from=b /o /p /`
      const dir = await builtFiles(contextOf(cli, { Dockerfile }), ...args)
      return `${read(dir, 'o')}/${read(dir, 'p')}`.replaceAll('\n', ' ')
    }
    assert.equal(await seen(), '/1 ')
    assert.equal(await seen(), '1 /1 2 ')
    assert.equal(await seen('--no-cache'), '/3 ')
    assert.equal(await seen('--no-cache-filter', 'other'), '3 /3 4 ')
    assert.equal(await seen('--no-cache-filter', 'b'), '/5 ')
  })

  it('takes a step from the cache whose mount of another stage has the same files again', async () => {
    const files = (bust: string): Files => ({
      Dockerfile: [
        'FROM BASE AS made',
        'COPY bust /',
        'RUN mkdir /o && echo x > /o/f',
        'FROM BASE AS b',
        'RUN --mount=from=made,source=o,target=/m,rw touch /m/new && cat /proc/sys/kernel/random/uuid > /id',
        'FROM scratch',
        'COPY --from=b /id /',
      ].join('\n'),
      bust,
    })
    const ids = []
    for (const bust of ['0', '1', '0'])
      ids.push(read(await builtFiles(contextOf(cli, files(bust))), 'id'))
    assert.equal(new Set(ids).size, 1)
  })
})
