import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { buildkitMethods } from '../../../engine/buildkit/control.ts'
import { DISK_USAGE_REQUEST, DISK_USAGE_RESPONSE } from '../../../engine/buildkit/messages.ts'
import { sharedOfClients } from '../../../engine/buildkit/solve.ts'
import type { Engine } from '../../../engine/contract.ts'
import type { BuildCacheRecord } from '../../../engine/contract/builds.ts'

describe("the cache that BuildKit's clients are told", () => {
  const used = (ID: string, ageMs: number): BuildCacheRecord => {
    const at = new Date(Date.now() - ageMs).toISOString()
    return {
      ID,
      Parents: null,
      Type: 'regular',
      Description: '',
      InUse: false,
      Shared: false,
      Size: 1,
      CreatedAt: at,
      LastUsedAt: at,
      UsageCount: 1,
    }
  }
  const cache = (): Promise<BuildCacheRecord[]> =>
    Promise.resolve([used('old', 60_000), used('new', 0)])
  const methods = buildkitMethods(
    { builds: { cache } } as unknown as Engine,
    sharedOfClients('/nowhere'),
  )

  async function told(ageLimit: number): Promise<string[]> {
    const request = DISK_USAGE_REQUEST.encode({ ageLimit })
    const call = { headers: {}, signal: new AbortController().signal }
    const ids: string[] = []
    const answers = methods['/moby.buildkit.v1.Control/DiskUsage']?.answer(request, call) ?? []
    for await (const bytes of answers)
      ids.push(...DISK_USAGE_RESPONSE.decode(bytes).record.map(({ ID }) => ID))
    return ids
  }

  it('is what was unused for an age, also one of less than a second, or all of it', async () => {
    assert.deepEqual(await told(400e6), ['old'])
    assert.deepEqual(await told(120e9), [])
    assert.deepEqual(await told(0), ['old', 'new'])
  })
})
