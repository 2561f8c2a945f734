import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { PathStat } from '../../../engine/contract/containers.ts'
import { newFlow, releaseChunks } from '../../../engine/store/chunk-flow.ts'
import { doTreeJob } from '../../../engine/store/tree-jobs.ts'
import type { TreeJob } from '../../../engine/store/tree-jobs.ts'
import { archivePath } from '../../../engine/tree/path-stat.ts'
import { swapping } from './swapper.ts'

describe('a tree of a container that is read', () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
  const at = (file: string): string => path.join(dir, file)
  let root: number

  before(() => {
    for (const file of ['outside', 'root/d/e', 'root/swap', 'root/kernel'])
      fs.mkdirSync(at(file), { recursive: true })
    fs.writeFileSync(at('outside/secret'), 'THE SECRET')
    fs.writeFileSync(at('root/d/f'), 'content')
    fs.linkSync(at('root/d/f'), at('root/d/g'))
    fs.symlinkSync('../../../../outside', at('root/d/out'))
    fs.symlinkSync('/d/e/../f', at('root/d/abs'))
    fs.symlinkSync('/nope/x', at('root/d/dangling'))
    fs.symlinkSync('loop', at('root/loop'))
    fs.symlinkSync(at('outside'), at('root/other'))
    root = fs.openSync(at('root'), fs.constants.O_RDONLY)
  })
  after(() => {
    fs.closeSync(root)
    fs.rmSync(dir, { recursive: true, force: true })
  })

  async function copy(file: string, job: Partial<Extract<TreeJob, { kind: 'read' }>> = {}) {
    const flow = newFlow()
    const chunks: Uint8Array[] = []
    try {
      await run(
        { kind: 'read', root, path: archivePath(file), flow, hidden: [], ...job },
        (chunk) => {
          chunks.push(chunk)
          releaseChunks(flow, 1)
        },
      )
    } finally {
      fs.writeFileSync(at('out.tar'), Buffer.concat(chunks))
    }
  }
  async function read(...asked: Parameters<typeof copy>): Promise<string[]> {
    await copy(...asked)
    const options = ['-t', '--numeric-owner', '-v', '-P', '-f', at('out.tar')]
    return execFileSync('tar', options, { encoding: 'utf8' }).trim().split('\n')
  }
  const names = (listed: string[]): string[] =>
    listed.map((line) => line.replace(/^\S+ +\S+ +\S+ +\S+ +\S+ /, ''))
  const stat = async (file: string): Promise<PathStat> =>
    (await run({ kind: 'stat', root, path: archivePath(file) })) as PathStat

  test('names its members as Docker does', async () => {
    assert.deepEqual(names(await read('/d/f')), ['f'])
    assert.deepEqual(names(await read('d/')).slice(0, 2), ['d/', 'd/abs -> /d/e/../f'])
    for (const file of ['/d/.', 'd/./', '/d/e/../.'])
      assert.deepEqual(names(await read(file)).slice(0, 2), ['./', './abs -> /d/e/../f'], file)
    for (const file of ['.', './', '/.', '/./'])
      assert.deepEqual(names(await read(file)).slice(0, 2), ['./', './d/'], file)
    assert.deepEqual(names(await read('/')).slice(0, 2), ['/', '/d/'])
    assert.ok(names(await read('/d')).includes('d/g link to d/f'))
  })

  test('tells where links lead without leaving the container', async () => {
    assert.equal((await stat('/d/abs')).linkTarget, '/d/f')
    assert.equal((await stat('/d/dangling')).linkTarget, '/nope/x')
    assert.equal((await stat('/d/out')).linkTarget, '/outside')
    await assert.rejects(stat('/d/out/secret'), { code: 'NOT_FOUND' })
    await assert.rejects(stat('/d/out/.'), { code: 'NOT_FOUND' })
    await assert.rejects(stat('/loop/'), /too many levels of symbolic links/)
    await assert.rejects(stat('/d/f/x'), /lstat \/d\/f\/x: not a directory/)
    assert.deepEqual(
      { ...(await stat('/d/f')), mtime: '' },
      { name: 'f', size: 7, mode: 0o644, mtime: '', linkTarget: '' },
    )
    assert.equal((await stat('/')).name, '/')
    assert.equal((await stat('/d')).mode, 0o755 + 2 ** 31)
  })

  test('counts file systems of the kernel as empty', async () => {
    execFileSync('mount', ['-t', 'proc', 'proc', at('root/kernel')])
    try {
      assert.deepEqual(names(await read('/kernel')), ['kernel/'])
      await assert.rejects(stat('/kernel/meminfo'), { code: 'NOT_FOUND' })
    } finally {
      execFileSync('umount', [at('root/kernel')])
    }
  })

  test('leaves sockets out and hidden directories empty, and maps owners', async () => {
    const server = net.createServer().listen(at('root/d/e/socket'))
    fs.chownSync(at('root/d/e'), 100_005, 5)
    const ids = { uid: 100_000, gid: 100_000, size: 10 }
    const listed = await read('/d', { hidden: ['/d/e'], ids })
    assert.match(listed.find((line) => line.endsWith('d/e/')) ?? '', / 5\/65534 /)
    assert.deepEqual(names(await read('/d/e')), ['e/'])
    server.close()
  })

  test('shows nothing from outside while a directory is swapped for a link out', async () => {
    fs.writeFileSync(at('root/swap/inside'), 'inside')
    const stop = await swapping(at('root'), 'swap', 'other')
    try {
      for (let round = 0; round < 200; round++) {
        for (const file of ['/', '/swap/inside', '/swap/secret', '/swap/.']) {
          await copy(file).catch((error: { code?: string }) => {
            assert.equal(error.code, 'NOT_FOUND')
          })
          assert.ok(!fs.readFileSync(at('out.tar')).includes('THE SECRET'))
        }
      }
    } finally {
      await stop()
    }
  })

  test('opens no device or pipe in the place of a file', async () => {
    execFileSync('mkfifo', [at('root/d/pipe')])
    fs.writeFileSync(at('root/d/file'), 'file')
    const stop = await swapping(at('root/d'), 'file', 'pipe')
    try {
      // opening the pipe would block for ever
      for (let round = 0; round < 300; round++) await copy('/d')
    } finally {
      await stop()
    }
  })
})

async function run(job: TreeJob, onChunk: (chunk: Uint8Array) => void = () => undefined) {
  return await doTreeJob(
    job,
    (progress) => {
      if ('chunk' in progress) onChunk(progress.chunk)
    },
    () => false,
  )
}
