import { setTimeout as sleep } from 'node:timers/promises'
import type { Instance } from '../instance.ts'
import { compressRotated } from '../logs/compress.ts'
import { Forwarder } from '../logs/forward/forwarder.ts'
import { sinkOf } from '../logs/forward/open-sink.ts'
import { localCopyOf } from '../logs/options.ts'
import { errnoName } from '../native/addon.ts'
import type { Shim } from '../runtime/shim.ts'
import type { LogNews } from '../runtime/shim-protocol.ts'
import type { Container } from './container.ts'
import { logInfoOf, logPositionPath, logSettings } from './log-target.ts'

/** How long a removal waits for lines that a collector is still taking. */
const LAST_LINES_MS = 5000
const LOOK_MS = 50

/**
 * What the engine does with logs beside what the shims write: sends them on for the drivers that do, compresses rotated
 * files, and tells when lines are lost.
 */
export class LogKeeper {
  readonly #instance: Instance
  readonly #warn: (message: string, error?: unknown) => void
  readonly #forwarders = new Map<string, Forwarder>()
  /** Containers whose rotated files wait to be compressed; one is at work. */
  readonly #toCompress = new Set<Container>()
  readonly #stop = new AbortController()
  #compressing: { container: Container; abort: AbortController; done: Promise<void> } | undefined

  constructor(instance: Instance, warn: (message: string, error?: unknown) => void) {
    this.#instance = instance
    this.#warn = warn
  }

  /** A run of the container has begun, or was found. */
  running(container: Container, shim: Shim): void {
    shim.onLogNews((news) => {
      this.#tell(container, news)
    })
    this.#forward(container, shim.ended)
  }

  /** After the engine was away: what the run wrote meanwhile is sent and compressed, whether or not it is over. */
  takeUp(container: Container): void {
    if (!container.hasShim) this.#forward(container, Promise.resolve())
    this.#compress(container)
  }

  /** Before the files go: lets a collector that takes lines take the last ones. */
  async finish(container: Container): Promise<void> {
    this.#toCompress.delete(container)
    const forwarder = this.#forwarders.get(container.id)
    if (forwarder) {
      const deadline = Date.now() + LAST_LINES_MS
      const over = forwarder.done.then(() => true)
      while (!(await Promise.race([over, sleep(LOOK_MS, false)]))) {
        if (!forwarder.failing && Date.now() < deadline) continue
        this.#warn(
          `the last log lines of container ${container.name} were not sent before its removal`,
        )
        break
      }
      await forwarder.stop()
    }
    if (this.#compressing?.container === container) await this.#stopCompressing()
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await Promise.all([...this.#forwarders.values()].map((forwarder) => forwarder.stop()))
    await this.#stopCompressing()
  }

  #forward(container: Container, ended: Promise<unknown>): void {
    const settings = logSettings(container)
    if (this.#forwarders.get(container.id)?.goOn(ended) === true) return
    const about = `the log of container ${container.name} (${settings.driver})`
    try {
      const sink = sinkOf(
        settings.driver,
        logInfoOf(container, settings.options),
        this.#instance.journaldSocket,
      )
      if (sink === undefined) return
      const forwarder = new Forwarder(
        {
          logPath: container.logPath,
          positionPath: logPositionPath(container),
          about,
          ...sink,
          warn: this.#warn,
        },
        ended,
      )
      this.#forwarders.set(container.id, forwarder)
      void forwarder.done.then(() => {
        if (this.#forwarders.get(container.id) === forwarder) this.#forwarders.delete(container.id)
      })
    } catch (error) {
      this.#warn(`${about} cannot be sent`, error)
    }
  }

  #tell(container: Container, { errno, lost, what }: LogNews): void {
    const log = `the log of container ${container.name}`
    switch (what) {
      case 'rotated':
        this.#compress(container)
        break
      case 'failing':
        this.#warn(`${log} cannot be written, its lines are lost: ${errnoName(errno)}`)
        break
      case 'again':
        // EAGAIN: it never failed, but its disk is slower than it may be waited for
        if (errnoName(errno) === 'EAGAIN')
          this.#warn(`${log} did not keep up (mode=non-blocking): ${String(lost)} lines were lost`)
        else this.#warn(`${log} is written again; ${String(lost)} lines were lost`)
        break
    }
  }

  #compress(container: Container): void {
    if (localCopyOf(logSettings(container))?.compress !== true) return
    this.#toCompress.add(container)
    if (!this.#compressing) this.#compressNext()
  }

  /** One log after the other: it is nobody's hurry, and takes a processor. */
  #compressNext(): void {
    const [container] = this.#toCompress
    if (container === undefined || this.#stop.signal.aborted) return
    this.#toCompress.delete(container)
    const abort = new AbortController()
    const done = compressRotated(container.logPath, abort.signal)
      .catch((error: unknown) => {
        // tried again at its next rotation
        if (!abort.signal.aborted)
          this.#warn(`rotated log files of container ${container.name} are not compressed`, error)
      })
      .finally(() => {
        this.#compressing = undefined
        this.#compressNext()
      })
    this.#compressing = { container, abort, done }
  }

  async #stopCompressing(): Promise<void> {
    this.#compressing?.abort.abort()
    await this.#compressing?.done
  }
}
