import { StringDecoder } from 'node:string_decoder'
import type { BuildEvent } from '../contract/builds.ts'
import { shortId } from '../oci/digest.ts'

/**
 * A build as Docker's classic builder tells of it: `{"stream":"Step 1/3 : FROM x\n"}`, what commands print, ` ---> <id>`.
 * Stages are built side by side, so when another step speaks, it says again which it is.
 *
 * @param quiet only the image's ID at the end
 */
export async function* classicLines(
  events: AsyncIterable<BuildEvent>,
  quiet: boolean,
): AsyncGenerator<unknown> {
  const lines = new Lines()
  /** What a quiet build would have said last, told when it fails. */
  let unsaid: unknown[] = []
  try {
    for await (const event of events) {
      if (!quiet) yield* lines.of(event)
      else if (event.kind === 'built') {
        unsaid = []
        yield { aux: { ID: event.image } }
        yield { stream: `${event.image}\n` }
      } else unsaid = [...unsaid, ...lines.of(event)].slice(-MOST_UNSAID)
    }
  } catch (error) {
    yield* unsaid
    throw error
  }
}

const MOST_UNSAID = 64

class Lines {
  readonly #headings = new Map<string, string>()
  readonly #decoders = new Map<string, StringDecoder>()
  /** The step whose heading came last. */
  #speaks: string | undefined

  of(event: BuildEvent): unknown[] {
    switch (event.kind) {
      case 'started': {
        const { instruction, number, step, total } = event
        this.#headings.set(step, `Step ${String(number)}/${String(total)} : ${instruction}\n`)
        return this.#heading(step)
      }
      case 'progress':
        return [...this.#heading(event.step), event.progress]
      case 'log':
        return [...this.#heading(event.step), { stream: this.#text(event) }]
      case 'finished': {
        const lines = this.#heading(event.step)
        this.#headings.delete(event.step)
        this.#speaks = undefined
        const isLayer = /^[0-9a-f]{64}$/.test(event.result)
        if (event.cached && isLayer) lines.push({ stream: ' ---> Using cache\n' })
        lines.push({ stream: ` ---> ${shown(event.result)}\n` })
        return lines
      }
      case 'failed':
        return this.#heading(event.step)
      case 'warning':
        return [{ stream: `[Warning] ${event.message}\n` }]
      case 'built': {
        const { image, tags } = event
        return [
          { aux: { ID: image } },
          { stream: `Successfully built ${shortId(image)}\n` },
          ...tags.map((tag) => ({ stream: `Successfully tagged ${tag}\n` })),
        ]
      }
    }
  }

  #heading(step: string): unknown[] {
    if (this.#speaks === step) return []
    this.#speaks = step
    return [{ stream: this.#headings.get(step) ?? '' }]
  }

  /** Bytes as text; a character that is cut in two waits for its other half. */
  #text({ data, step, stream }: Extract<BuildEvent, { kind: 'log' }>): string {
    const key = `${step} ${stream}`
    let decoder = this.#decoders.get(key)
    if (!decoder) {
      decoder = new StringDecoder('utf8')
      this.#decoders.set(key, decoder)
    }
    return decoder.write(Buffer.from(data))
  }
}

function shown(result: string): string {
  return result.startsWith('sha256:') ? shortId(result) : result.slice(0, 12)
}
