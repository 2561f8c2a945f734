import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { instanceAt, registriesOf } from '../../../engine/instance.ts'
import { searchImages } from '../../../engine/registry/search.ts'
import { MockRegistry } from './mock-registry.ts'

const REGISTRIES = registriesOf(
  instanceAt({ dataRoot: '/nowhere', runRoot: '/nowhere', bridgeSubnet: '10.9.0.0/24' }),
)

describe('searchImages()', () => {
  let registry: MockRegistry
  const asked: URLSearchParams[] = []
  before(async () => {
    registry = await MockRegistry.start()
    registry.intercept = (request, response) => {
      const url = new URL(request.url ?? '/', 'http://mock')
      if (url.pathname !== '/v1/search' || url.searchParams.get('q') === 'none') return false
      asked.push(url.searchParams)
      const results = [
        { name: 'team/app', description: 'ours', star_count: 3, is_official: false },
        { name: 'app', description: null, star_count: 40, is_official: true, is_automated: true },
      ]
      response.end(JSON.stringify({ num_results: 2, query: 'app', results }))
      return true
    }
  })
  after(() => registry.close())

  it('asks the registry that the term names, and gives what it finds in the form of Docker', async () => {
    assert.deepEqual(await searchImages(REGISTRIES, `${registry.host}/app`, { limit: 7 }), [
      {
        name: 'team/app',
        description: 'ours',
        star_count: 3,
        is_official: false,
        is_automated: false,
      },
      { name: 'app', description: '', star_count: 40, is_official: true, is_automated: false },
    ])
    assert.deepEqual([asked[0]?.get('q'), asked[0]?.get('n')], ['app', '7'])
  })

  it('filters by stars and by what is official', async () => {
    const names = async (filters: Record<string, string[]>): Promise<string[]> =>
      (await searchImages(REGISTRIES, `${registry.host}/app`, { filters })).map(({ name }) => name)
    assert.deepEqual(await names({ stars: ['10'] }), ['app'])
    assert.deepEqual(await names({ 'is-official': ['false'] }), ['team/app'])
    assert.deepEqual(await names({ 'is-automated': ['true'] }), [])
  })

  it('says what is wrong with the question, and which registry offers no search', async () => {
    const search = (term: string, options = {}): ReturnType<typeof searchImages> =>
      searchImages(REGISTRIES, `${registry.host}/${term}`, options)
    await assert.rejects(search('app', { limit: 101 }), { code: 'INVALID_PARAMETER' })
    await assert.rejects(
      search('app', { filters: { stars: ['many'] } }),
      /invalid filter 'stars=\[many\]'/,
    )
    await assert.rejects(search('app', { filters: { size: ['1'] } }), /invalid filter 'size'/)
    await assert.rejects(search('none'), { code: 'NOT_IMPLEMENTED', message: /offers no search/ })
  })
})
