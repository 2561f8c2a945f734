import type { BuildEvent, BuildRequest } from '../contract/builds.ts'
import type { BuildHistory } from '../build/history/history.ts'

/**
 * Builds of another engine that are asked for here, put on record here: the Docker API has no place for that. What others
 * build there is not known.
 */
export class BuildRecords {
  readonly history: BuildHistory
  readonly #closing = new AbortController()

  constructor(history: BuildHistory) {
    this.history = history
  }

  /**
   * Passes on what happens in a build, and puts it on record however it ends.
   *
   * @param send begins the build; ends quietly when the signal fires
   * @throws what `send` does, and by whom it was cancelled
   */
  async *record(
    request: BuildRequest,
    send: (signal: AbortSignal) => AsyncIterable<BuildEvent>,
    signal?: AbortSignal,
  ): AsyncGenerator<BuildEvent> {
    const recording = this.history.begin(request)
    const { context } = request
    if ('empty' in context && context.dockerfile !== undefined)
      recording.opened({ directory: '', dockerfile: context.dockerfile, name: 'Dockerfile' })
    const { cancelled } = recording
    const any = AbortSignal.any([
      cancelled.signal,
      this.#closing.signal,
      ...(signal ? [signal] : []),
    ])
    let isOver = false
    const settle = (end: Parameters<typeof recording.end>[0]): void => {
      if (isOver) return
      isOver = true
      recording.end(this.#closing.signal.aborted ? 'interrupted' : end)
      this.history.file(recording)
    }
    // without waiting for the reader, who may neither read on nor go
    const giveUp = (): void => {
      settle('cancelled')
    }
    any.addEventListener('abort', giveUp, { once: true })
    if (any.aborted) giveUp()
    try {
      for await (const event of send(any)) {
        if (any.aborted) break
        recording.take(event)
        yield event
      }
      cancelled.signal.throwIfAborted()
      settle('done')
    } catch (error) {
      settle({ error })
      throw error
    } finally {
      any.removeEventListener('abort', giveUp)
      // so it ends, too, when nobody reads on
      giveUp()
    }
  }

  /** Lets go of what is under way. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.history.close()
  }
}
