import type { ServerResponse } from 'node:http'
import { Writable } from 'node:stream'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { freeBuffer } from './free-buffer.ts'

/**
 * Sends a stream as an answer's body, no faster than the client reads, and ends it. Each chunk has to be nobody else's: its
 * memory is given back as it has been sent.
 *
 * @throws what broke the stream, or that the client has gone; the connection is broken off then, which is all that can be told
 */
export async function sendFreeing(stream: Readable, response: ServerResponse): Promise<void> {
  // not by iteration, which makes one chunk of all that wait
  const sent = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      response.write(chunk, (error) => {
        if (!error) freeBuffer(chunk)
        done(error)
      })
    },
  })
  const onClose = (): void => void sent.destroy(new Error('the client has gone'))
  response.once('close', onClose)
  try {
    if (response.destroyed) onClose()
    await pipeline(stream, sent)
    response.end()
  } catch (error) {
    response.destroy()
    throw error
  } finally {
    response.off('close', onClose)
  }
}
