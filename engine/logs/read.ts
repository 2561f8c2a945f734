import { Readable } from 'node:stream'
import type { LogsOptions } from '../contract/containers.ts'
import { LogFormatter, timeKey } from './format.ts'
import { logLines } from './lines.ts'

export interface LogSource {
  /** The json-file log; rotated ones stand beside it. */
  path: string
  /** With a TTY the output is plain, else framed. */
  tty: boolean
  options: LogsOptions
  /** Whether a writer is still at work; only then is there anything to follow. */
  running: boolean
  /** Settles when the writer has written its last byte. */
  ended: Promise<unknown>
}

const HIGH_WATER_BYTES = 256 * 1024

/**
 * Reads a container's log as Docker's raw stream: history from where `tail` or `since` says, then with `follow` what is
 * written, over rotations, until `ended`. Reads no faster than it is read from.
 */
export function readLogs(source: LogSource, signal?: AbortSignal): Readable {
  const stop = new AbortController()
  const chunks = logChunks(source, stop.signal)
  const end = (): void => {
    stream.destroy()
  }
  const stream = new Readable({
    highWaterMark: HIGH_WATER_BYTES,
    read() {
      chunks.next().then(
        ({ done, value }) => {
          stream.push(done === true ? null : value)
        },
        (error: unknown) => stream.destroy(error as Error),
      )
    },
    destroy(error, done) {
      signal?.removeEventListener('abort', end)
      stop.abort()
      // The generator closes its files as soon as the read or the wait under way is over.
      chunks.return(undefined).then(
        () => done(error),
        () => done(error),
      )
    },
  })
  signal?.addEventListener('abort', end, { once: true })
  if (signal?.aborted === true) end()
  return stream
}

async function* logChunks(
  { ended, options, path, running, tty }: LogSource,
  signal: AbortSignal,
): AsyncGenerator<Buffer, undefined> {
  const { follow, since, tail, until } = options
  const formatter = new LogFormatter(tty, options)
  const lines = logLines(
    {
      path,
      tail,
      since: since === undefined ? undefined : timeKey(since),
      follow: follow === true && running ? { ended, until } : undefined,
    },
    signal,
  )
  for await (const chunk of lines) {
    yield* formatter.format(chunk)
    if (formatter.past) return undefined
  }
  return undefined
}
