import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { buildx, contextOf as newContext, writeInto } from './contexts.ts'
import type { Files } from './contexts.ts'
import { openCli, whyNot } from './harness.ts'
import type { Cli } from './harness.ts'
import { givePlugins, whyNoPlugin } from './plugins.ts'

const skip = (await whyNot()) || whyNoPlugin('docker-buildx')

/** What a build sends beside files: their names. */
const A_FEW = 20_000
/** All of it; clients tell three digits. */
const MUCH = 2_990_000

describe('what docker buildx build sends of a context', { skip }, () => {
  let cli: Cli
  let count = 0
  before(async () => {
    cli = await openCli()
    givePlugins(cli)
  })
  after(() => cli.close())

  /** Files that are old enough for their times to tell of changes. */
  function write(dir: string, files: Files): void {
    writeInto(cli, dir, files)
    for (const name of Object.keys(files)) {
      const time = Math.floor(Date.now() / 1000) - 3600 + ++count + 0.5
      fs.utimesSync(path.join(dir, name), time, time)
    }
  }

  function contextOf(files: Files): string {
    const dir = newContext(cli, {})
    write(dir, files)
    return dir
  }

  async function build(dir: string, ...args: string[]): Promise<{ tag: string; bytes: number }> {
    const tag = `${cli.prefix}/kept:${String(++count)}`
    const { code, stderr } = await buildx(cli, dir, '-t', tag, ...args)
    assert.equal(code, 0, stderr)
    const sent = [...stderr.matchAll(/transferring (?:context|other): ([\d.]+)(k|M)?B/g)]
    const unit = { k: 1e3, M: 1e6 }
    const bytes = sent.map(
      ([, size, of]) => Number(size) * (of === undefined ? 1 : unit[of as 'k']),
    )
    return { tag, bytes: Math.max(0, ...bytes) }
  }

  const big = randomBytes(3_000_000)
  const filesIn = (tag: string): Promise<string> =>
    cli.ok(
      'run',
      '--rm',
      tag,
      'sh',
      '-c',
      'cd /app; find . -type f -size -100k | sort | xargs grep -H .',
    )

  it('is what changed since the build before, and the image has what is there now', async () => {
    const dir = contextOf({ Dockerfile: 'FROM BASE\nCOPY . /app\n', '.dockerignore': 'Dockerfile\n.dockerignore\n', big, 'a/x': 'one\n', 'a/y': 'two\n' }) // prettier-ignore
    const first = await build(dir)
    assert.ok(first.bytes > MUCH, String(first.bytes))
    const again = await build(dir)
    assert.ok(again.bytes < A_FEW, String(again.bytes))
    const idOf = (tag: string): Promise<string> => cli.ok('inspect', '-f', '{{.Id}}', tag)
    assert.equal(await idOf(again.tag), await idOf(first.tag))
    write(dir, { 'a/x': 'new\n', 'b/z': 'three\n' })
    fs.rmSync(path.join(dir, 'a/y'))
    const changed = await build(dir)
    assert.ok(changed.bytes < A_FEW, String(changed.bytes))
    assert.equal(await filesIn(changed.tag), './a/x:new\n./b/z:three')
    const fresh = await build(dir, '--no-cache')
    assert.ok(fresh.bytes > MUCH, String(fresh.bytes))
    assert.equal(await filesIn(fresh.tag), './a/x:new\n./b/z:three')
  })

  it('is what the stages that are built take from it', async () => {
    const dir = contextOf({
      Dockerfile: `FROM BASE AS unused
COPY big /
FROM BASE AS used
COPY link/*.txt /app/from-link/
COPY ["pages/[[]id].txt", "/app/"]
FROM BASE
ARG WHICH=variable
COPY --from=used /app /app
ADD ./plain/ /app/plain/
COPY $WHICH.txt /app/
RUN --mount=type=bind,source=mounted,target=/m cp /m/m.txt /app/
`,
      big,
      'real/l.txt': 'l\n',
      'real/l.bin': 'not',
      'pages/[id].txt': 'id\n',
      'plain/sub/p.txt': 'p\n',
      'variable.txt': 'v\n',
      'mounted/m.txt': 'm\n',
    })
    fs.symlinkSync('real', path.join(dir, 'link'))
    const whole = await build(dir)
    assert.ok(whole.bytes > MUCH, 'a name that is a pattern: all is asked for')
    assert.equal(
      await filesIn(whole.tag),
      './[id].txt:id\n./from-link/l.txt:l\n./m.txt:m\n./plain/sub/p.txt:p\n./variable.txt:v',
    )
    const dockerfile = path.join(dir, 'Dockerfile')
    write(dir, { Dockerfile: fs.readFileSync(dockerfile, 'utf8').replace(/COPY \["pages.*\n/, '') })
    const some = await build(dir)
    assert.ok(some.bytes < A_FEW, String(some.bytes))
    assert.equal(
      await filesIn(some.tag),
      './from-link/l.txt:l\n./m.txt:m\n./plain/sub/p.txt:p\n./variable.txt:v',
    )
  })

  it('is what triggers of the base image take, too', async () => {
    const base = contextOf({ Dockerfile: 'FROM BASE\nONBUILD COPY app.txt /app/\n', big })
    const { bytes, tag } = await build(base)
    assert.ok(bytes < A_FEW, String(bytes))
    const dir = contextOf({ Dockerfile: `FROM ${tag}\nCOPY own.txt /app/\n`, big, 'app.txt': 'app\n', 'own.txt': 'own\n' }) // prettier-ignore
    for (const _round of [1, 2]) {
      const built = await build(dir)
      assert.ok(built.bytes < A_FEW, String(built.bytes))
      assert.equal(await filesIn(built.tag), './app.txt:app\n./own.txt:own')
    }
  })

  it('says nothing of what is at an address, which may be another thing each time', async () => {
    let answer = ''
    const server = http.createServer((_request, response) => response.end(answer))
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    try {
      const address = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
      const lines = [`ADD own.txt ${address}/beside /app/`, `ADD ${address}/alone /app/`]
      const dir = contextOf({ Dockerfile: ['FROM BASE', ...lines].join('\n'), 'own.txt': 'own\n' })
      for (answer of ['one\n', 'two\n']) {
        const { tag } = await build(dir)
        assert.equal(await filesIn(tag), `./alone:${answer}./beside:${answer}./own.txt:own`)
      }
    } finally {
      server.close()
    }
  })

  it('of a named context, too, is what changed', async () => {
    const dir = contextOf({ Dockerfile: 'FROM BASE\nCOPY --from=other . /app/\n' })
    const other = contextOf({ big, 'o.txt': 'one\n' })
    const first = await build(dir, '--build-context', `other=${other}`)
    assert.ok(first.bytes > MUCH, String(first.bytes))
    assert.equal(await filesIn(first.tag), './o.txt:one')
    write(other, { 'o.txt': 'two\n' })
    const second = await build(dir, '--build-context', `other=${other}`)
    assert.ok(second.bytes < A_FEW, String(second.bytes))
    assert.equal(await filesIn(second.tag), './o.txt:two')
    write(dir, { Dockerfile: 'FROM BASE\nCOPY --from=other o.txt /app/\n' })
    const some = await build(dir, '--build-context', `other=${other}`)
    assert.ok(some.bytes < A_FEW, String(some.bytes))
    assert.equal(await filesIn(some.tag), './o.txt:two')
  })

  it('is kept as a part of the cache, which a prune takes away', async () => {
    const dir = contextOf({ Dockerfile: 'FROM BASE\nCOPY . /app\n', big })
    await build(dir)
    const kept = ['--filter', 'type=source.local']
    assert.match(await cli.ok('buildx', 'du', '--verbose', ...kept), /local source for context/)
    assert.match(await cli.ok('buildx', 'prune', '-f', ...kept), /Total:\s+[\d.]+MB/)
    assert.doesNotMatch(await cli.ok('buildx', 'du', '--verbose'), /local source for/)
    assert.ok((await build(dir)).bytes > MUCH)
  })
})
