import { Duplex } from 'node:stream'

/**
 * A duplex handed out before what it speaks to exists: writes wait, reads wait, until `connect` joins it to the real
 * stream. Back-pressure passes through in both directions, and so does the end of each half.
 */
export class DeferredDuplex extends Duplex {
  #inner: Duplex | null = null
  #waitingWrite: (() => void) | null = null

  connect(inner: Duplex): void {
    if (this.destroyed) {
      inner.destroy()
      return
    }
    this.#inner = inner
    inner.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) inner.pause()
    })
    inner.on('end', () => this.push(null))
    inner.on('error', (error) => this.destroy(error))
    inner.on('close', () => {
      if (!inner.readableEnded) this.push(null)
    })
    // it may have been paused by whoever opened it, and _read was asked before it was there
    inner.resume()
    const write = this.#waitingWrite
    this.#waitingWrite = null
    write?.()
  }

  override _read(): void {
    this.#inner?.resume()
  }

  override _write(
    chunk: Buffer,
    encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    this.#whenConnected((inner) => {
      // a stream that is gone takes no input any more: nothing to tell the writer that its reader does not know
      if (inner.destroyed || inner.writableEnded) done()
      else if (inner.write(chunk, encoding)) done()
      else {
        const go = (): void => {
          inner.off('drain', go)
          inner.off('close', go)
          done()
        }
        inner.on('drain', go)
        inner.on('close', go)
      }
    })
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#whenConnected((inner) => {
      inner.end()
      done()
    })
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#inner?.destroy()
    done(error)
  }

  #whenConnected(act: (inner: Duplex) => void): void {
    if (this.#inner) act(this.#inner)
    else
      this.#waitingWrite = () => {
        if (this.#inner) act(this.#inner)
      }
  }
}
