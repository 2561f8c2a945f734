import { StringDecoder } from 'node:string_decoder'
import type { BuildLogEvent } from '../../engine/contract/builds.ts'
import type { BuildLine } from '../live/protocol.ts'

/** A line longer than this is cut in pieces. */
const MAX_LINE_CHARS = 16 * 1024

/**
 * Cuts what the steps of a build print into lines, and numbers them. The same log gives the same numbers whenever it is
 * read: a line is one when its newline comes, or the end of its step.
 */
export class BuildLines {
  readonly #emit: (line: BuildLine) => void
  readonly #open = new Map<string, Open>()
  #count = 0
  #lastTime = ''

  constructor(emit: (line: BuildLine) => void) {
    this.#emit = emit
  }

  get count(): number {
    return this.#count
  }

  take(event: BuildLogEvent): void {
    switch (event.kind) {
      case 'log':
        this.#log(event)
        return
      case 'progress': {
        const { id = '', status, stream } = event.progress
        const words = [id, status ?? stream?.trim() ?? ''].filter((part) => part !== '').join(': ')
        if (words !== '') this.#line(event.step, 'note', words, this.#lastTime)
        return
      }
      case 'clipped':
        this.#closeStep(event.step)
        this.#line(
          event.step,
          'note',
          `${event.bytes.toLocaleString('en')} bytes were printed here and not kept`,
          this.#lastTime,
        )
        return
      case 'started':
        this.#lastTime = event.at
        return
      case 'finished':
      case 'failed':
        this.#closeStep(event.step)
        return
      case 'warning':
      case 'built':
        return
    }
  }

  /** The log is over: what has no newline yet is a line too. */
  end(): void {
    for (const open of this.#open.values()) this.#close(open)
    this.#open.clear()
  }

  #log({ at, data, step, stream }: Extract<BuildLogEvent, { kind: 'log' }>): void {
    this.#lastTime = at
    const key = `${step} ${stream}`
    let open = this.#open.get(key)
    if (!open) {
      open = { step, stream, text: '', time: at, decoder: new StringDecoder('utf8') }
      this.#open.set(key, open)
    }
    const pieces = (open.text + open.decoder.write(Buffer.from(data))).split('\n')
    const rest = pieces.pop() ?? ''
    for (const piece of pieces) {
      this.#line(step, stream, piece, open.text === '' ? at : open.time)
      open.text = ''
    }
    if (open.text === '') open.time = at
    open.text = rest
    while (open.text.length > MAX_LINE_CHARS) {
      this.#line(step, stream, open.text.slice(0, MAX_LINE_CHARS), open.time)
      open.text = open.text.slice(MAX_LINE_CHARS)
    }
  }

  #closeStep(step: string): void {
    for (const [key, open] of this.#open)
      if (open.step === step) {
        this.#close(open)
        this.#open.delete(key)
      }
  }

  #close({ step, stream, text, time }: Open): void {
    if (text !== '') this.#line(step, stream, text, time)
  }

  #line(step: string, stream: BuildLine['stream'], text: string, time: string): void {
    this.#emit({ n: this.#count++, step, stream, text, time })
  }
}

interface Open {
  step: string
  stream: 'stdout' | 'stderr'
  text: string
  time: string
  decoder: StringDecoder
}
