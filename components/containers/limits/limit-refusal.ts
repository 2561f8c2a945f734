import { formatBytes } from '@/components/ui/format.ts'
import type { LimitField } from './limits-form.ts'

/** In the order in which they are tried: what is said of swap names memory, too. */
const signs: [RegExp, LimitField][] = [
  [/memory ?swap|memsw|memory\.swap/i, 'swap'],
  [/reservation|soft_limit|memory\.low/i, 'reservation'],
  [/\bmemory\b/i, 'memory'],
  [/cpu.shares|cpu\.weight/i, 'shares'],
  [/requested cpus|cpuset/i, 'cpuset'],
  [/\bcpus?\b|cfs|cpu\.max/i, 'cpus'],
  [/\bpids?\b/i, 'pids'],
  [/retry count/i, 'retries'],
  [/restart policy/i, 'restart'],
]

/**
 * Why a change of limits was refused, and which field that is about, where it says so.
 *
 * @param message the engine's: its own words, or the kernel's word about a file of the cgroup
 */
export function limitRefusal(message: string): { field: LimitField | undefined; words: string } {
  const words = message.replace(/^Cannot update container [0-9a-f]{12,64}: /, '')
  const field = signs.find(([sign]) => sign.test(words))?.[1]
  const inBytes = field === 'memory' || field === 'swap' || field === 'reservation'
  return {
    field,
    words: inBytes ? words.replace(/\b\d{6,}\b/g, (bytes) => formatBytes(Number(bytes))) : words,
  }
}
