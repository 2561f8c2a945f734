import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { native } from '../../../engine/native/addon.ts'
import { runSteps } from '../../../engine/native/steps.ts'

describe('runSteps()', () => {
  let root: string
  const at = (name: string): string => path.join(root, name)
  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-steps'))
  })
  afterEach(() => fs.rmSync(root, { recursive: true, force: true }))

  it('makes changes in their order', async () => {
    await runSteps([
      { do: 'mkdir', path: at('d'), mode: 0o700 },
      { do: 'write', path: at('d/new'), data: 'größer\n', mode: 0o640, syncs: true },
      { do: 'rename', path: at('d/new'), to: at('d/file'), syncs: true },
      { do: 'write', path: at('d/file2'), data: '', mode: 0o600 },
      { do: 'chmod', path: at('d'), mode: 0o750 },
    ])
    assert.deepEqual(fs.readdirSync(at('d')).sort(), ['file', 'file2'])
    assert.equal(fs.readFileSync(at('d/file'), 'utf8'), 'größer\n')
    assert.equal(fs.statSync(at('d')).mode & 0o7777, 0o750)
  })

  it('replaces a file only where that is asked for', async () => {
    fs.writeFileSync(at('f'), 'longer than what comes')
    const step = { do: 'write', path: at('f'), data: 'short', mode: 0o600 } as const
    await assert.rejects(runSteps([step]), { errno: 17, path: at('f') })
    await runSteps([{ ...step, replaces: true }])
    assert.equal(fs.readFileSync(at('f'), 'utf8'), 'short')
  })

  it('ends with the first that fails and tells which', async () => {
    const steps = [
      { do: 'write', path: at('one'), data: '1', mode: 0o600 },
      { do: 'mkdir', path: at('missing/two'), mode: 0o700 },
      { do: 'write', path: at('three'), data: '3', mode: 0o600 },
    ] as const
    await assert.rejects(runSteps(steps), {
      code: 'SYSTEM',
      message: `mkdir ${at('missing/two')}: ENOENT`,
    })
    assert.deepEqual(fs.readdirSync(root), ['one'])
  })

  it('changes nothing of what is to survive a power cut when no descriptor is left', async () => {
    fs.writeFileSync(at('f'), '')
    const taken: number[] = []
    const limit = (files: string): void => {
      execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${files}`])
    }
    const [before = ''] = /\d+/.exec(openFilesLimit()) ?? []
    limit(`${String(fs.readdirSync('/proc/self/fd').length + 20)}:`)
    try {
      assert.throws(
        () => {
          for (;;) taken.push(fs.openSync('/dev/null', 'r'))
        },
        { code: 'EMFILE' },
      )
      const renames = runSteps([{ do: 'rename', path: at('f'), to: at('g'), syncs: true }])
      await assert.rejects(renames, { errno: 24 })
      await assert.rejects(runSteps([{ do: 'remove', path: at('f'), syncs: true }]), { errno: 24 })
    } finally {
      for (const fd of taken) fs.closeSync(fd)
      limit(`${before}:`)
    }
    assert.deepEqual(fs.readdirSync(root), ['f'])
    await runSteps([{ do: 'remove', path: at('f'), syncs: true }])
    assert.deepEqual(fs.readdirSync(root), [])
  })

  it('removes trees, follows no link, and is content when there is nothing', async () => {
    fs.mkdirSync(at('tree/below'), { recursive: true })
    fs.writeFileSync(at('kept'), '')
    fs.symlinkSync(at('kept'), at('tree/below/link'))
    await runSteps([
      { do: 'remove', path: at('tree') },
      { do: 'remove', path: at('tree') },
    ])
    assert.deepEqual(fs.readdirSync(root), ['kept'])
  })

  it('takes no path with a NUL within, which would be another path', async () => {
    fs.writeFileSync(at('kept'), '')
    await assert.rejects(runSteps([{ do: 'remove', path: at('kept\0less') }]), { errno: 22 })
    const to = at('other\0wise')
    await assert.rejects(runSteps([{ do: 'rename', path: at('kept'), to }]), { errno: 22 })
    assert.deepEqual(fs.readdirSync(root), ['kept'])
  })

  it('takes no bytes that are cut short or claim more than there is', async () => {
    const run = native<{ runSteps(bytes: Buffer): Promise<number> }>().runSteps
    const claims = Buffer.alloc(22)
    claims[0] = 7
    claims.writeUInt32LE(0xffffffff, 12)
    const unended = Buffer.alloc(21, 'x')
    unended.writeUInt32LE(1, 12)
    unended.writeUInt32LE(0, 16)
    for (const bytes of [Buffer.alloc(19, 1), Buffer.alloc(20), claims, unended])
      assert.equal(await run(bytes), -4096 - 22)
    assert.equal(await run(Buffer.alloc(0)), 0)
  })
})

/** Of this process, the soft one first. */
function openFilesLimit(): string {
  const limits = fs.readFileSync('/proc/self/limits', 'utf8')
  return /^Max open files\s+(.*)$/m.exec(limits)?.[1] ?? ''
}
