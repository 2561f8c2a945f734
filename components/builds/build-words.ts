import type {
  BuildRecord,
  BuildSource,
  BuildStepRecord,
  BuildSummary,
} from '@/engine/contract/builds.ts'
import type { Tone } from '@/components/ui/badge.tsx'

export const stateWords: Record<BuildSummary['state'], { word: string; tone: Tone }> = {
  running: { word: 'Running', tone: 'info' },
  done: { word: 'Done', tone: 'ok' },
  failed: { word: 'Failed', tone: 'bad' },
  cancelled: { word: 'Cancelled', tone: 'neutral' },
  interrupted: { word: 'Interrupted', tone: 'warn' },
}

/** How a build is called: by the name its image gets, else by its own ID. */
export function buildTitle(build: BuildSummary): string {
  return build.tags[0] ?? `Build ${build.id.slice(0, 8)}`
}

/** What a build is made from. BuildKit's clients tell where the directory that they send comes from. */
export function sourceWords(
  source: BuildSource,
  attributes: Record<string, string> | undefined,
): string {
  switch (source.kind) {
    case 'dockerfile':
      return 'Dockerfile'
    case 'archive':
      return attributes?.['vcs:source'] ?? 'Sent files'
    case 'git':
    case 'url':
      return source.address.replace(/^https?:\/\//, '')
  }
}

export function commitOf({ client, source }: BuildSummary): string | null {
  if (source.kind === 'git') return source.commit
  return client?.attributes['vcs:revision'] ?? null
}

/** `[web 2/5] RUN make` taken apart. */
export function stepParts(step: BuildStepRecord): { stage: string; count: string; words: string } {
  const match = /^\[(?:(\S+) )?(\d+\/\d+)\] /.exec(step.name)
  const words = step.instruction.replace(/\\\n\s*/g, ' ').replace(/\s*\n\s*/g, ' ⏎ ')
  return { stage: match?.[1] ?? '', count: match?.[2] ?? '', words }
}

/** Milliseconds from one RFC 3339 time to another, or to now. */
export function spanMs(startedAt: string, endedAt: string | null, now: number): number {
  const start = Date.parse(startedAt)
  return Math.max(0, (endedAt === null ? Math.max(now, start) : Date.parse(endedAt)) - start)
}

/** `0.3s`, `12s`, `3m 20s`: steps are often shorter than a second. */
export function shortSpan(ms: number): string {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)}s`
  const seconds = Math.floor(ms / 1000)
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`
  return `${Math.floor(seconds / 3600)}h ${Math.floor((seconds % 3600) / 60)}m`
}

/** Where a failure is: `Dockerfile:12`. */
export function failurePlace({ dockerfile, failure }: BuildRecord): string | undefined {
  return failure?.location ? `${dockerfile}:${failure.location.line}` : undefined
}
