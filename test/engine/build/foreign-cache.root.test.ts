import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import type { Engine } from '../../../engine/contract.ts'
import type { BuildEvent } from '../../../engine/contract/builds.ts'
import { TarParser } from '../../../engine/tar/read.ts'
import { openTestEngine } from '../../helpers/local-engine.ts'
import type { TestEngine } from '../../helpers/local-engine.ts'
import { tarOf } from '../images/archives.ts'

const CONTEXT = {
  Dockerfile:
    'FROM busybox\nENV A=1\nWORKDIR /w\nCOPY src ./src/\nRUN date +%N > /when\nCOPY f /usr/g\n' +
    'RUN date +%N > /later\nCMD ["cat", "/when"]\n',
  'src/': '',
  'src/a': 'a',
  f: 'f',
}

/** The same steps as dockerd's classic builder tells of them. */
const CLASSIC = [
  '/bin/sh -c #(nop)  ENV A=1',
  '/bin/sh -c #(nop) WORKDIR /w',
  '/bin/sh -c #(nop) COPY dir:0123 in ./src/ ',
  '/bin/sh -c date +%N > /when',
  '/bin/sh -c #(nop) COPY file:4567 in /usr/g ',
  '/bin/sh -c date +%N > /later',
  '/bin/sh -c #(nop)  CMD ["cat" "/when"]',
]

interface Config {
  history: { created?: string; created_by?: string; comment?: string }[]
}

describe('cacheFrom of an image that another builder made', () => {
  let test: TestEngine
  before(async () => {
    test = await openTestEngine()
    await build(test.engine, CONTEXT, ['mine:1'])
    await loadAs(test.engine, 'mine:1', 'theirs:1', (config) => {
      const base = config.history.length - CLASSIC.length
      config.history.forEach((step, index) => {
        delete step.comment
        if (index >= base) step.created_by = CLASSIC[index - base] ?? ''
      })
    })
    await test.engine.images.remove('mine:1')
  })
  after(() => test.close())

  /** Only the image is left to go by. */
  async function taken(files: Record<string, string>): Promise<Record<string, boolean>> {
    await test.engine.builds.prune({ all: true })
    const events = await build(test.engine, files, [], ['theirs:1'])
    const names = new Map(
      events.flatMap((event) =>
        event.kind === 'started' ? [[event.step, event.instruction]] : [],
      ),
    )
    return Object.fromEntries(
      events.flatMap((event) =>
        event.kind === 'finished' ? [[names.get(event.step) ?? '', event.cached]] : [],
      ),
    )
  }

  it('takes its steps by history and layers, copies by their content', async () => {
    const cached = await taken(CONTEXT)
    assert.deepEqual(Object.values(cached), Array(8).fill(true), JSON.stringify(cached))
  })

  it('takes no time over from it that is none', async () => {
    await loadAs(test.engine, 'theirs:1', 'timeless:1', (config) => {
      for (const step of config.history) step.created = 'once upon a time'
    })
    await test.engine.builds.prune({ all: true })
    await build(test.engine, CONTEXT, ['again:1'], ['timeless:1'])
    const records = await test.engine.builds.cache()
    assert.ok(records.length > 0)
    for (const { CreatedAt } of records) assert.ok(!Number.isNaN(Date.parse(CreatedAt)), CreatedAt)
    const { Created } = await test.engine.images.inspect('again:1')
    assert.ok(!Number.isNaN(Date.parse(Created ?? '')), Created ?? '')
  })

  it('goes its own way from the first step that is another', async () => {
    const copied = await taken({ ...CONTEXT, 'src/a': 'other' })
    assert.equal(copied['WORKDIR /w'], true)
    assert.equal(copied['COPY src ./src/'], false)
    assert.equal(copied['RUN date +%N > /when'], false)
    const env = await taken({ ...CONTEXT, Dockerfile: CONTEXT.Dockerfile.replace('A=1', 'A=2') })
    assert.equal(env['RUN date +%N > /when'], false)
    const mounted = CONTEXT.Dockerfile.replace('RUN date', 'RUN --mount=type=tmpfs,target=/t date')
    const cached = await taken({ ...CONTEXT, Dockerfile: mounted })
    assert.equal(cached['COPY src ./src/'], true)
    assert.equal(cached['RUN --mount=type=tmpfs,target=/t date +%N > /when'], false)
  })
})

async function build(
  engine: Engine,
  files: Record<string, string>,
  tags: string[],
  cacheFrom: string[] = [],
): Promise<BuildEvent[]> {
  const events: BuildEvent[] = []
  const context = { tar: Readable.from([tarOf(files)]) }
  for await (const event of engine.builds.build({ context, tags, cacheFrom })) events.push(event)
  return events
}

/** Takes an image in once more, with another config. */
async function loadAs(
  engine: Engine,
  name: string,
  other: string,
  change: (config: Config) => void,
): Promise<void> {
  const members = new Map<string, Buffer>()
  let last: { name: string; chunks: Buffer[] } = { name: '', chunks: [] }
  const parser = new TarParser({
    entry: (header) => {
      last = { name: header.name, chunks: [] }
    },
    data: (chunk) => last.chunks.push(Buffer.from(chunk)),
    end: () => members.set(last.name, Buffer.concat(last.chunks)),
  })
  for await (const chunk of await engine.images.save([name])) parser.push(chunk as Buffer)
  const read = (file: string): unknown => JSON.parse(members.get(file)?.toString() ?? '')
  const [entry] = read('manifest.json') as { Config: string; Layers: string[] }[]
  assert.ok(entry)
  const config = read(entry.Config) as Config
  change(config)
  const layers = entry.Layers.map((layer) => [layer, members.get(layer) ?? ''] as const)
  const archive = tarOf({
    'config.json': JSON.stringify(config),
    ...Object.fromEntries(layers),
    'manifest.json': JSON.stringify([{ ...entry, Config: 'config.json', RepoTags: [other] }]),
  })
  for await (const _line of engine.images.load(Readable.from([archive]))) {
    // what is loaded is looked at afterwards
  }
}
