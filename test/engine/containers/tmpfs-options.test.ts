import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { mountRequestsOf } from '../../../engine/containers/mount-requests.ts'

describe('the options of a tmpfs', () => {
  it('are those of any mount and those that tmpfs takes', () => {
    for (const options of [
      '',
      'ro,noexec,rprivate',
      'size=64m,mode=1777,uid=1000,gid=4294967294,nr_inodes=10k,nr_blocks=1',
      'size=50%,huge=within_size,mpol=bind:0,inode64',
    ])
      mountRequestsOf({}, { Tmpfs: { '/d': options } })
  })

  it('are refused by name when they are none', () => {
    for (const [options, words] of [
      ['64m', '["64m"]'],
      ['size=64m,foo', '["foo"]'],
      ['size=x', '["size" "x"]'],
      ['mode=999', '["mode" "999"]'],
      ['uid=-1', '["uid" "-1"]'],
      ['constructor', '["constructor"]'],
      ['__proto__=1', '["__proto__" "1"]'],
      ['size', '["size"]'],
    ] as const) {
      const refusal = { code: 'INVALID_PARAMETER', message: `invalid tmpfs option ${words} of /d` }
      assert.throws(() => mountRequestsOf({}, { Tmpfs: { '/d': options } }), refusal)
    }
    const TmpfsOptions = { Options: [['uid', 'me']] }
    assert.throws(
      () => mountRequestsOf({}, { Mounts: [{ Type: 'tmpfs', Target: '/d', TmpfsOptions }] }),
      { message: 'invalid tmpfs option ["uid" "me"] of /d' },
    )
  })
})
