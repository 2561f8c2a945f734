import fs from 'node:fs'

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{9}Z$/

/**
 * How far a log has been sent: the time of the last line, since times rise strictly. Written in place after each batch
 * by one call that moves 31 bytes, which a kill does not cut in two; a power cut may take the last moments of it, and
 * these lines are then sent again.
 */
export class Position {
  readonly #fd: number
  /** '' at the start. */
  time: string

  /** @param file is made when it is missing */
  constructor(file: string) {
    this.#fd = fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600)
    const text = fs.readFileSync(this.#fd, 'utf8').slice(0, 30)
    this.time = TIME.test(text) ? text : ''
  }

  advance(time: string): void {
    this.time = time
    try {
      fs.writeSync(this.#fd, `${time}\n`, 0)
    } catch {
      // a full disk: after a restart these lines are sent again
    }
  }

  close(): void {
    fs.closeSync(this.#fd)
  }
}
