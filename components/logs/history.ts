import { engineUrl, RequestError } from '@/components/engine/client.ts'
import { apiTime } from './log-time.ts'
import { LogStreamReader, type ReadLine } from './log-stream.ts'

export interface HistoryRange {
  /** So many lines from the end, or all. */
  tail: number | 'all'
  /** Times as log-time.ts has them; the edges may come too. */
  since?: string
  until?: string
  /** Reading stops at the first line that is this old or newer. */
  stopAt?: string
}

/**
 * Stored lines, oldest first, handed over in batches as they arrive.
 *
 * @throws RequestError with the engine's words
 */
export async function readHistory(
  containerId: string,
  tty: boolean,
  range: HistoryRange,
  onLines: (lines: ReadLine[]) => void,
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController()
  const url = engineUrl(`/containers/${encodeURIComponent(containerId)}/logs`, {
    stdout: 1,
    stderr: 1,
    timestamps: 1,
    tail: range.tail,
    since: range.since === undefined ? undefined : apiTime(range.since),
    until: range.until === undefined ? undefined : apiTime(range.until),
  })
  const response = await fetch(url, { signal: AbortSignal.any([signal, stop.signal]) })
  if (!response.ok) throw new RequestError(response.status, await messageOf(response))
  if (!response.body) return
  const reader = new LogStreamReader(tty)
  const bytes = response.body.getReader()
  for (;;) {
    const { done, value } = await bytes.read()
    const lines = done ? reader.end() : reader.push(value)
    if (lines.length > 0) onLines(lines)
    if (done) return
    const newest = lines.at(-1)
    if (newest && range.stopAt !== undefined && newest.time >= range.stopAt) {
      stop.abort()
      return
    }
  }
}

async function messageOf(response: Response): Promise<string> {
  const text = await response.text()
  try {
    const { message } = JSON.parse(text) as { message?: unknown }
    if (typeof message === 'string') return message
  } catch {
    // Not JSON: the status has to do.
  }
  return `${response.status} ${response.statusText}`
}
