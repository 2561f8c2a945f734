import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import fs from 'node:fs'
import { connect, createServer } from 'node:net'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { hasRegistry, LocalRegistry } from '../helpers/local-registry.ts'
import { pidsOf } from '../helpers/processes.ts'
import { buildx, contextOf as writtenContext } from './contexts.ts'
import type { Files } from './contexts.ts'
import { eventually, openCli, whyNot } from './harness.ts'
import type { Cli, CliResult } from './harness.ts'
import { givePlugins, whyNoPlugin } from './plugins.ts'

/** An agent is asked for its keys, and has none. @see draft-ietf-sshm-ssh-agent, section 3.5 */
const LIST_IDENTITIES = Buffer.from([0, 0, 0, 1, 11])
const NO_IDENTITIES = Buffer.from([0, 0, 0, 5, 12, 0, 0, 0, 0])

// cost 4, because the server checks it at each request
const SIGN_IN = 'me:secret'
const HTPASSWD = 'me:$2b$04$gFkeTufxrviM.5cmB6Q08.s4XilwkgqfZk4ZFPqThJ0O3eL1syQ6O\n'

const skip = (await whyNot()) || whyNoPlugin('docker-buildx')

describe('docker buildx build', { skip }, () => {
  let cli: Cli
  let count = 0
  before(async () => {
    cli = await openCli()
    givePlugins(cli)
  })
  after(() => cli.close())

  const contextOf = (files: Files): string => writtenContext(cli, files)
  const build = (dir: string, ...args: string[]): Promise<CliResult> => buildx(cli, dir, ...args)

  async function built(
    files: Record<string, string | Buffer>,
    ...args: string[]
  ): Promise<{ tag: string; told: string }> {
    const tag = `${cli.prefix}/buildx:${String(++count)}`
    const { code, stderr } = await build(contextOf(files), '-t', tag, ...args)
    assert.equal(code, 0, stderr)
    return { tag, told: stderr }
  }

  it('sends the context without what .dockerignore leaves out, builds it and names the image', async () => {
    const { tag, told } = await built(
      {
        Dockerfile:
          'FROM BASE AS one\nARG WHO=world\nCOPY . /ctx/\nRUN echo "hello $WHO" | tee /said\n' +
          'LABEL a=b\nCMD ["cat", "/said"]\nFROM one\nRUN false',
        '.dockerignore': '# comment\n*.log\n!keep.log\n/secret/\n',
        'a.txt': 'a',
        'b.log': 'b',
        'keep.log': 'k',
        'secret/s': 's',
        'sub/ünïcode.txt': 'u',
      },
      ...['--target', 'one', '--build-arg', 'WHO=you', '--label', 'c=d'],
    )
    assert.equal(await cli.ok('run', '--rm', tag), 'hello you')
    const list = await cli.ok('run', '--rm', tag, 'sh', '-c', 'cd /ctx; find . -type f | sort')
    assert.deepEqual(list.split('\n'), [
      './.dockerignore',
      './Dockerfile',
      './a.txt',
      './keep.log',
      './sub/ünïcode.txt',
    ])
    const labels = await cli.ok('inspect', '--format', '{{json .Config.Labels}}', tag)
    assert.deepEqual(JSON.parse(labels), { a: 'b', c: 'd' })
    assert.match(told, /transferring context: [\d.]+k?B/)
    assert.match(told, /RUN echo "hello \$WHO".*\n#\d+ [\d.]+ hello you\n#\d+ DONE \d+\.\ds/)
    assert.match(told, new RegExp(`naming to docker.io/${tag} done`))
  })

  it('refuses a .dockerignore with an exception from nothing, as dockerd does', async () => {
    const context = contextOf({
      Dockerfile: 'FROM BASE\nCOPY . /\n',
      '.dockerignore': '*.log\n!\n',
    })
    const { code, stderr } = await build(context)
    assert.notEqual(code, 0)
    assert.match(stderr, /illegal exclusion pattern: "!"/)
  })

  it('uses what it built before', async () => {
    const files = { Dockerfile: 'FROM BASE\nCOPY a /\nRUN cat a', a: 'the same' }
    const first = await built(files)
    const second = await built(files)
    assert.match(second.told, /RUN cat a\n#\d+ CACHED/)
    const ids = await cli.ok('inspect', '--format', '{{.Id}}', first.tag, second.tag)
    assert.equal(new Set(ids.split('\n')).size, 1)
    assert.doesNotMatch((await built(files, '--no-cache')).told, /RUN cat a\n#\d+ CACHED/)
  })

  it('takes many files, large ones, links and modes over as they are', async () => {
    const large = randomBytes(9 * 2 ** 20)
    const files: Record<string, string | Buffer> = {
      Dockerfile: 'FROM BASE\nCOPY . /c\n',
      large,
      empty: '',
    }
    for (let i = 0; i < 1500; i++) files[`many/${String(i)}`] = String(i)
    const dir = contextOf(files)
    fs.symlinkSync('large', path.join(dir, 'link'))
    fs.chmodSync(path.join(dir, 'empty'), 0o4751)
    const tag = `${cli.prefix}/buildx:many`
    const { code, stderr } = await build(dir, '-t', tag)
    assert.equal(code, 0, stderr)
    const script =
      'cd /c; ls many | wc -l; cat many/1499; echo; readlink link; stat -c %a empty; sha256sum < large'
    const said = await cli.ok('run', '--rm', tag, 'sh', '-c', script)
    const digest = createHash('sha256').update(large).digest('hex')
    assert.deepEqual(said.split('\n'), ['1500', '1499', 'large', '4751', `${digest}  -`])
  })

  it('shows the lines at fault, and what the failing command printed', async () => {
    const dir = contextOf({ Dockerfile: 'FROM BASE\nRUN echo before; echo oh no >&2; exit 3\n' })
    const { code, stderr } = await build(dir)
    assert.equal(code, 1)
    assert.match(stderr, /Dockerfile:2\n-+\n {3}1 \| {5}FROM .*\n {3}2 \| >>> RUN echo before/)
    assert.match(stderr, /------\n > \[2\/2\] RUN .*\n[\d.]+ before\n[\d.]+ oh no\n------/)
    assert.match(
      stderr,
      /ERROR: failed to solve: process "\/bin\/sh -c .*" did not complete successfully: exit code: 3/,
    )
    const wrong = await build(contextOf({ Dockerfile: 'FROM BASE\nRUNN x\n' }))
    assert.equal(wrong.code, 1)
    assert.match(wrong.stderr, /2 \| >>> RUNN x\n[^]*unknown instruction: RUNN/)
    const none = await build(contextOf({ a: '' }))
    assert.match(none.stderr, /failed to read dockerfile: open Dockerfile: no such file/)
  })

  it('refuses by name what it cannot do', async () => {
    const dir = contextOf({ Dockerfile: 'FROM BASE' })
    const { code, stderr } = await build(
      dir,
      '--output',
      'type=local,dest=/nowhere,platform-split=false',
    )
    assert.equal(code, 1)
    assert.match(stderr, /output option platform-split=false is not supported here/)
  })

  it('takes a Dockerfile and an archive from standard input, and a Dockerfile from elsewhere', async () => {
    const input = `FROM ${cli.image}\nRUN echo stdin > /f\n`
    const alone = await cli.run(['buildx', 'build', '-q', '-'], { input })
    assert.equal(alone.code, 0, alone.stderr)
    assert.equal(await cli.ok('run', '--rm', alone.stdout.trim(), 'cat', '/f'), 'stdin')
    const dir = contextOf({ a: 'from the context' })
    const beside = await cli.run(['buildx', 'build', '-q', '-f', '-', dir], {
      input: `FROM ${cli.image}\nCOPY a /\n`,
    })
    assert.equal(beside.code, 0, beside.stderr)
    assert.equal(await cli.ok('run', '--rm', beside.stdout.trim(), 'cat', '/a'), 'from the context')
    const whole = contextOf({ Dockerfile: 'FROM BASE\nCOPY a /\n', a: 'archived' })
    const tar = spawn('tar', ['-C', whole, '-c', '.'])
    const chunks: Buffer[] = []
    for await (const chunk of tar.stdout as AsyncIterable<Buffer>) chunks.push(chunk)
    const archive = await cli.run(['buildx', 'build', '-q', '-'], { input: Buffer.concat(chunks) })
    assert.equal(archive.code, 0, archive.stderr)
    assert.equal(await cli.ok('run', '--rm', archive.stdout.trim(), 'cat', '/a'), 'archived')
    const apart = contextOf({ 'D.web': 'FROM BASE\nCOPY . /c\n', 'D.web.dockerignore': 'x\n' })
    const context = contextOf({ x: '', y: '' })
    const far = await build(context, '-f', path.join(apart, 'D.web'), '-t', `${cli.prefix}/far`)
    assert.equal(far.code, 0, far.stderr)
    assert.equal(await cli.ok('run', '--rm', `${cli.prefix}/far`, 'ls', '/c'), 'y')
  })

  it('brings secrets and an ssh agent to the commands that ask for them', async () => {
    const file = path.join(cli.dir, 'secret')
    fs.writeFileSync(file, 'hush\n')
    const dir = contextOf({
      Dockerfile:
        'FROM BASE\nRUN --mount=type=secret,id=s wc -c < /run/secrets/s\n' +
        'RUN --mount=type=secret,id=absent,required=true true\n',
    })
    const { code, stderr } = await build(dir, '--secret', `id=s,src=${file}`)
    assert.match(stderr, /[\d.]+ 5\n/)
    assert.equal(code, 1)
    assert.match(stderr, /secret absent: not found/)

    const agent = path.join(cli.dir, 'agent')
    const heard: Buffer[] = []
    const server = createServer((connection) => {
      connection.on('data', (data) => {
        heard.push(data)
        connection.write(NO_IDENTITIES)
      })
    }).listen(agent)
    try {
      const sleeps = `sleep ${String(300_000 + process.pid)}`
      const context = contextOf({
        Dockerfile: `FROM BASE\nRUN --mount=type=ssh test -S "$SSH_AUTH_SOCK" && { ${sleeps} || true; }`,
      })
      const building = cli.start(['buildx', 'build', '--ssh', `default=${agent}`, context])
      const socket = await eventually(
        () => Promise.resolve(agentSockets(cli)[0] ?? ''),
        (file) => file !== '',
      )
      const connection = connect(socket)
      connection.write(LIST_IDENTITIES)
      // in as many pieces as the client's side likes
      const answer: Buffer[] = []
      connection.on('data', (data: Buffer) => answer.push(data))
      await eventually(
        () => Promise.resolve(Buffer.concat(answer)),
        ({ length }) => length >= NO_IDENTITIES.length,
      )
      assert.deepEqual(Buffer.concat(answer), NO_IDENTITIES)
      assert.deepEqual(Buffer.concat(heard), LIST_IDENTITIES)
      connection.destroy()
      const [pid = 0] = await eventually(
        () => Promise.resolve(pidsOf(sleeps)),
        (pids) => pids.length > 0,
      )
      process.kill(pid, 'SIGKILL')
      assert.equal(await building.exited, 0, building.output)
      assert.equal(fs.existsSync(socket), false)
    } finally {
      server.close()
    }
  })

  it('puts the files of the result where the client wants them', async () => {
    const dir = contextOf({
      Dockerfile: [
        'FROM BASE AS made',
        'RUN mkdir -p /o/d /o/a && echo x > /o/f && ln /o/f /o/d/hard && ln -s f /o/sym && chmod 750 /o/a',
        'RUN echo a > /o/a-b; echo z > /o/a/z; dd if=/dev/zero of=/o/big bs=1M count=3 2>/dev/null',
        'FROM scratch',
        'COPY --from=made /o /out',
      ].join('\n'),
    })
    const target = path.join(cli.dir, 'target')
    const local = await build(dir, '--output', `type=local,dest=${target}`)
    assert.equal(local.code, 0, local.stderr)
    const out = path.join(target, 'out')
    assert.deepEqual(fs.readdirSync(out).sort(), ['a', 'a-b', 'big', 'd', 'f', 'sym'])
    assert.equal(fs.readFileSync(path.join(out, 'a', 'z'), 'utf8'), 'z\n')
    assert.equal(fs.readlinkSync(path.join(out, 'sym')), 'f')
    assert.equal(fs.statSync(path.join(out, 'a')).mode & 0o777, 0o750)
    assert.equal(fs.statSync(path.join(out, 'big')).size, 3 * 2 ** 20)
    const inode = (name: string): number => fs.statSync(path.join(out, name)).ino
    assert.equal(inode('d/hard'), inode('f'))

    const archive = path.join(cli.dir, 'target.tar')
    const tar = await build(dir, '--output', `type=tar,dest=${archive}`)
    assert.equal(tar.code, 0, tar.stderr)
    const unpacked = path.join(cli.dir, 'unpacked')
    fs.mkdirSync(unpacked)
    execFileSync('tar', ['-C', unpacked, '-xf', archive])
    assert.equal(execFileSync('diff', ['-r', target, unpacked]).toString(), '')
    // the container whose files they were is gone
    assert.equal(await cli.ok('ps', '-aq'), '')
  })

  it(
    'pulls and pushes as whom the client is signed in',
    { skip: !hasRegistry && 'docker-registry and skopeo are not installed' },
    async () => {
      const scratch = path.join(cli.dir, 'registry')
      fs.mkdirSync(scratch)
      const htpasswd = path.join(scratch, 'htpasswd')
      fs.writeFileSync(htpasswd, HTPASSWD)
      const registry = await LocalRegistry.start(scratch, {
        htpasswd,
      })
      try {
        const name = `${registry.host}/${cli.prefix}/pushed:1`
        const files = { Dockerfile: 'FROM BASE\nRUN echo pushed > /f' }
        const refused = await build(contextOf(files), '-t', name, '--push')
        assert.equal(refused.code, 1, refused.stderr)
        const auths = { [registry.host]: { auth: Buffer.from(SIGN_IN).toString('base64') } }
        const config = path.join(cli.dir, 'config', 'config.json')
        fs.writeFileSync(config, JSON.stringify({ auths }))
        const pushed = await build(contextOf(files), '-t', name, '--push')
        assert.equal(pushed.code, 0, pushed.stderr)
        await cli.ok('rmi', name)
        const { tag } = await built({ Dockerfile: `FROM ${name}\nRUN cat /f` }, '--pull')
        assert.equal(await cli.ok('run', '--rm', tag, 'cat', '/f'), 'pushed')
        fs.rmSync(config)
      } finally {
        await registry.close()
      }
    },
  )

  it('writes the digests of what it made', async () => {
    const metadata = path.join(cli.dir, 'metadata.json')
    const iid = path.join(cli.dir, 'iid')
    const { tag } = await built(
      { Dockerfile: 'FROM BASE\nENV made=here' },
      ...['--metadata-file', metadata, '--iidfile', iid],
    )
    const id = await cli.ok('inspect', '--format', '{{.Id}}', tag)
    const written = JSON.parse(fs.readFileSync(metadata, 'utf8')) as Record<string, unknown>
    assert.equal(written['containerimage.config.digest'], id)
    assert.equal(written['containerimage.digest'], id)
    assert.equal(written['image.name'], `docker.io/${tag}`)
    assert.equal(fs.readFileSync(iid, 'utf8'), id)
  })

  it('stops when the client does', async () => {
    const sleeps = `sleep ${String(400_000 + process.pid)}`
    const dir = contextOf({ Dockerfile: `FROM BASE\nRUN ${sleeps}` })
    const building = cli.start(['buildx', 'build', '--progress=plain', dir])
    const running = (): Promise<boolean> => Promise.resolve(pidsOf(sleeps).length > 0)
    await eventually(running, (is) => is)
    building.kill('SIGINT')
    await eventually(running, (is) => !is)
    await building.exited
    assert.match(building.output, /CANCELED/)
  })

  it('gives commands hosts, limits and a network as asked', async () => {
    const script = 'grep -c made.up /etc/hosts; ulimit -n; ls /sys/class/net'
    const { told } = await built(
      { Dockerfile: `FROM BASE\nRUN ${script}` },
      ...['--add-host', 'made.up:10.9.8.7', '--ulimit', 'nofile=99:199', '--network', 'none'],
    )
    assert.match(told, /[\d.]+ 1\n#\d+ [\d.]+ 99\n#\d+ [\d.]+ lo\n#\d+ DONE/)
  })

  it('builds what compose asks for', { skip: whyNoPlugin('docker-compose') }, async () => {
    const token = path.join(cli.dir, 'token')
    fs.writeFileSync(token, 'tok')
    const dir = contextOf({
      Dockerfile: 'FROM BASE\nARG WHO\nRUN echo $WHO > /who',
      'compose.yaml': [
        'services:',
        '  a:',
        `    image: ${cli.prefix}/composed-a`,
        '    build: { context: ., args: { WHO: compose } }',
        '  b:',
        `    image: ${cli.prefix}/composed-b`,
        '    build:',
        '      context: .',
        '      secrets: [tok]',
        '      dockerfile_inline: |',
        '        FROM BASE',
        '        RUN --mount=type=secret,id=tok cp /run/secrets/tok /tok',
        `secrets: { tok: { file: ${token} } }`,
      ].join('\n'),
    })
    const file = path.join(dir, 'compose.yaml')
    const { code, stderr } = await cli.run(['compose', '-f', file, 'build'], { timeoutMs: 60_000 })
    assert.equal(code, 0, stderr)
    assert.equal(await cli.ok('run', '--rm', `${cli.prefix}/composed-a`, 'cat', '/who'), 'compose')
    assert.equal(await cli.ok('run', '--rm', `${cli.prefix}/composed-b`, 'cat', '/tok'), 'tok')
  })
})

/** Sockets that lead to agents of clients. */
function agentSockets(cli: Cli): string[] {
  const directory = path.join(path.dirname(cli.socketPath), 'c')
  return fs
    .readdirSync(directory)
    .filter((name) => name.startsWith('ssh-'))
    .map((name) => path.join(directory, name, 's'))
    .filter((file) => fs.existsSync(file))
}
