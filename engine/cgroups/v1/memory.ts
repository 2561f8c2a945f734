import fs from 'node:fs'
import { InvalidParameterError } from '../../errors.ts'
import { watchEventfd } from '../../native/eventfd.ts'
import type { OciResources } from '../../types/oci-runtime.ts'
import type { CgroupStats } from '../stats.ts'
import type { CounterFiles } from '../counter-files.ts'
import { parseFlatKeyed, tryWriteControl, writeControl } from '../files.ts'

/** The kernel writes "no limit" as the largest multiple of the page size below 2^63. */
const NO_LIMIT = 2 ** 62

/** @see Documentation/admin-guide/cgroup-v1/memory.rst */
export function applyMemory(directory: string, memory: NonNullable<OciResources['memory']>): void {
  const writeLimit = (): void => {
    if (memory.limit !== undefined)
      writeControl(`${directory}/memory.limit_in_bytes`, String(memory.limit))
  }
  const writeSwap = (): void => {
    // absent where the kernel does not account swap
    if (memory.swap !== undefined)
      tryWriteControl(`${directory}/memory.memsw.limit_in_bytes`, String(memory.swap))
  }
  try {
    writeLimit()
    writeSwap()
  } catch (error) {
    // memory may never be above memory and swap together: raising both starts with the latter
    if (!(error instanceof InvalidParameterError) || memory.limit === undefined) throw error
    if (memory.swap === undefined) {
      throw new InvalidParameterError(
        'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time',
        { cause: error },
      )
    }
    writeSwap()
    writeLimit()
  }
  if (memory.reservation !== undefined) {
    writeControl(`${directory}/memory.soft_limit_in_bytes`, String(memory.reservation))
  }
  if (memory.swappiness !== undefined)
    writeControl(`${directory}/memory.swappiness`, String(memory.swappiness))
  if (memory.disableOOMKiller === true) writeControl(`${directory}/memory.oom_control`, '1')
}

export function readMemory(
  counters: CounterFiles,
  directory: string | undefined,
): CgroupStats['memory'] {
  if (directory === undefined) return { usageBytes: 0, limitBytes: Infinity, failures: 0, stat: {} }
  const stat = parseFlatKeyed(counters.read(`${directory}/memory.stat`))
  const limit = stat['hierarchical_memory_limit'] ?? NO_LIMIT
  return {
    usageBytes: Number(counters.read(`${directory}/memory.usage_in_bytes`)),
    maxUsageBytes: Number(counters.tryRead(`${directory}/memory.max_usage_in_bytes`) ?? 0),
    limitBytes: limit >= NO_LIMIT ? Infinity : limit,
    failures: Number(counters.tryRead(`${directory}/memory.failcnt`) ?? 0),
    stat,
  }
}

/**
 * The kernel adds to an eventfd whenever the cgroup runs out of memory.
 * @see Documentation/admin-guide/cgroup-v1/memory.rst, "OOM Control"
 */
export function watchMemoryOom(directory: string, onOom: () => void): () => void {
  let control: number
  try {
    control = fs.openSync(`${directory}/memory.oom_control`, fs.constants.O_RDONLY)
  } catch {
    // gone already: nothing will run out of memory in it
    return () => undefined
  }
  try {
    const watch = watchEventfd(() => {
      // it also fires when the cgroup is removed
      if (fs.existsSync(directory)) onOom()
    })
    try {
      writeControl(`${directory}/cgroup.event_control`, `${String(watch.fd)} ${String(control)}`)
    } catch (error) {
      watch.close()
      throw error
    }
    return () => {
      watch.close()
    }
  } finally {
    // the kernel holds what it needs of it
    fs.closeSync(control)
  }
}
