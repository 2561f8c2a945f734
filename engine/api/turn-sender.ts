import type { ServerResponse } from 'node:http'

/** More does not wait for the end of the turn. */
const MOST_CHARS = 1 << 16

/**
 * Sends text that comes in pieces: all of one turn of the event loop goes out with one system call, the head with the
 * first of it. The head does not wait for text.
 */
export class TurnSender {
  readonly #response: ServerResponse
  #text = ''
  #turn: NodeJS.Immediate | undefined
  #isHeadOut = false

  /** @param response whose head has been written */
  constructor(response: ServerResponse) {
    this.#response = response
    this.#turn = setImmediate(this.flush)
  }

  send(text: string): void {
    this.#text += text
    if (this.#text.length >= MOST_CHARS) this.flush()
    else this.#turn ??= setImmediate(this.flush)
  }

  readonly flush = (): void => {
    clearImmediate(this.#turn)
    this.#turn = undefined
    const text = this.#text
    this.#text = ''
    if (text !== '') this.#response.write(text)
    else if (!this.#isHeadOut) this.#response.flushHeaders()
    this.#isHeadOut = true
  }
}
