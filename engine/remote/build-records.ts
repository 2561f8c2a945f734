import type { BuildEvent, BuildRequest } from '../contract/builds.ts'
import type { BuildHistory } from '../build/history/history.ts'

/**
 * Builds of another engine that are asked for here, put on record here: the Docker API has no place for that. What others
 * build there is not known.
 */
export class BuildRecords {
  readonly history: BuildHistory
  readonly #closing = new AbortController()
  readonly #running = new Set<Promise<void>>()

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
    const recording = await this.history.begin(request)
    this.#running.add(recording.ended)
    const { context } = request
    if ('empty' in context && context.dockerfile !== undefined)
      recording.opened({ directory: '', dockerfile: context.dockerfile, name: 'Dockerfile' })
    const { cancelled } = recording
    const any = AbortSignal.any([
      cancelled.signal,
      this.#closing.signal,
      ...(signal ? [signal] : []),
    ])
    // so it ends, too, when nobody reads on
    let end: Parameters<typeof recording.end>[0] = 'cancelled'
    try {
      for await (const event of send(any)) {
        recording.take(event)
        yield event
      }
      if (!any.aborted) end = 'done'
      cancelled.signal.throwIfAborted()
    } catch (error) {
      if (!any.aborted) end = { error }
      throw error
    } finally {
      recording.end(this.#closing.signal.aborted ? 'interrupted' : end)
      this.history.file(recording)
      this.#running.delete(recording.ended)
    }
  }

  /** Lets go of what is under way. */
  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all(this.#running)
    await this.history.close()
  }
}
