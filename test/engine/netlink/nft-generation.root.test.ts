import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { MNT_DETACH, umount } from '../../../engine/native/mount.ts'
import { newNetns } from '../../../engine/native/netns.ts'
import { nftGeneration } from '../../../engine/netlink/nft-generation.ts'

describe('nftGeneration()', () => {
  let root: string
  let netns: string
  before(async () => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-gen'))
    netns = path.join(root, 'netns')
    fs.writeFileSync(netns, '')
    await newNetns(netns)
  })
  after(() => {
    umount(netns, MNT_DETACH)
    fs.rmSync(root, { recursive: true })
  })

  it('changes with every change of the rules, and with none', async () => {
    const fd = fs.openSync(netns, 'r')
    try {
      const before = await nftGeneration(fd)
      assert.equal(await nftGeneration(fd), before)
      execFileSync('nsenter', [`--net=${netns}`, 'nft', 'add', 'table', 'ip', 'one'])
      const after = await nftGeneration(fd)
      assert.notEqual(after, before)
      execFileSync('nsenter', [`--net=${netns}`, 'nft', 'list', 'ruleset'])
      assert.equal(await nftGeneration(fd), after)
    } finally {
      fs.closeSync(fd)
    }
  })
})
