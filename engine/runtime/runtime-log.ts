import fs from 'node:fs'
import { z } from 'zod'
import type { LaunchFailure } from './shim-protocol.ts'

const entrySchema = z.object({ level: z.string(), msg: z.string() })

/** A failure as the shim reports it, with what the runtime itself had to say about it. */
export function withRuntimeWords(failure: LaunchFailure, log: string): LaunchFailure {
  if (failure.step !== 'runtime') return failure
  const words = lastError(log) ?? `the runtime ended with ${String(failure.errno)} and said nothing`
  return { ...failure, words }
}

/** The runtime's last complaint, in a log of one JSON object a line (`--log-format json`). */
function lastError(log: string): string | undefined {
  let text: string
  try {
    text = fs.readFileSync(log, 'utf8')
  } catch {
    // it did not come so far
    return undefined
  }
  const errors = text.split('\n').flatMap((line) => {
    const entry = entrySchema.safeParse(parseJson(line))
    return entry.success && /^(error|fatal|panic)$/.test(entry.data.level) ? [entry.data.msg] : []
  })
  const last = errors.at(-1)?.trim()
  // crun has the C library's words for an errno, of which clients only know Go's, in lower case
  return last?.replace(/: [A-Z][^:]*$/, (words) => words.toLowerCase())
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    // written by something else than the runtime's logger
    return undefined
  }
}
