import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { encodePlan } from '../../../engine/runtime/plan.ts'
import { openBench, readLog, sh } from './shim-helper.ts'

const HERE = path.dirname(fileURLToPath(import.meta.url))
const SHIM = path.resolve(HERE, '../../../engine/native/shim')

describe('plan reader and log writer', () => {
  it('take garbage without a wrong step, under ASan and UBSan', async (t) => {
    const bench = openBench()
    t.after(() => bench.clean())
    const program = path.join(bench.root, 'fuzz')
    const compile = [
      '-std=gnu11',
      '-O1',
      '-g',
      '-Wall',
      '-Wextra',
      '-Werror',
      '-D_GNU_SOURCE',
      `-I${SHIM}`,
    ]
    const sanitize = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all']
    const sources = fs
      .readdirSync(SHIM)
      .filter((file) => /^(plan|log|log-.+|util)\.c$/.test(file))
      .map((file) => path.join(SHIM, file))
    try {
      execFileSync(
        'cc',
        [...compile, ...sanitize, '-o', program, path.join(HERE, 'shim-fuzz.c'), ...sources],
        {
          stdio: ['ignore', 'ignore', 'pipe'],
        },
      )
    } catch (error) {
      // gcc without its sanitizer libraries (Debian: libasan8, with gcc itself)
      if (/cannot find .*l?[au][sb]san/.test(String((error as { stderr?: Buffer }).stderr)))
        return t.skip('no sanitizers')
      throw error
    }
    const plan = path.join(bench.root, 'plan')
    const filter = Buffer.alloc(80, 6)
    const options = bench.options({
      seccompFilter: filter,
      process: {
        ...sh('true'),
        rlimits: [{ type: 'RLIMIT_CORE', soft: 0, hard: 0 }],
        user: { uid: 1, gid: 2, additionalGids: [3, 4] },
      },
      linux: { sysctl: { 'kernel.shmmni': '1' } },
      mounts: [
        {
          destination: '/image',
          type: 'bind',
          source: 'image',
          part: {
            subpath: 'a',
            image: { layersRoot: '/', lower: Array<string>(200).fill('layer-of-many') },
          },
        },
      ],
    })
    fs.writeFileSync(plan, encodePlan(options))
    for (const seed of [1, 2, 3]) {
      const log = path.join(bench.root, `log${seed}`)
      execFileSync(program, [plan, log, String(seed), '20000'], {
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      // every line of every file is still JSON
      assert.ok(readLog(log).length + readLog(`${log}.1`).length > 100)
    }
  })
})
