import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import type { ContainerEngine } from '../../../engine/contract/containers.ts'
import { InvalidParameterError, NotFoundError } from '../../../engine/errors.ts'
import { openRemoteEngine } from '../../../engine/remote/remote-engine.ts'
import { openDoor } from './door.ts'

const STAT = {
  name: 'näme',
  size: 7,
  mode: 2 ** 27 + 0o777,
  mtime: '2026-01-02T03:04:05.6Z',
  linkTarget: '/x',
}

/** The API's door over some methods, and a remote engine that goes through it. */
async function through(t: TestContext, containers: Partial<ContainerEngine>) {
  const door = await openDoor(t, { containers })
  const engine = await openRemoteEngine({ url: `unix://${door.socketPath}` })
  t.after(() => engine.close())
  return { door, remote: engine.containers }
}

describe('files of containers at the door', () => {
  it('are told of, sent and taken, also by way of a remote engine', async (t) => {
    const content = Buffer.alloc(3_000_000, 'tar')
    const exported = Buffer.from(content)
    const calls: unknown[] = []
    const { remote } = await through(t, {
      statPath: async (...call) => {
        calls.push(call)
        return STAT
      },
      readArchive: async (...call) => {
        calls.push(call)
        return { stat: STAT, tar: Readable.from([Buffer.from(content)]) }
      },
      writeArchive: async (id, path, tar, options) => {
        calls.push([id, path, (await buffer(tar)).length, options])
      },
      export: async () => Readable.from([exported]),
      changes: async (id) => (id === 'none' ? [] : [{ Path: '/a b', Kind: 1 }]),
      commit: async (...call) => {
        calls.push(call)
        return { Id: 'sha256:made' }
      },
    })
    assert.deepEqual(await remote.statPath('c', '/a&b ü'), STAT)
    const { stat, tar } = await remote.readArchive('c', '/d/.')
    assert.deepEqual(stat, STAT)
    assert.ok((await buffer(tar)).equals(content))
    const options = { noOverwriteDirNonDir: true, copyUidGid: true }
    await remote.writeArchive('c', '/d', Readable.from([content, content]), options)
    assert.ok((await buffer(await remote.export('c'))).equals(content))
    // its memory does not wait for a collection of the whole heap
    assert.equal(exported.length, 0)
    assert.deepEqual(await remote.changes('c'), [{ Path: '/a b', Kind: 1 }])
    assert.deepEqual(await remote.changes('none'), [])
    const commit = { repo: 'r', tag: 't', author: 'a', comment: 'c', pause: false }
    const changes = ['ENV A=b', 'CMD x']
    const made = await remote.commit('c', { ...commit, changes, config: { User: 'web' } })
    assert.deepEqual(made, { Id: 'sha256:made' })
    await remote.commit('/c')
    const last = calls.splice(-2) as [string, Record<string, unknown>][]
    assert.deepEqual(calls, [
      ['c', '/a&b ü'],
      ['c', '/d/.'],
      ['c', '/d', 2 * content.length, options],
    ])
    assert.deepEqual(
      { ...last[0]?.[1], config: undefined },
      { ...commit, changes, config: undefined },
    )
    assert.equal((last[0]?.[1]?.['config'] as { User: string }).User, 'web')
    // Docker pauses unless told otherwise
    assert.equal(last[1]?.[1]?.['pause'], undefined)
  })

  it('are refused in Docker’s words', async (t) => {
    const { door, remote } = await through(t, {
      statPath: () =>
        Promise.reject(new NotFoundError('Could not find the file /x in container c')),
      writeArchive: () =>
        Promise.reject(new InvalidParameterError('extraction point is not a directory')),
    })
    const refused = async (method: string, url: string): Promise<unknown> => {
      const { status, text } = await door.request(method, url)
      return [status, (JSON.parse(text) as { message: string }).message]
    }
    for (const method of ['GET', 'PUT'])
      assert.deepEqual(await refused(method, '/containers/c/archive'), [
        400,
        'bad parameter: pathcannot be empty',
      ])
    assert.deepEqual(await refused('POST', '/commit'), [400, 'invalid name or ID supplied: ""'])
    assert.equal((await door.request('HEAD', '/containers/c/archive?path=/x')).status, 404)
    await assert.rejects(remote.statPath('c', '/x'), {
      code: 'NOT_FOUND',
      message: 'Could not find the file /x in container c',
    })
    // while the client is still sending
    const large = await door.request(
      'PUT',
      '/containers/c/archive?path=/f',
      Buffer.alloc(20_000_000),
    )
    assert.equal(large.status, 400)
  })

  it('end in an error, not in silence, when reading breaks off', async (t) => {
    const { remote } = await through(t, {
      export: async () =>
        new Readable({
          read() {
            if (this.readableFlowing) this.push(Buffer.alloc(1000))
            setTimeout(() => this.destroy(new Error('the disk is gone')), 20)
          },
        }),
    })
    await assert.rejects(text(await remote.export('c')))
  })
})
