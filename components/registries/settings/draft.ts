import type { RegistrySettings } from '@/engine/contract/registry.ts'
import { newKey } from '@/components/deploy/form-state.ts'

export interface RuleDraft {
  key: string
  repositories: string
  tags: string
  /** Patterns, with spaces between. */
  except: string
  keepLast: string
  olderThanDays: string
}

export interface QuotaDraft {
  key: string
  namespace: string
  amount: string
  unit: Unit
}

export interface Draft {
  untaggedDays: string
  rules: RuleDraft[]
  quotas: QuotaDraft[]
}

export const UNITS = { MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40, MB: 1e6, GB: 1e9, TB: 1e12 }
export type Unit = keyof typeof UNITS

export function newRule(): RuleDraft {
  return {
    key: newKey(),
    repositories: '**',
    tags: '*',
    except: 'latest',
    keepLast: '10',
    olderThanDays: '',
  }
}

export function newQuota(): QuotaDraft {
  return { key: newKey(), namespace: '', amount: '10', unit: 'GiB' }
}

export function draftOf({ quotas = [], retention = [], untaggedDays }: RegistrySettings): Draft {
  return {
    untaggedDays: textOf(untaggedDays),
    rules: retention.map((rule) => ({
      key: newKey(),
      repositories: rule.repositories,
      tags: rule.tags ?? '*',
      except: (rule.except ?? []).join(' '),
      keepLast: textOf(rule.keepLast),
      olderThanDays: textOf(rule.olderThanDays),
    })),
    quotas: quotas.map(({ bytes, namespace }) => {
      const unit = unitOf(bytes)
      return { key: newKey(), namespace, amount: String(bytes / UNITS[unit]), unit }
    }),
  }
}

/** What is wrong with a draft, by the key of its row; `untagged` for the days of what has no tag. */
export type Faults = Record<string, string>

/** The settings that a draft means, or what is wrong with it; what patterns may be is the engine's to say. */
export function settingsOf(draft: Draft): { settings: RegistrySettings; faults: Faults } {
  const faults: Faults = {}
  const number = (key: string, what: string, text: string): number | undefined => {
    if (text.trim() === '') return undefined
    const value = Number(text)
    if (!Number.isInteger(value) || value < 1) faults[key] = `${what}: a whole number from 1 on.`
    return value
  }
  const untaggedDays = number('untagged', 'Days', draft.untaggedDays) ?? null
  const retention = draft.rules.map((rule) => {
    const keepLast = number(rule.key, 'Keep the last', rule.keepLast)
    const olderThanDays = number(rule.key, 'Older than', rule.olderThanDays)
    if (rule.repositories.trim() === '') faults[rule.key] = 'Say which repositories: ** for all.'
    if (keepLast === undefined && olderThanDays === undefined)
      faults[rule.key] = 'Say how many to keep, or from what age on they go, or both.'
    return {
      repositories: rule.repositories.trim(),
      tags: rule.tags.trim() === '' ? '*' : rule.tags.trim(),
      except: rule.except.split(/\s+/).filter((pattern) => pattern !== ''),
      ...(keepLast === undefined ? {} : { keepLast }),
      ...(olderThanDays === undefined ? {} : { olderThanDays }),
    }
  })
  const quotas = draft.quotas.map(({ amount, key, namespace, unit }) => {
    const value = Number(amount)
    if (amount.trim() === '' || !(value >= 0)) faults[key] = 'Enter a size.'
    if (namespace.trim() === '')
      faults[key] = 'Name a repository, or the beginning of several: team.'
    return { namespace: namespace.trim(), bytes: Math.round(value * UNITS[unit]) }
  })
  return { settings: { untaggedDays, retention, quotas }, faults }
}

/** The largest one of which it is a whole number: what was set elsewhere is not rounded by being looked at. */
function unitOf(bytes: number): Unit {
  const units = Object.keys(UNITS) as Unit[]
  const whole = units.filter((unit) => bytes > 0 && bytes % UNITS[unit] === 0)
  return whole.sort((a, b) => UNITS[b] - UNITS[a])[0] ?? 'MiB'
}

function textOf(value: number | null | undefined): string {
  return value === undefined || value === null ? '' : String(value)
}
