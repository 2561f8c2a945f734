import type { EventMessage } from '@/engine/types/docker.ts'
import type { Tone } from '@/components/ui/badge.tsx'
import { isAboutCaller } from '@/components/callers/caller-words.ts'
import { shortId } from '@/components/containers/container-name.ts'

/** What an event is about, by name where it tells one. */
export function subjectOf(event: EventMessage): string {
  const attributes = event.Actor?.Attributes ?? {}
  const id = event.Actor?.ID ?? ''
  const name = attributes.name ?? id
  return /^(sha256:)?[0-9a-f]{64}$/.test(name) ? shortId(name) : name
}

export function timeOf(event: EventMessage): number {
  return event.timeNano === undefined ? (event.time ?? 0) * 1000 : Math.floor(event.timeNano / 1e6)
}

const tones: Record<string, Tone> = {
  start: 'ok',
  unpause: 'ok',
  create: 'info',
  pull: 'info',
  load: 'info',
  connect: 'neutral',
  die: 'warn',
  stop: 'warn',
  kill: 'warn',
  pause: 'warn',
  oom: 'bad',
  destroy: 'bad',
  delete: 'bad',
  remove: 'bad',
}

export function toneOf(event: EventMessage): Tone {
  const action = event.Action ?? ''
  if (action.startsWith('health_status')) return action.includes('unhealthy') ? 'bad' : 'ok'
  if (action === 'die') return event.Actor?.Attributes?.exitCode === '0' ? 'neutral' : 'bad'
  return tones[action] ?? 'neutral'
}

/** The rest of what it tells, but for the name and who caused it. */
export function detailsOf(event: EventMessage): string {
  return Object.entries(event.Actor?.Attributes ?? {})
    .filter(([key]) => key !== 'name' && !isAboutCaller(key))
    .map(([key, value]) => `${key}=${value}`)
    .join('  ')
}

/** Where more about it is; undefined when there is no such page. */
export function pageOf(event: EventMessage): string | undefined {
  const id = event.Actor?.ID ?? ''
  if (event.Type === 'container') return `/containers/${id}`
  if (event.Type === 'network') return `/networks?inspect=${id}`
  if (event.Type === 'volume') return `/volumes?inspect=${encodeURIComponent(id)}`
  return event.Type === 'image' ? `/images?q=${encodeURIComponent(subjectOf(event))}` : undefined
}

export function isExec(event: EventMessage): boolean {
  return event.Action?.startsWith('exec_') === true
}
