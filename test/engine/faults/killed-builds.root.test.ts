import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BuildRequest } from '../../../engine/contract/builds.ts'
import { bundleEngine, NATIVE_BUILD } from '../../helpers/engine-bundle.ts'
import { EngineProcess } from '../../helpers/engine-process.ts'
import { importBusybox, testInstance } from '../../helpers/local-engine.ts'
import { sweepInstance } from '../../helpers/sweep-instance.ts'
import { tarOf } from '../images/archives.ts'
import { inconsistencies } from './consistency.ts'

/** Each takes some seconds; GANTRY_FAULT_RUNS=100 with a longer --test-timeout looks for what is rare. */
const RUNS = Number(process.env.GANTRY_FAULT_RUNS ?? 4)
/** As long as a build takes on a quiet machine, about. */
const MOST_MS = 1500

/** Steps of each kind, those of two stages at the same time; `run` makes them others than those of the run before. */
function filesOf(run: number): Record<string, string> {
  const many = Object.fromEntries(
    Array.from({ length: 300 }, (_, i) => [
      `d/${String(i % 20)}/f${String(i)}`,
      `${String(run)}\n`,
    ]),
  )
  return {
    ...many,
    Dockerfile: [
      'FROM busybox AS one',
      `RUN echo ${String(run)} > /one && dd if=/dev/zero of=/zeros bs=1M count=8 2>/dev/null`,
      'COPY d /copied',
      'RUN --mount=type=cache,target=/kept echo x >> /kept/x; rm -r /copied/1; sleep 0.1',
      'FROM busybox AS two',
      'WORKDIR /made/here',
      `RUN echo ${String(run)} > two; sleep 0.2`,
      'FROM busybox',
      'COPY --from=one /copied /copied',
      'COPY --from=two /made /made',
      'RUN cat /made/here/two; find /copied -type f | wc -l',
    ].join('\n'),
  }
}

describe('an engine killed with -9 at any moment of a build', () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
  let host: EngineProcess
  before(async () => {
    const program = await bundleEngine(path.join(root, 'program'))
    host = new EngineProcess(testInstance(root), { program, env: { GANTRY_NATIVE: NATIVE_BUILD } })
    await importBusybox(await host.start())
  })
  after(async () => {
    await host.kill()
    await sweepInstance(host.instance)
    fs.rmSync(root, { recursive: true, force: true })
  })

  async function build(
    files: Record<string, string>,
    request: Partial<BuildRequest>,
  ): Promise<{ failure: unknown; log: string }> {
    let log = ''
    try {
      const context = { tar: Readable.from([tarOf(files)]) }
      for await (const event of host.engine.builds.build({ context, ...request }))
        if (event.kind === 'log') log += Buffer.from(event.data).toString()
      return { failure: undefined, log }
    } catch (failure) {
      return { failure, log }
    }
  }

  const recordsOnDisk = (): number =>
    fs
      .readdirSync(path.join(host.instance.dataRoot, 'build-cache'))
      .filter((name) => name.endsWith('.json')).length

  /** How often each step that was done since then was of use, by its record. */
  async function stepsSince(began: string): Promise<Map<string, number>> {
    const records = await host.engine.builds.cache()
    return new Map(
      records
        .filter(({ CreatedAt, Type }) => Type === 'regular' && CreatedAt >= began)
        .map(({ ID, UsageCount }) => [ID, UsageCount]),
    )
  }

  const timeout = 60_000 + RUNS * 20_000
  test(
    `${String(RUNS)} times: the next start is clean, and the same build goes on from what was done`,
    { timeout },
    async () => {
      let reused = 0
      for (let run = 0; run < RUNS; run++) {
        const files = filesOf(run)
        const CgroupParent = `/gantry-killed-${String(process.pid)}`
        const request = {
          tags: [`killed:${String(run)}`],
          ...(run % 2 === 0 ? { squash: true } : { resources: { CgroupParent } }),
        }
        const known = recordsOnDisk()
        const began = new Date().toISOString()
        const cut = build(files, request)
        const ms = Math.random() * MOST_MS
        await sleep(ms)
        // the last one when there is something to go on from
        if (run === RUNS - 1) while (recordsOnDisk() === known) await sleep(10)
        await host.kill()
        await cut
        const engine = await host.start()
        const at = `run ${String(run)}, killed after ${String(Math.round(ms))} ms`
        const { dataRoot, runRoot } = host.instance
        const left = ['builds', 'snapshots', 'trash'].flatMap((name) =>
          fs.readdirSync(path.join(dataRoot, name)).filter(() => name !== 'trash'),
        )
        const half = fs
          .readdirSync(path.join(dataRoot, 'layers'))
          .filter((name) => name.startsWith('tmp-'))
        assert.deepEqual([...left, ...half, ...fs.readdirSync(path.join(runRoot, 'c'))], [], at)
        assert.deepEqual(cgroupsOf(CgroupParent), [], at)
        assert.deepEqual(await inconsistencies(engine, host.instance), [], at)

        const before = await stepsSince(began)
        reused += before.size
        const { failure, log } = await build(files, request)
        assert.equal(failure, undefined, at)
        // with a kill after all was done the last step is a cached one, too
        if (log !== '') assert.match(log, new RegExp(`${String(run)}\n285\n$`), at)
        const after = await stepsSince(began)
        for (const [id, count] of before)
          assert.equal(after.get(id), count + 1, `${id} was not done again: ${at}`)
        assert.deepEqual(await inconsistencies(engine, host.instance), [], at)
      }
      assert.ok(reused > 0, 'some were killed when there was something to go on from')
    },
  )
})

/** What is left below a parent of cgroups, in whatever hierarchy. */
function cgroupsOf(parent: string): string[] {
  const roots = ['/sys/fs/cgroup', ...listed('/sys/fs/cgroup')]
  return roots.flatMap((hierarchy) =>
    listed(path.join(hierarchy, parent)).filter((name) => /[0-9a-f]{64}$/.test(name)),
  )
}

function listed(directory: string): string[] {
  try {
    return fs.readdirSync(directory).map((name) => path.join(directory, name))
  } catch {
    // no such hierarchy, or nothing of that name in it
    return []
  }
}
