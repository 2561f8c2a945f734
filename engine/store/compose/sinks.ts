import { createHash, type Hash } from 'node:crypto'
import { EngineError, InvalidParameterError } from '../../errors.ts'
import { textOf, type TarHeader } from '../../tar/header.ts'
import type { TarSink } from '../../tar/read.ts'
import { clamped } from '../clamp.ts'

/** Where everything goes: members with names as they are in the layer. */
export class LayerSink implements TarSink {
  readonly #sinks: readonly TarSink[]
  readonly #epoch: number | undefined
  readonly #isCancelled: () => boolean

  constructor(sinks: readonly TarSink[], epoch: number | undefined, isCancelled: () => boolean) {
    this.#sinks = sinks
    this.#epoch = epoch
    this.#isCancelled = isCancelled
  }

  entry(header: TarHeader): void {
    if (this.#isCancelled()) throw new EngineError('UNAVAILABLE', 'the build was cancelled')
    const base = header.name.replace(/\/+$/, '').split('/').at(-1) ?? ''
    if (base.startsWith('.wh.')) {
      throw new InvalidParameterError(
        `${textOf(header.name)}: a layer cannot hold a file of this name, which means that one was deleted`,
      )
    }
    const told = clamped(header, this.#epoch)
    for (const sink of this.#sinks) sink.entry(told)
  }

  data(chunk: Buffer, offset: number): void {
    for (const sink of this.#sinks) sink.data(chunk, offset)
  }

  end(): void {
    for (const sink of this.#sinks) sink.end()
  }
}

/** Digests members in their order, without times: a file that was only touched is the same. */
export class DigestSink implements TarSink {
  readonly #hash: Hash = createHash('sha256')

  entry(header: TarHeader): void {
    const { deviceMajor, deviceMinor, gid, linkName, mode, name, size, type, uid, xattrs } = header
    const attributes = [...xattrs].map(([key, value]) => [key, value.toString('base64')])
    this.#hash.update(
      JSON.stringify([
        type, name, mode, uid, gid, size, linkName, deviceMajor, deviceMinor, attributes.sort(),
      ]), // prettier-ignore
    )
  }

  data(chunk: Buffer): void {
    this.#hash.update(chunk)
  }

  end(): void {
    this.#hash.update('\n')
  }

  finish(): string {
    return this.#hash.digest('hex')
  }
}
