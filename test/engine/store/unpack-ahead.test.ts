import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { UnpackAhead } from '../../../engine/store/unpack-ahead.ts'
import type { Unpacked } from '../../../engine/store/unpack.ts'
import { tarOf } from '../images/archives.ts'

const UNPACKED: Unpacked = { sizeBytes: 1, entries: 1, implicitDirectories: [], diffId: 'sha256:0' }

describe('UnpackAhead', () => {
  let root: string
  let ahead: UnpackAhead
  let begun: string[]
  let discarded: string[]
  /** `ended <blob>` lets an unpacking end. */
  let gate: EventEmitter

  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-ahead-'))
    begun = []
    discarded = []
    gate = new EventEmitter()
    ahead = new UnpackAhead({
      makeDirectory: () => Promise.resolve(path.join(root, `tmp-${begun.length}`)),
      unpack: async (_directory, blob, signal) => {
        const ended = once(gate, `ended ${path.basename(blob)}`, { signal })
        begun.push(path.basename(blob))
        gate.emit('begun')
        await ended
        return UNPACKED
      },
      discard: (directory) => discarded.push(path.basename(directory)),
    })
  })
  afterEach(async () => {
    await ahead.close()
    fs.rmSync(root, { recursive: true })
  })

  function blob(name: string, content: Buffer | string = tarOf({ name })): string {
    const file = path.join(root, name)
    fs.writeFileSync(file, content)
    return file
  }
  const begin = async (name: string): Promise<string> => {
    const isBegun = once(gate, 'begun')
    const file = blob(name)
    ahead.begin(file)
    await isBegun
    return file
  }

  it('unpacks an archive once, and gives it to one', async () => {
    const a = await begin('a')
    ahead.begin(a)
    const taken = ahead.take(a)
    gate.emit('ended a')
    assert.deepEqual(await taken, { directory: path.join(root, 'tmp-0'), unpacked: UNPACKED })
    assert.equal(await ahead.take(a), undefined)
    await ahead.close()
    assert.deepEqual([begun, discarded], [['a'], []])
  })

  it('has one in hand at a time; what is not begun yet its taker unpacks', async () => {
    const a = await begin('a')
    const [b, c] = [blob('b'), blob('c')]
    ahead.begin(b)
    ahead.begin(c)
    assert.equal(await ahead.take(b), undefined)
    const next = once(gate, 'begun')
    gate.emit('ended a')
    await next
    assert.deepEqual(begun, ['a', 'c'])
    assert.notEqual(await ahead.take(a), undefined)
  })

  it('passes over what does not look like an archive', async () => {
    for (const [name, content] of Object.entries({
      config: '{"os":"linux"}',
      empty: '',
      xz: '\xfd7zXZ\0',
    }))
      ahead.begin(blob(name, content))
    ahead.begin(path.join(root, 'removed'))
    await begin('a')
    assert.deepEqual(begun, ['a'])
  })

  it('gives up what is dropped, and discards what was unpacked', async () => {
    const a = await begin('a')
    ahead.drop(a)
    const b = await begin('b')
    gate.emit('ended b')
    await begin('c')
    ahead.drop(b)
    await ahead.close()
    assert.deepEqual(discarded.sort(), ['tmp-0', 'tmp-1', 'tmp-2'])
    assert.deepEqual([await ahead.take(a), await ahead.take(b)], [undefined, undefined])
  })

  it('gives up with who waits for it', async () => {
    const a = await begin('a')
    const stop = new AbortController()
    const taken = ahead.take(a, stop.signal)
    stop.abort(new Error('enough'))
    await assert.rejects(taken, /enough/)
    assert.deepEqual(discarded, ['tmp-0'])
  })

  it('keeps so many trees for whoever comes, the newest', async () => {
    const first = await begin('0')
    for (let each = 1; each <= 32; each++) {
      gate.emit(`ended ${each - 1}`)
      await begin(String(each))
    }
    assert.equal(await ahead.take(first), undefined)
    assert.deepEqual(discarded, ['tmp-0'])
    assert.notEqual(await ahead.take(path.join(root, '1')), undefined)
  })
})
