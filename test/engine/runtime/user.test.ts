import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { resolveUser } from '../../../engine/runtime/user.ts'

const FILES: Record<string, string> = {
  '/etc/passwd': [
    'root:x:0:0:root:/root:/bin/sh',
    '# a comment',
    'web:x:1000:1000:Web,,,:/srv/web:/bin/sh',
    'broken line',
    'toobig:x:99999999999:0::/:',
    'nohome:x:7:8::',
    '1234:x:5:5:named by a number:/five:',
  ].join('\n'),
  '/etc/group': 'root:x:0:\nweb:x:1000:\nlog:x:4:syslog,web\nadm:x:9:web\nstaff:x:50:\n',
}

const resolve = (user: string, groupAdd: string[] = [], files = FILES) =>
  resolveUser(user, groupAdd, (path) => {
    const text = files[path]
    return Promise.resolve(text === undefined ? undefined : Buffer.from(text))
  })

describe('resolveUser()', () => {
  test('no user is root', async () => {
    assert.deepEqual(await resolve(''), {
      uid: 0,
      gid: 0,
      additionalGids: [0],
      home: '/root',
      name: 'root',
    })
  })

  test('a name brings its group, its supplementary groups and its home', async () => {
    assert.deepEqual(await resolve('web'), {
      uid: 1000,
      gid: 1000,
      additionalGids: [1000, 4, 9],
      home: '/srv/web',
      name: 'web',
    })
  })

  test('a number with an entry is that user; one without is itself, in group 0', async () => {
    assert.deepEqual((await resolve('1000')).additionalGids, [1000, 4, 9])
    assert.deepEqual(await resolve('4321'), {
      uid: 4321,
      gid: 0,
      additionalGids: [0],
      home: '/',
      name: '4321',
    })
    assert.equal((await resolve('1234')).uid, 5, 'a name that looks like a number is a name first')
    assert.equal((await resolve('7')).home, '/')
  })

  test('a group that is named replaces those of the user', async () => {
    assert.deepEqual((await resolve('web:staff')).additionalGids, [50])
    assert.deepEqual(await resolve('77:88'), {
      uid: 77,
      gid: 88,
      additionalGids: [88],
      home: '/',
      name: '77',
    })
    assert.equal((await resolve(':staff')).gid, 50)
  })

  test('groups are added by name and number', async () => {
    assert.deepEqual((await resolve('77', ['log', '4000', 'log'])).additionalGids, [0, 4, 4000])
  })

  test('an image without passwd has numbers only', async () => {
    assert.deepEqual(await resolve('', [], {}), {
      uid: 0,
      gid: 0,
      additionalGids: [0],
      home: '/',
      name: '0',
    })
    await assert.rejects(
      resolve('root', [], {}),
      /unable to find user root: no matching entries in passwd file/,
    )
  })

  test("fails in Docker's words", async () => {
    for (const [user, groups, message] of [
      ['nobody', [], 'unable to find user nobody: no matching entries in passwd file'],
      ['web:nogroup', [], 'unable to find group nogroup: no matching entries in group file'],
      ['web', ['nogroup'], 'Unable to find group nogroup: no matching entries in group file'],
      ['-1', [], 'uids and gids must be in range 0-2147483647'],
      ['0:-1', [], 'uids and gids must be in range 0-2147483647'],
      ['4294967296', [], 'uids and gids must be in range 0-2147483647'],
      ['0:99999999999', [], 'uids and gids must be in range 0-2147483647'],
    ] as const) {
      await assert.rejects(resolve(user, [...groups]), { code: 'INVALID_PARAMETER', message })
    }
  })
})
