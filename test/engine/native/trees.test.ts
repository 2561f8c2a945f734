import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { setTopDirectory } from '../../../engine/native/trees.ts'

/** Of statfs(2). */
const EXT4 = 0xef53
const TMPFS = 0x01021994

function typeOf(directory: string): number | undefined {
  return fs.existsSync(directory) ? fs.statfsSync(directory).type : undefined
}

function inDirectory(parent: string, work: (directory: string) => void): void {
  const directory = fs.mkdtempSync(path.join(parent, 'g-top-'))
  try {
    work(directory)
  } finally {
    fs.rmSync(directory, { recursive: true })
  }
}

describe('setTopDirectory()', () => {
  it('marks a directory of ext4, once and again', { skip: typeOf('/var/tmp') !== EXT4 }, () => {
    inDirectory('/var/tmp', (directory) => {
      assert.equal(setTopDirectory(directory), true)
      assert.equal(setTopDirectory(directory), true)
      const [flags = ''] = execFileSync('lsattr', ['-d', directory], { encoding: 'utf8' }).split(
        ' ',
      )
      assert.match(flags, /T/)
    })
  })

  it('tells that tmpfs knows no such thing', { skip: typeOf('/dev/shm') !== TMPFS }, () => {
    inDirectory('/dev/shm', (directory) => {
      assert.equal(setTopDirectory(directory), false)
    })
  })

  it('throws when the directory is not there', () => {
    assert.throws(() => setTopDirectory('/no/such/directory'), /ENOENT/)
  })
})
