import fs from 'node:fs'
import type { OciResources } from '../../types/oci-runtime.ts'
import type { CgroupStats } from '../stats.ts'
import type { CounterFiles } from '../counter-files.ts'
import type { Controls } from '../controls.ts'
import { parseFlatKeyed, readControl } from '../files.ts'

/**
 * v2 has no swappiness and cannot switch the OOM killer off: validateHostConfig has said so.
 * @see "Memory", Documentation/admin-guide/cgroup-v2.rst
 */
export function applyMemory(controls: Controls, memory: NonNullable<OciResources['memory']>): void {
  const { limit, reservation, swap } = memory
  if (swap !== undefined) {
    // what v1 and Docker call swap counts memory too; the file is absent where the kernel does not account swap
    const value = swap === -1 ? 'max' : String(Math.max(swap - (limit ?? ownLimit(controls)), 0))
    controls.tryWrite('memory.swap.max', value)
  }
  if (limit !== undefined) controls.write('memory.max', bytesOrMax(limit))
  if (reservation !== undefined) controls.write('memory.low', bytesOrMax(reservation))
}

function ownLimit(controls: Controls): number {
  const value = controls.read('memory.max') ?? 'max'
  return value === 'max' ? 0 : Number(value)
}

function bytesOrMax(bytes: number): string {
  return bytes === -1 ? 'max' : String(bytes)
}

export function readMemory(counters: CounterFiles): CgroupStats['memory'] {
  const current = counters.number('memory.current')
  if (current === undefined) return { usageBytes: 0, limitBytes: Infinity, failures: 0, stat: {} }
  return {
    usageBytes: current,
    limitBytes: counters.number('memory.max') ?? Infinity,
    failures: counters.tryFlatKeyed('memory.events')?.['oom'] ?? 0,
    stat: counters.flatKeyed('memory.stat'),
  }
}

/** How many processes the kernel has killed in it and below. */
export function oomKills(directory: string): number {
  return parseFlatKeyed(readControl(`${directory}/memory.events`) ?? '')['oom_kill'] ?? 0
}

/** The kernel tells inotify of each change of memory.events. */
export function watchMemoryOom(directory: string, onOom: (killed: boolean) => void): () => void {
  const file = `${directory}/memory.events`
  let killed = oomKills(directory)
  let watcher: fs.FSWatcher
  try {
    watcher = fs.watch(file, { persistent: false })
  } catch {
    // gone already, or no memory controller: nothing will be killed for want of memory
    return () => undefined
  }
  watcher.on('change', () => {
    let now: number
    try {
      now = oomKills(directory)
    } catch {
      // no descriptor is left: made up for by the next change, or by `oomKilled` when the container ends
      return
    }
    if (now > killed) onOom(true)
    killed = now
  })
  watcher.on('error', () => {
    watcher.close()
  })
  return () => {
    watcher.close()
  }
}
