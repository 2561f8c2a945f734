import { formatDuration } from '@/components/ui/format.ts'
import type { HealthConfig, ImageInspect } from '@/engine/types/docker.ts'
import { quoteWord } from '@/server/api/shell-words.ts'

/** `linux/arm64/v8` */
export function platformOf(image: ImageInspect): string {
  return [image.Os, image.Architecture, image.Variant].filter(Boolean).join('/')
}

/** A comment without the key of the cache that builds here write behind their name: it says nothing to a reader. */
export function commentOf(comment: string): string {
  return comment.replace(/^(gantry\.build) [0-9a-f]{64}$/, '$1')
}

/** A command as a shell would take it; undefined when there is none. */
export function commandOf(words: readonly string[] | null | undefined): string | undefined {
  return words?.length ? words.map(quoteWord).join(' ') : undefined
}

/** A health check in one line; undefined when there is none. */
export function healthCheckOf(health: HealthConfig | undefined): string | undefined {
  const [kind, ...words] = health?.Test ?? []
  if (health === undefined || kind === undefined || kind === 'NONE') return undefined
  const command = kind === 'CMD-SHELL' ? words.join(' ') : commandOf(words)
  const ms = (nanos: number | undefined) => formatDuration((nanos ?? 0) / 1e6)
  return [
    command,
    health.Interval ? `every ${ms(health.Interval)}` : undefined,
    health.Timeout ? `at most ${ms(health.Timeout)}` : undefined,
    health.Retries ? `unhealthy after ${health.Retries}` : undefined,
  ]
    .filter(Boolean)
    .join(', ')
}
