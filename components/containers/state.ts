import type { ContainerSummary } from '@/engine/types/docker.ts'
import type { Tone } from '@/components/ui/badge.tsx'

/** What the chips, the filter's `is:` and the dot tell apart. */
export type Condition =
  'running' | 'unhealthy' | 'restarting' | 'paused' | 'exited' | 'created' | 'dead' | 'removing'

export const conditions: Condition[] = [
  'running',
  'unhealthy',
  'restarting',
  'paused',
  'exited',
  'created',
  'dead',
  'removing',
]

export interface StateView {
  condition: Condition
  /** The state in a word. */
  word: string
  tone: Tone
  /** Since when, or how it ended. */
  detail: string
}

export function stateOf(container: ContainerSummary): StateView {
  const status = container.Status ?? ''
  const state = container.State ?? 'created'
  const health = container.Health?.Status ?? healthIn(status)
  switch (state) {
    case 'running': {
      const up = `up ${compact(status.replace(/^Up\s*/, '').replace(/\s*\(.*\)$/, ''))}`
      if (health === 'unhealthy')
        return { condition: 'unhealthy', word: 'Unhealthy', tone: 'bad', detail: up }
      const word = health === 'healthy' ? 'Healthy' : health === 'starting' ? 'Starting' : 'Running'
      return { condition: 'running', word, tone: health === 'starting' ? 'warn' : 'ok', detail: up }
    }
    case 'paused':
      return {
        condition: 'paused',
        word: 'Paused',
        tone: 'warn',
        detail: `up ${compact(status.replace(/^Up\s*/, '').replace(/\s*\(Paused\)$/, ''))}`,
      }
    case 'restarting':
      return { condition: 'restarting', word: 'Restarting', tone: 'warn', detail: ended(status) }
    case 'exited': {
      const code = exitCode(status)
      return {
        condition: 'exited',
        word: code === null || code === 0 ? 'Exited' : `Exited (${code})`,
        tone: code === 0 ? 'neutral' : 'bad',
        detail: ended(status),
      }
    }
    case 'created':
      return { condition: 'created', word: 'Created', tone: 'neutral', detail: 'never started' }
    case 'removing':
      return { condition: 'removing', word: 'Removing', tone: 'warn', detail: '' }
    case 'dead':
      return { condition: 'dead', word: 'Dead', tone: 'bad', detail: 'could not be removed whole' }
    default:
      state satisfies never
      return { condition: 'created', word: String(state), tone: 'neutral', detail: status }
  }
}

/** The code in `Exited (137) 5 minutes ago`; null in any other status. */
export function exitCode(status: string): number | null {
  const match = /^(?:Exited|Restarting) \((-?\d+)\)/.exec(status)
  return match?.[1] === undefined ? null : Number(match[1])
}

/** What an exit code usually means, for the ones that mean something. */
function exitReason(code: number): string | null {
  const known: Record<number, string> = {
    0: 'finished',
    125: 'could not be set up',
    126: 'command not executable',
    127: 'command not found',
    130: 'interrupted',
    134: 'aborted',
    137: 'killed',
    139: 'segmentation fault',
    143: 'terminated',
  }
  return known[code] ?? (code > 128 && code < 193 ? `signal ${code - 128}` : null)
}

function ended(status: string): string {
  const code = exitCode(status)
  if (code === null) return status
  const reason = code === 0 ? null : exitReason(code)
  const ago = compact(status.replace(/^\w+ \(-?\d+\)\s*/, ''))
  // the reason first: a narrow column cuts the end off
  return [reason, ago].filter((part) => part !== null && part !== '').join(', ')
}

/** Docker's `About an hour ago` in the room a column has: `1h ago`. */
export function compact(span: string): string {
  return span
    .replace(/^Less than a second/, '0s')
    .replace(/^About an? /, '1 ')
    .replace(
      /^(\d+) (second|minute|hour|day|week|month|year)s?/,
      (_, number: string, unit: string) => {
        return `${number}${unit === 'month' ? 'mo' : (unit[0] ?? '')}`
      },
    )
}

function healthIn(status: string): string | undefined {
  if (status.includes('(unhealthy)')) return 'unhealthy'
  if (status.includes('(healthy)')) return 'healthy'
  return status.includes('(health: starting)') ? 'starting' : undefined
}
