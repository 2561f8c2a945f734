import { readControl, tryWriteControl, writeControl } from './files.ts'

/**
 * The control files of one cgroup directory.
 *
 * With a journal it remembers what each file held before it was written, so that a change of several limits of which the
 * kernel refuses one can be taken back whole. A new cgroup needs none: it is removed.
 */
export class Controls {
  readonly directory: string
  readonly #journal: (() => void)[] | undefined

  constructor(directory: string, journal?: (() => void)[]) {
    this.directory = directory
    this.#journal = journal
  }

  /** @throws INVALID_PARAMETER naming file and value when the kernel finds the value unfit */
  write(name: string, value: string): void {
    this.#remember(name, (before) => before.trim())
    writeControl(this.#file(name), value)
  }

  /** The same where a kernel may lack the file: false then. */
  tryWrite(name: string, value: string): boolean {
    this.#remember(name, (before) => before.trim())
    return tryWriteControl(this.#file(name), value)
  }

  /**
   * Sets the line of one device in a file that has a line for each.
   *
   * @param unset what stands for "no line" there, to take the first one back
   */
  writeDevice(name: string, device: string, value: string, unset: string): void {
    this.#rememberDevice(name, device, unset)
    writeControl(this.#file(name), `${device} ${value}`)
  }

  /** The same where a kernel may lack the file: false then. */
  tryWriteDevice(name: string, device: string, value: string, unset: string): boolean {
    this.#rememberDevice(name, device, unset)
    return tryWriteControl(this.#file(name), `${device} ${value}`)
  }

  /** undefined when there is no such file. */
  read(name: string): string | undefined {
    return readControl(this.#file(name))?.trim()
  }

  #rememberDevice(name: string, device: string, unset: string): void {
    this.#remember(name, (before) => {
      const line = before.split('\n').find((one) => one.startsWith(`${device} `))
      return line ?? `${device} ${unset}`
    })
  }

  #remember(name: string, lineOf: (before: string) => string): void {
    if (!this.#journal) return
    const before = readControl(this.#file(name))
    if (before === undefined) return
    this.#journal.push(() => {
      // an empty write never reaches the kernel; a cpuset of v2 is emptied by a newline
      writeControl(this.#file(name), lineOf(before) || '\n')
    })
  }

  #file(name: string): string {
    return `${this.directory}/${name}`
  }
}

/**
 * Runs a change of limits; when it throws, everything it wrote is written back, newest first.
 *
 * @returns what takes the change back later
 * @throws what the change threw
 */
export function allOrNothing(change: (journal: (() => void)[]) => void): () => void {
  const journal: (() => void)[] = []
  const takeBack = (): void => {
    for (const back of journal.reverse()) {
      try {
        back()
      } catch {
        // what the kernel does not take back (a limit below what is in use by now) stays; why it is taken back is told
      }
    }
  }
  try {
    change(journal)
  } catch (error) {
    takeBack()
    throw error
  }
  return takeBack
}
