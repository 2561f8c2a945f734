import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { Uploads } from '../../../engine/buildkit/uploads.ts'

describe('a context that a request of its own brings', () => {
  const { signal } = new AbortController()

  it('goes to the build that names it, whichever comes first, and its request lasts as long as the build', async () => {
    for (const isBuildFirst of [true, false]) {
      const uploads = new Uploads()
      const tar = Readable.from(['context'])
      const waiting = isBuildFirst ? uploads.take('b', signal) : undefined
      let isOver = false
      const offered = uploads.offer('b', tar, signal).then(() => (isOver = true))
      assert.equal(await (waiting ?? uploads.take('b', signal)), tar)
      assert.equal(isOver, false)
      uploads.end('b')
      await offered
    }
  })

  it('is not taken twice, nor brought twice', async () => {
    const uploads = new Uploads()
    const offered = uploads.offer('b', Readable.from(['context']), signal)
    await assert.rejects(uploads.offer('b', Readable.from(['other']), signal), { code: 'CONFLICT' })
    await uploads.take('b', signal)
    await assert.rejects(uploads.take('b', signal), { code: 'INVALID_PARAMETER' })
    uploads.end('b')
    await offered
  })

  it('is waited for, and waits, no longer than its client is there', async () => {
    const uploads = new Uploads()
    const left = AbortSignal.abort()
    await assert.rejects(uploads.take('b', left), /no context was sent for build b/)
    const brought = uploads.offer('b', Readable.from(['context']), left)
    await assert.rejects(brought, /no build b takes the context/)
    // nothing is left of either
    const again = uploads.offer('b', Readable.from(['context']), signal)
    await uploads.take('b', signal)
    uploads.end('b')
    await again
  })
})
