import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  draftOf,
  newQuota,
  newRule,
  settingsOf,
} from '../../../components/registries/settings/draft.ts'

describe('the form of the registry’s settings', () => {
  it('gives back what it was filled from', () => {
    const settings = {
      untaggedDays: 30,
      retention: [
        { repositories: 'ci/**', tags: '*', except: ['v*', 'latest'], keepLast: 10 },
        { repositories: 'a', tags: 'pr-*', except: [], olderThanDays: 7 },
      ],
      quotas: [
        { namespace: 'ci', bytes: 5 * 2 ** 30 },
        { namespace: 'small', bytes: 3 * 2 ** 20 },
        { namespace: 'decimal', bytes: 50_000_000_000 },
        { namespace: 'odd', bytes: 1_234_567_891 },
        { namespace: 'none', bytes: 0 },
      ],
    }
    assert.deepEqual(settingsOf(draftOf(settings)), { settings, faults: {} })
    const shown = draftOf(settings).quotas.map(({ amount, unit }) => `${amount} ${unit}`)
    assert.deepEqual(shown.slice(0, 3), ['5 GiB', '3 MiB', '50 GB'])
    assert.deepEqual(settingsOf(draftOf({})).settings, {
      untaggedDays: null,
      retention: [],
      quotas: [],
    })
  })

  it('says by row what is wrong', () => {
    const nothing = { ...newRule(), keepLast: '' }
    const odd = { ...newRule(), keepLast: '1.5' }
    const nowhere = { ...newRule(), repositories: ' ' }
    const quota = { ...newQuota(), amount: 'much' }
    const { faults } = settingsOf({
      untaggedDays: 'soon',
      rules: [nothing, odd, nowhere, newRule()],
      quotas: [quota],
    })
    assert.match(faults[nothing.key] ?? '', /how many to keep/)
    assert.match(faults[odd.key] ?? '', /whole number/)
    assert.match(faults[nowhere.key] ?? '', /which repositories/)
    assert.match(faults[quota.key] ?? '', /Name a repository/)
    assert.match(faults['untagged'] ?? '', /whole number/)
    assert.equal(Object.keys(faults).length, 5)
  })
})
