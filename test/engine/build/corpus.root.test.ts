import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import type { Engine } from '../../../engine/contract.ts'
import type { BuildEvent } from '../../../engine/contract/builds.ts'
import { errorMessage } from '../../../engine/errors.ts'
import { openRemoteEngine } from '../../../engine/remote/remote-engine.ts'
import { tarHeader } from '../../../engine/tar/header.ts'
import type { TarHeader } from '../../../engine/tar/header.ts'
import { TarParser } from '../../../engine/tar/read.ts'
import { encodeHeader, TAR_END, tarPadding } from '../../../engine/tar/write.ts'
import { importBusybox, openTestEngine } from '../../helpers/local-engine.ts'
import type { TestEngine } from '../../helpers/local-engine.ts'
import type { Case, ContextFile } from './corpus/case.ts'
import { copies } from './corpus/copy.ts'
import { instructions } from './corpus/instructions.ts'
import { runs } from './corpus/runs.ts'

/** dockerd, say: its classic builder has to come to the same, where it can. */
const given = process.env.GANTRY_TEST_DOCKER_HOST
const SERVED = 'served\n'

describe('a corpus of Dockerfiles', () => {
  let engine: Engine
  let local: TestEngine | undefined
  let base: Map<string, string>
  let server: http.Server
  const image = `gantry-corpus-${String(process.pid)}/busybox:1`
  let count = 0

  before(async () => {
    if (given === undefined) local = await openTestEngine({ image: false })
    engine = local?.engine ?? (await openRemoteEngine({ url: given ?? '' }))
    await importBusybox(engine, image)
    base = await treeOf(image)
    server = http.createServer((request, response) => {
      response.statusCode = ['/', '/file.txt'].includes(request.url ?? '') ? 200 : 404
      response.end(SERVED)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  after(async () => {
    server.close()
    if (local) await local.close()
    else {
      for (const { Id } of await engine.images.list({
        filters: { reference: ['gantry-corpus-*/*'] },
      }))
        await engine.images.remove(Id, { force: true }).catch(() => undefined)
      await engine.close()
    }
  })

  for (const [group, cases] of Object.entries({ instructions, copies, runs })) {
    describe(group, () => {
      for (const one of cases) {
        const skip = given !== undefined && one.notClassic !== undefined ? one.notClassic : false
        it(one.name, { skip }, () => check(one))
      }
    })
  }

  async function check(one: Case): Promise<void> {
    const tag = `${image.split('/')[0] ?? ''}/built:${String(++count)}`
    const { error, events } = await build(one, tag)
    if (one.fails) {
      assert.match(error ?? 'it succeeded', one.fails)
      return
    }
    assert.equal(error, undefined, `${error ?? ''}\n${logOf(events)}`)
    if (one.warns) {
      const warnings = events.flatMap((event) => (event.kind === 'warning' ? [event.message] : []))
      assert.match(warnings.join('\n'), one.warns)
    }
    const { Author, Config = {} } = await engine.images.inspect(tag)
    if (one.author !== undefined) assert.equal(Author, one.author)
    for (const [field, value] of Object.entries(one.config ?? {})) {
      const found: unknown = (Config as Record<string, unknown>)[field]
      assert.deepEqual(found ?? undefined, value, field)
    }
    if (one.tree === undefined) return
    const isScratch =
      /FROM scratch(?!.*FROM)/s.test(one.dockerfile) && one.request?.target === undefined
    const tree = await treeOf(tag)
    const before = isScratch ? new Map<string, string>() : base
    const changed = [...tree].filter(([path, entry]) => before.get(path) !== entry)
    const any = Object.keys(one.tree).filter((path) => one.tree?.[path] === '*')
    const shown = changed.map(([path, entry]) => [path, any.includes(path) ? '*' : entry])
    assert.deepEqual(Object.fromEntries(shown), one.tree, logOf(events))
    if (isScratch) return
    assert.deepEqual(
      [...before.keys()].filter((path) => !tree.has(path)),
      one.gone ?? [],
    )
  }

  async function build(one: Case, tag: string): Promise<{ events: BuildEvent[]; error?: string }> {
    const { port } = server.address() as AddressInfo
    const fill = (text: string): string =>
      text
        .replaceAll('BASE', image)
        .replaceAll('SERVER', `http://127.0.0.1:${String(port)}`)
        .replaceAll('CHECKSUM', createHash('sha256').update(SERVED).digest('hex'))
    const events: BuildEvent[] = []
    const context = { Dockerfile: one.dockerfile, ...one.context }
    try {
      const building = engine.builds.build({
        context: { tar: Readable.from([contextTar(context, fill)]) },
        tags: [tag],
        ...one.request,
      })
      for await (const event of building) events.push(event)
      return { events }
    } catch (error) {
      return { events, error: errorMessage(error) }
    }
  }

  /** All that an image has, by path. */
  async function treeOf(name: string): Promise<Map<string, string>> {
    const { Id } = await engine.containers.create({ Image: name, Cmd: ['x'], Entrypoint: [] })
    try {
      const tree = new Map<string, string>()
      let last: TarHeader | undefined
      let content: Buffer[] = []
      const parser = new TarParser({
        entry: (header) => {
          last = header
          content = []
        },
        data: (chunk) => content.push(Buffer.from(chunk)),
        end: () => {
          if (!last) return
          const path = `/${Buffer.from(last.name, 'latin1').toString().replace(/^\.\//, '').replace(/\/$/, '')}`
          if (!IGNORED.test(path)) tree.set(path, entryOf(last, Buffer.concat(content), tree))
        },
      })
      for await (const chunk of await engine.containers.export(Id)) parser.push(chunk as Buffer)
      return tree
    } finally {
      await engine.containers.remove(Id, { force: true, volumes: true })
    }
  }
})

/** What dockerd puts into every container, and where things are mounted. */
const IGNORED =
  /^\/(\.?|\.dockerenv|(proc|sys|dev)(\/.*)?|etc|etc\/(hosts|hostname|resolv\.conf|mtab))$/

function entryOf(header: TarHeader, content: Buffer, tree: Map<string, string>): string {
  const { gid, linkName, mode, type, uid } = header
  if (type === 'link') return tree.get(`/${linkName.replace(/^\.?\//, '')}`) ?? `link ${linkName}`
  const text = content.length > 256 ? createHash('sha256').update(content).digest('hex') : content
  const rest = type === 'file' ? ` ${text.toString()}` : type === 'symlink' ? ` ${linkName}` : ''
  return `${type} ${mode.toString(8)} ${String(uid)}:${String(gid)}${rest}`
}

function contextTar(files: Record<string, ContextFile>, fill: (text: string) => string): Buffer {
  const blocks = Object.entries(files).flatMap(([name, given]) => {
    const {
      link,
      mode = 0o644,
      tar,
      text = '',
    } = typeof given === 'string' ? { text: given } : given
    if (link !== undefined)
      return [encodeHeader(tarHeader({ type: 'symlink', name, linkName: link, mode: 0o777 }))]
    const bytes = tar ?? Buffer.from(fill(text))
    // somebody's own numbers, which are nobody's in the image
    const header = tarHeader({ type: 'file', name, mode, size: bytes.length, uid: 4321, gid: 4321 })
    return [encodeHeader(header), bytes, tarPadding(bytes.length)]
  })
  return Buffer.concat([...blocks, TAR_END])
}

function logOf(events: readonly BuildEvent[]): string {
  return events
    .map((event) =>
      event.kind === 'log'
        ? Buffer.from(event.data).toString()
        : event.kind === 'started'
          ? `${event.name}\n`
          : '',
    )
    .join('')
}
