import type { Readable } from 'node:stream'
import { NotFoundError, UnavailableError } from '../../engine/errors.ts'

/** A browser begins to send at once; one that does not is gone. */
const WAIT_MS = 60_000

/** Brings builds together with their contexts, which come by a request of their own: the form says all else before. */
export class ContextUploads {
  readonly #expected = new Map<string, { owner: string; take: (tar: Readable) => void }>()

  /**
   * Waits for the context of a build.
   *
   * @param owner ID of the user who began the build: it is made of nobody else's files
   * @throws UNAVAILABLE when it does not come; the signal's reason when that fires
   */
  async expect(
    id: string,
    owner: string,
    signal: AbortSignal,
    waitMs = WAIT_MS,
  ): Promise<Readable> {
    return await new Promise<Readable>((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', cancel)
        this.#expected.delete(id)
      }
      const timer = setTimeout(() => {
        end()
        reject(new UnavailableError('The files were not sent: the browser may have been closed.'))
      }, waitMs)
      const cancel = (): void => {
        end()
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', cancel)
      const take = (tar: Readable): void => {
        end()
        resolve(tar)
      }
      this.#expected.set(id, { owner, take })
      if (signal.aborted) cancel()
    })
  }

  /** @throws NOT_FOUND when no build of this user waits for it */
  give(id: string, owner: string, tar: Readable): void {
    const expected = this.#expected.get(id)
    if (expected?.owner !== owner)
      throw new NotFoundError(`No build ${id} of yours waits for files.`)
    expected.take(tar)
  }
}
