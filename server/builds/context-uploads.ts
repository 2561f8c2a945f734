import type { Readable } from 'node:stream'
import { NotFoundError, UnavailableError } from '../../engine/errors.ts'

/** A browser begins to send at once; one that does not is gone. */
const WAIT_MS = 60_000

/** Brings builds together with their contexts, which come by a request of their own: the form says all else before. */
export class ContextUploads {
  readonly #expected = new Map<string, (tar: Readable) => void>()

  /**
   * Waits for the context of a build.
   *
   * @throws UNAVAILABLE when it does not come; the signal's reason when that fires
   */
  async expect(id: string, signal: AbortSignal, waitMs = WAIT_MS): Promise<Readable> {
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
      this.#expected.set(id, (tar) => {
        end()
        resolve(tar)
      })
      if (signal.aborted) cancel()
    })
  }

  /** @throws NOT_FOUND when no build waits for it */
  give(id: string, tar: Readable): void {
    const take = this.#expected.get(id)
    if (!take) throw new NotFoundError(`No build ${id} waits for files.`)
    take(tar)
  }
}
