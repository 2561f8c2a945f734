import { randomBytes } from 'node:crypto'
import { renameSync } from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'
import { removeTree } from '../native/trees.ts'
import { isMissing } from './documents.ts'

/**
 * Where trees go to be deleted: one rename takes them out of use at once, the deleting is done after, one tree at a
 * time and not on the main thread. What a killed engine left here goes at the next start.
 */
export class Trash {
  readonly #directory: string
  #work: Promise<void> = Promise.resolve()
  #closed = false

  private constructor(directory: string) {
    this.#directory = directory
  }

  /** @param directory on the same file system as what is thrown away */
  static async open(directory: string): Promise<Trash> {
    await fs.mkdir(directory, { recursive: true, mode: 0o700 })
    const trash = new Trash(directory)
    for (const name of await fs.readdir(directory)) trash.#delete(path.join(directory, name))
    return trash
  }

  /**
   * Takes a file or directory out of use; fine when it is not there. The rename is done when it returns, so nothing can
   * be put in its place before.
   */
  throwAway(file: string): void {
    const target = path.join(this.#directory, randomBytes(8).toString('hex'))
    try {
      renameSync(file, target)
    } catch (error) {
      if (isMissing(error)) return
      throw error
    }
    this.#delete(target)
  }

  /** Resolves once all that was thrown away is deleted. */
  async emptied(): Promise<void> {
    await this.#work
  }

  /** Deletes no further; what remains goes at the next start. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#work
  }

  #delete(target: string): void {
    this.#work = this.#work.then(async () => {
      if (this.#closed) return
      try {
        await removeTree(target)
      } catch {
        // it is out of use; the next start tries again
      }
    })
  }
}
