import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RepositoryState } from '../../../engine/registry-server/repository.ts'
import { planRemoval } from '../../../engine/registry-server/retention.ts'
import type { SettingsDocument } from '../../../engine/registry-server/settings.ts'

type Settings = SettingsDocument['current']

const DAY = 24 * 3600 * 1000
const NOW = Date.parse('2026-06-01T00:00:00Z')
const BY = { kind: 'system', reason: 'test' } as const

interface Pushed {
  daysAgo: number
  tags?: string[]
  manifests?: string[]
  subject?: string
  image?: string
}

const digestOf = (name: string): `sha256:${string}` =>
  `sha256:${Buffer.from(name).toString('hex').padEnd(64, '0')}`
const nameOf = (digest: string): string =>
  Buffer.from(digest.slice(7), 'hex').toString().replaceAll('\0', '')

function stateOf(pushes: Record<string, Pushed>): RepositoryState {
  const state: RepositoryState = { domains: new Set(), manifests: new Map(), tags: new Map() }
  for (const [name, pushed] of Object.entries(pushes)) {
    const { daysAgo, image, manifests = [], subject, tags = [] } = pushed
    const digest = digestOf(name)
    const pushedAt = new Date(NOW - daysAgo * DAY).toISOString()
    state.manifests.set(digest, {
      digest,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      size: 1,
      blobs: [],
      manifests: manifests.map(digestOf),
      ...(subject === undefined ? {} : { subject: digestOf(subject) }),
      ...(image === undefined ? {} : { image: digestOf(image) }),
      pushedAt,
      pushedBy: BY,
    })
    for (const tag of tags) state.tags.set(tag, { tag, digest, pushedAt, pushedBy: BY })
  }
  return state
}

const RULE = { repositories: '**', tags: '*', except: [] }

function gone(
  pushes: Record<string, Pushed>,
  settings: Partial<Settings>,
  used: string[] = [],
  awaited: string[] = [],
): { tags: string; manifests: string } {
  const whole = { untaggedDays: null, retention: [], quotas: [], ...settings }
  const images = used.map((name): string => digestOf(name))
  const { manifests, tags } = planRemoval(
    'team/app',
    stateOf(pushes),
    whole,
    (image) => images.includes(image),
    NOW,
    (digest) => awaited.includes(nameOf(digest)),
  )
  return {
    tags: tags.sort().join(' '),
    manifests: manifests
      .map(({ digest }) => nameOf(digest))
      .sort()
      .join(' '),
  }
}

describe('planRemoval', () => {
  const four = {
    a: { daysAgo: 40, tags: ['1.0'] },
    b: { daysAgo: 30, tags: ['1.1', 'stable'] },
    c: { daysAgo: 20, tags: ['1.2'] },
    d: { daysAgo: 10, tags: ['1.3'] },
  }

  it('takes nothing without rules', () => {
    const pushes = { ...four, old: { daysAgo: 9000 } }
    assert.deepEqual(gone(pushes, {}), { tags: '', manifests: '' })
  })

  it('keeps the last ones pushed, the young ones, and both together', () => {
    const tags = '1.*'
    const by = (rule: object): ReturnType<typeof gone> =>
      gone(four, { retention: [{ ...RULE, tags, ...rule }] })
    // b has another tag
    assert.deepEqual(by({ keepLast: 2 }), { tags: '1.0 1.1', manifests: 'a' })
    assert.deepEqual(by({ olderThanDays: 15 }), { tags: '1.0 1.1 1.2', manifests: 'a c' })
    assert.deepEqual(by({ keepLast: 3, olderThanDays: 15 }), { tags: '1.0', manifests: 'a' })
    assert.deepEqual(by({ keepLast: 1, except: ['1.[13]'] }), { tags: '1.0', manifests: 'a' })
  })

  it('means the repositories of the pattern', () => {
    const by = (repositories: string): string =>
      gone(four, { retention: [{ ...RULE, repositories, keepLast: 1 }] }).tags
    assert.equal(by('team/*'), '1.0 1.1 1.2 stable')
    assert.equal(by('**'), '1.0 1.1 1.2 stable')
    assert.equal(by('*'), '')
    assert.equal(by('other/**'), '')
  })

  it('never takes what a container needs', () => {
    const pushes = {
      ...four,
      a: { ...four.a, image: 'x' },
      loose: { daysAgo: 100, image: 'y' },
      free: { daysAgo: 100 },
    }
    const settings = { untaggedDays: 1, retention: [{ ...RULE, keepLast: 1 }] }
    assert.deepEqual(gone(pushes, settings, ['x', 'y']), {
      tags: '1.1 1.2 stable',
      manifests: 'b c free',
    })
  })

  it('takes untagged manifests in time, but none that an index or a subject keeps', () => {
    const pushes = {
      index: { daysAgo: 90, tags: ['all'], manifests: ['amd', 'arm'] },
      amd: { daysAgo: 90 },
      arm: { daysAgo: 90 },
      sig: { daysAgo: 90, subject: 'amd' },
      sigsig: { daysAgo: 90, subject: 'sig' },
      old: { daysAgo: 90 },
      oldsig: { daysAgo: 90, subject: 'old' },
      stray: { daysAgo: 90, subject: 'never' },
      young: { daysAgo: 5 },
    }
    assert.deepEqual(gone(pushes, { untaggedDays: 30 }), {
      tags: '',
      manifests: 'old oldsig stray',
    })
  })

  it('takes with an index its parts and what is about them, unless others need those', () => {
    const pushes = {
      one: { daysAgo: 90, tags: ['1'], manifests: ['amd', 'base'] },
      two: { daysAgo: 1, tags: ['2'], manifests: ['base'] },
      amd: { daysAgo: 90 },
      base: { daysAgo: 90 },
      sig: { daysAgo: 90, subject: 'one' },
      tagged: { daysAgo: 90, subject: 'one', tags: ['sig-1'] },
    }
    const retention = [{ ...RULE, tags: '?', keepLast: 1 }]
    assert.deepEqual(gone(pushes, { retention }), { tags: '1', manifests: 'amd one sig' })
  })

  it('waits with what an index may be about to name, and with the index that has it', () => {
    const pushes = {
      one: { daysAgo: 90, tags: ['1'], manifests: ['amd'] },
      amd: { daysAgo: 90 },
      two: { daysAgo: 80, tags: ['2'] },
      three: { daysAgo: 1, tags: ['3'] },
      loose: { daysAgo: 90 },
    }
    const settings = { untaggedDays: 30, retention: [{ ...RULE, keepLast: 1 }] }
    assert.deepEqual(gone(pushes, settings), { tags: '1 2', manifests: 'amd loose one two' })
    assert.deepEqual(gone(pushes, settings, [], ['amd']), { tags: '2', manifests: 'loose two' })
    assert.deepEqual(gone(pushes, settings, [], ['loose', 'two']), {
      tags: '1',
      manifests: 'amd one',
    })
  })

  it('ends with manifests that are about each other', () => {
    const pushes = {
      a: { daysAgo: 9, subject: 'b', tags: ['x'] },
      b: { daysAgo: 9, subject: 'a' },
    }
    assert.deepEqual(gone(pushes, { untaggedDays: 1 }), { tags: '', manifests: '' })
  })
})
