import fs from 'node:fs'
import { InvalidParameterError } from '../../errors.ts'
import { watchEventfd } from '../../native/eventfd.ts'
import type { OciResources } from '../../types/oci-runtime.ts'
import type { CgroupStats } from '../stats.ts'
import type { CounterFiles } from '../counter-files.ts'
import type { Controls } from '../controls.ts'
import { descendants, parseFlatKeyed, readControl, writeControl } from '../files.ts'
import { waitUntil } from '../wait.ts'

/** The kernel writes "no limit" as the largest multiple of the page size below 2^63. */
const NO_LIMIT = 2 ** 62

/** @see Documentation/admin-guide/cgroup-v1/memory.rst */
export function applyMemory(controls: Controls, memory: NonNullable<OciResources['memory']>): void {
  const { disableOOMKiller, limit, reservation, swap, swappiness } = memory
  // memory may never be above memory and swap together, also between the two writes; the file is absent where the kernel
  // does not account swap
  const both = Number(controls.read(BOTH) ?? Infinity)
  const swapFirst = limit !== undefined && limit > both
  if (swap !== undefined && swapFirst) writeLimit(controls, BOTH, swap)
  if (limit !== undefined) writeLimit(controls, 'memory.limit_in_bytes', limit)
  if (swap !== undefined && !swapFirst) writeLimit(controls, BOTH, swap)
  if (reservation !== undefined) controls.write('memory.soft_limit_in_bytes', String(reservation))
  if (swappiness !== undefined) controls.write('memory.swappiness', String(swappiness))
  if (disableOOMKiller === true) controls.write('memory.oom_control', '1')
}

const BOTH = 'memory.memsw.limit_in_bytes'

/** A limit below what cannot be taken from the processes is refused; v2 kills instead. */
function writeLimit(controls: Controls, file: string, bytes: number): void {
  try {
    controls.tryWrite(file, String(bytes))
  } catch (error) {
    if ((error as { errno?: number }).errno !== EBUSY) throw error
    throw new InvalidParameterError(
      `unable to set memory limit to ${String(bytes)} (current usage: ${controls.read('memory.usage_in_bytes') ?? '?'}, peak usage: ${controls.read('memory.max_usage_in_bytes') ?? '?'})`,
      { cause: error },
    )
  }
}

const EBUSY = 16

export function readMemory(counters: CounterFiles): CgroupStats['memory'] {
  const stat = counters.flatKeyed('memory.stat')
  const limit = stat['hierarchical_memory_limit'] ?? NO_LIMIT
  return {
    usageBytes: counters.number('memory.usage_in_bytes') ?? 0,
    maxUsageBytes: counters.number('memory.max_usage_in_bytes') ?? 0,
    limitBytes: limit >= NO_LIMIT ? Infinity : limit,
    failures: counters.number('memory.failcnt') ?? 0,
    stat,
  }
}

/** How many processes the kernel has killed in it and below; counted since Linux 4.13. */
export function oomKills(directory: string): number {
  return descendants(directory)
    .map((below) => readControl(`${below}/memory.oom_control`) ?? '')
    .reduce((sum, control) => sum + (parseFlatKeyed(control)['oom_kill'] ?? 0), 0)
}

/** The kernel tells of a want of memory first and kills then; below a parent's limit it tells all, and kills one. */
const KILL_TIMEOUT_MS = 2000

/**
 * The kernel adds to an eventfd whenever the cgroup runs out of memory.
 * @see Documentation/admin-guide/cgroup-v1/memory.rst, "OOM Control"
 */
export function watchMemoryOom(directory: string, onOom: (killed: boolean) => void): () => void {
  let control: number
  try {
    control = fs.openSync(`${directory}/memory.oom_control`, fs.constants.O_RDONLY)
  } catch {
    // gone already: nothing will run out of memory in it
    return () => undefined
  }
  let closed = false
  let told = oomKills(directory)
  const tell = async (): Promise<void> => {
    const isOver = (): boolean => closed || oomKills(directory) > told || killerIsOff(directory)
    const happened = await waitUntil(isOver, KILL_TIMEOUT_MS)
    // it also fires when the cgroup is removed
    if (closed || !happened || !fs.existsSync(directory)) return
    const kills = oomKills(directory)
    const killed = kills > told
    told = kills
    onOom(killed)
  }
  // one after the other: what the kernel told of while one was looked after is looked after next
  let last = Promise.resolve()
  try {
    const watch = watchEventfd(() => {
      // a look that fails (no descriptor is left) is made up for by `oomKilled` when the container ends
      last = last.then(tell).catch(() => undefined)
    })
    try {
      writeControl(`${directory}/cgroup.event_control`, `${String(watch.fd)} ${String(control)}`)
    } catch (error) {
      watch.close()
      throw error
    }
    return () => {
      closed = true
      watch.close()
    }
  } finally {
    // the kernel holds what it needs of it
    fs.closeSync(control)
  }
}

/** Processes that want memory then wait until there is some. */
function killerIsOff(directory: string): boolean {
  const { oom_kill_disable: off, under_oom: waits } = parseFlatKeyed(
    readControl(`${directory}/memory.oom_control`) ?? '',
  )
  return off === 1 && waits === 1
}
