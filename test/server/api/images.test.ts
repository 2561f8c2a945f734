import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ImageEngine } from '../../../engine/contract/images.ts'
import { NotImplementedError } from '../../../engine/errors.ts'
import { getImageLayers, getLayerFiles, getPrunable } from '../../../server/api/images.ts'
import { sessionCookieName } from '../../../server/auth/cookie.ts'
import { setContext } from '../../../server/context.ts'
import { ACCOUNT, openTestContext } from '../console.ts'

describe('the console’s routes to images', () => {
  it('read what is asked for once, for who is signed in, and pass on what the engine cannot', async (t) => {
    const context = await openTestContext(t)
    const asked: unknown[] = []
    const images: Partial<ImageEngine> = {
      layers: () => Promise.reject(new NotImplementedError('not this engine')),
      layerFiles: (...words) => {
        asked.push(words)
        return Promise.resolve({ files: [], total: 0 })
      },
      prunable: (filters) => {
        asked.push(filters)
        return Promise.resolve({ images: [], SpaceReclaimable: 0, isExact: true })
      },
    }
    Object.assign(context.engine, { images })
    setContext(context)
    t.after(() => setContext(undefined))
    const { token } = await context.accounts.setup(ACCOUNT, { ip: '127.0.0.1', userAgent: 'test' })
    const request = (query: Record<string, string>, cookie = token): Request =>
      new Request(`http://console/api/images?${new URLSearchParams(query).toString()}`, {
        headers: { cookie: `${sessionCookieName(3000)}=${cookie}` },
      })

    assert.equal((await getImageLayers(request({ image: 'a' }, 'x'))).status, 401)
    assert.equal((await getImageLayers(request({ image: 'a' }))).status, 501)
    assert.equal((await getImageLayers(request({}))).status, 400)

    const files = { image: 'shop:1', layer: '2', path: '/a b', offset: '1000' }
    assert.equal((await getLayerFiles(request(files))).status, 200)
    assert.deepEqual(asked.pop(), ['shop:1', 2, '/a b', { offset: 1000 }])
    for (const wrong of [{ layer: '-1' }, { layer: 'x' }, { offset: '1.5' }, { image: '' }])
      assert.equal((await getLayerFiles(request({ ...files, ...wrong }))).status, 400)

    assert.equal((await getPrunable(request({ filters: '{"label":["a"]}' }))).status, 200)
    assert.deepEqual(asked.pop(), { label: ['a'] })
    for (const filters of ['', '[', '{"label":"a"}', '{"label":[1]}', '[]'])
      assert.equal((await getPrunable(request({ filters }))).status, 400, filters)
  })
})
