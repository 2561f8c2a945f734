import { StringDecoder } from 'node:string_decoder'
import { z } from 'zod'
import type { BuildEvent, BuildLogEvent } from '../../contract/builds.ts'

/** Events as lines of JSON; what was printed stands in them as text. */
export class JournalEncoder {
  readonly #decoders = new Map<string, StringDecoder>()
  /** What each layer that is pulled was last said to be doing. */
  readonly #pulls = new Map<string, string>()

  /** @returns undefined for what is not kept */
  encode(event: BuildLogEvent): string | undefined {
    if (event.kind === 'log') {
      const { at, data, step, stream } = event
      const text = this.#text(step, stream, data)
      return text === ''
        ? undefined
        : `${JSON.stringify({ kind: 'log', step, stream, text, at })}\n`
    }
    if (event.kind === 'progress' && !this.#isNews(event)) return undefined
    return `${JSON.stringify(event)}\n`
  }

  /** A character that is cut in two waits for its other half. */
  #text(step: string, stream: string, data: Uint8Array): string {
    const key = `${step} ${stream}`
    let decoder = this.#decoders.get(key)
    if (!decoder) {
      decoder = new StringDecoder('utf8')
      this.#decoders.set(key, decoder)
    }
    return decoder.write(Buffer.from(data))
  }

  /** How far a transfer is changes too often to be kept. */
  #isNews({ progress, step }: Extract<BuildEvent, { kind: 'progress' }>): boolean {
    const key = `${step} ${progress.id ?? ''}`
    const said = progress.status ?? progress.stream ?? ''
    if (this.#pulls.get(key) === said) return false
    this.#pulls.set(key, said)
    return true
  }
}

const lineSchema = z.object({ kind: z.string() })
const logSchema = z.object({
  kind: z.literal('log'),
  step: z.string(),
  stream: z.enum(['stdout', 'stderr']),
  text: z.string(),
  at: z.string(),
})

/** @returns undefined for a line that a killed engine, or a full disk, cut off */
export function decodeLine(line: string): BuildLogEvent | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  const log = logSchema.safeParse(value)
  if (log.success) {
    const { text, ...event } = log.data
    return { ...event, data: Buffer.from(text) }
  }
  // what this engine wrote for itself
  return lineSchema.safeParse(value).success ? (value as BuildLogEvent) : undefined
}
