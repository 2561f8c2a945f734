import fs from 'node:fs/promises'
import os from 'node:os'
import type { HostSample } from '../protocol.ts'
import type { Change, Merge, Source } from '../topic.ts'

const EVERY_MS = 2000
/** Ten minutes. */
const RING = 300

/** The host's processors, memory and the disk that holds the data. */
export class HostSource implements Source<'host'> {
  readonly #dataRoot: string
  readonly #ring: HostSample[] = []
  #timer: NodeJS.Timeout | undefined
  #before = cpuTimes()

  constructor(dataRoot: string) {
    this.#dataRoot = dataRoot
  }

  async open(publish: (change: Change<'host'>) => void): Promise<void> {
    this.#ring.push(await this.#sample())
    this.#timer = setInterval(() => {
      this.#sample().then(
        (sample) => {
          this.#ring.push(sample)
          if (this.#ring.length > RING) this.#ring.shift()
          publish([sample])
        },
        () => undefined, // the disk is away for a moment: a gap in the chart
      )
    }, EVERY_MS)
    this.#timer.unref()
  }

  snapshot(): HostSample[] {
    return [...this.#ring]
  }

  close(): void {
    clearInterval(this.#timer)
  }

  async #sample(): Promise<HostSample> {
    const [disk, memory] = await Promise.all([fs.statfs(this.#dataRoot), readMemory()])
    const now = cpuTimes()
    const total = now.total - this.#before.total
    const cpu = total > 0 ? (100 * (now.busy - this.#before.busy)) / total : 0
    this.#before = now
    return {
      time: Date.now(),
      cpu,
      cpuCount: os.cpus().length,
      ...memory,
      // As df counts: what root keeps for itself is neither used nor free.
      diskUsed: (disk.blocks - disk.bfree) * disk.bsize,
      diskTotal: (disk.blocks - disk.bfree + disk.bavail) * disk.bsize,
      load1: os.loadavg()[0] ?? 0,
    }
  }
}

function cpuTimes(): { busy: number; total: number } {
  let busy = 0
  let total = 0
  for (const { times } of os.cpus()) {
    const sum = times.user + times.nice + times.sys + times.idle + times.irq
    total += sum
    busy += sum - times.idle
  }
  return { busy, total }
}

/** MemAvailable counts caches that the kernel gives back on demand as free. */
async function readMemory(): Promise<{ memoryUsed: number; memoryTotal: number }> {
  const text = await fs.readFile('/proc/meminfo', 'utf8')
  const kib = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0)
  const total = kib('MemTotal')
  return { memoryTotal: total * 1024, memoryUsed: (total - kib('MemAvailable')) * 1024 }
}

/** A slow browser gets the newest; its chart shows a gap. */
export const mergeHost: Merge<'host'> = (_older, newer) => newer
