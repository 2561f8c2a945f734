import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { containerIds } from '../../../engine/runtime/id-map.ts'

describe('containerIds()', () => {
  let etc: string
  const write = (subuid: string, subgid: string): void => {
    fs.writeFileSync(path.join(etc, 'subuid'), subuid)
    fs.writeFileSync(path.join(etc, 'subgid'), subgid)
  }
  before(() => {
    etc = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
  })
  after(() => {
    fs.rmSync(etc, { recursive: true })
  })

  it('gives a range above those of users and of systemd when nothing is set', () => {
    const expected = { uid: 0x70000000, gid: 0x70000000, size: 65536 }
    assert.deepEqual(containerIds(etc), expected)
    write('someone:100000:65536\n', 'someone:100000:65536\n')
    assert.deepEqual(containerIds(etc), expected)
  })

  it('takes the range that subuid and subgid give to gantry', () => {
    write('someone:100000:65536\ngantry:300000:65536\n', 'gantry:400000:131072\n')
    assert.deepEqual(containerIds(etc), { uid: 300000, gid: 400000, size: 65536 })
  })

  it('refuses a range that is too small, no range, the host’s own ids, or one file alone', () => {
    for (const line of ['gantry:300000:1000', 'gantry:x:65536', 'gantry:0:65536', 'gantry']) {
      write(`${line}:\n`, 'gantry:300000:65536\n')
      assert.throws(
        () => containerIds(etc),
        /subuid: .* is no range of at least 65536 ids|in only one of/,
      )
    }
    write('gantry:300000:65536\n', '')
    assert.throws(() => containerIds(etc), /in only one of .*subuid and .*subgid/)
  })
})
