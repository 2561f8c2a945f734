import fs from 'node:fs'
import os from 'node:os'

export interface HostCpu {
  /** Time of all CPUs together since the boot, idle and at work. */
  cpuNanos: number
  onlineCpus: number
}

/** Kernel ticks in user space are 10 ms on every architecture there is. @see sysconf(3), _SC_CLK_TCK */
const TICK_NANOS = 1e7
/** Containers sampled in one go share a reading. */
const FRESH_MS = 5

let last: HostCpu = { cpuNanos: 0, onlineCpus: 1 }
let lastAt = -Infinity

export function hostCpu(): HostCpu {
  const now = performance.now()
  if (now - lastAt > FRESH_MS) {
    last = parseProcStat(fs.readFileSync('/proc/stat', 'latin1'))
    lastAt = now
  }
  return last
}

/** @param text of /proc/stat: `cpu  user nice system idle iowait irq softirq …` in ticks, then a line per CPU */
export function parseProcStat(text: string): HostCpu {
  const fields = text.slice(0, text.indexOf('\n')).split(/\s+/).slice(1, 8)
  const ticks = fields.reduce((sum, field) => sum + Number(field), 0)
  return { cpuNanos: ticks * TICK_NANOS, onlineCpus: text.match(/^cpu\d/gm)?.length ?? 1 }
}

export function hostMemoryBytes(): number {
  memory ??= os.totalmem()
  return memory
}

let memory: number | undefined
