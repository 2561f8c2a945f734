import fs from 'node:fs'
import { SystemError } from '../../errors.ts'
import type { OciResources } from '../../types/oci-runtime.ts'
import type { Cgroup } from '../cgroup.ts'
import type { CgroupStats } from '../stats.ts'
import { allOrNothing, Controls } from '../controls.ts'
import { CounterFiles } from '../counter-files.ts'
import { descendants, isMissing, readProcs, removeCgroup } from '../files.ts'
import { applyPids, readPids } from '../v1/pids.ts'
import { hostCpu } from '../host.ts'
import { waitUntil } from '../wait.ts'
import { applyCpu, readCpu } from './cpu.ts'
import { applyDevices } from './devices.ts'
import { freezeV2, killV2 } from './freezer.ts'
import { applyIo, readIo } from './io.ts'
import { applyMemory, oomKills, readMemory, watchMemoryOom } from './memory.ts'

const KILL_TIMEOUT_MS = 10_000
const REMOVE_TIMEOUT_MS = 10_000

/** A container's cgroup in the one hierarchy of v2. */
export class CgroupV2 implements Cgroup {
  readonly path: string
  readonly directory: string
  readonly procs: string[]
  readonly #counters = new CounterFiles((name) => `${this.directory}/${name}`)
  readonly #removed: () => void

  constructor(path: string, directory: string, removed: () => void) {
    this.path = path
    this.directory = directory
    this.#removed = removed
    this.procs = [`${directory}/cgroup.procs`]
  }

  /** Writes every limit, the device rules too. */
  apply(resources: OciResources): void {
    if (resources.devices) applyDevices(this.directory, resources.devices)
    this.#apply(resources, new Controls(this.directory))
  }

  update(resources: Omit<OciResources, 'devices'>): () => void {
    return allOrNothing((journal) => {
      this.#apply(resources, new Controls(this.directory, journal))
    })
  }

  async freeze(): Promise<void> {
    await this.#setFrozen(true)
  }

  async thaw(): Promise<void> {
    await this.#setFrozen(false)
  }

  pids(): number[] {
    return descendants(this.directory).flatMap(readProcs)
  }

  async kill(): Promise<void> {
    const isEmpty = (): boolean => {
      if (this.pids().length === 0) return true
      this.#killOnce()
      return false
    }
    if (await waitUntil(isEmpty, KILL_TIMEOUT_MS)) return
    throw new SystemError('kill', 16, 'EBUSY', this.path)
  }

  stats(): CgroupStats {
    const counters = this.#counters
    counters.refresh()
    return {
      version: 2,
      at: new Date(),
      host: hostCpu(),
      cpu: readCpu(counters),
      memory: readMemory(counters),
      pids: readPids(counters),
      io: readIo(counters),
    }
  }

  closeStats(): void {
    this.#counters.close()
  }

  watchOom(onOom: (killed: boolean) => void): () => void {
    return watchMemoryOom(this.directory, onOom)
  }

  oomKilled(): boolean {
    return oomKills(this.directory) > 0
  }

  async remove(): Promise<void> {
    this.closeStats()
    if (!(await waitUntil(() => removeCgroup(this.directory), REMOVE_TIMEOUT_MS)))
      throw new SystemError('rmdir', 16, 'EBUSY', this.directory)
    this.#removed()
  }

  #apply({ blockIO, cpu, memory, pids }: OciResources, controls: Controls): void {
    if (memory) applyMemory(controls, memory)
    if (cpu) applyCpu(controls, cpu)
    if (pids) applyPids(controls, pids)
    if (blockIO) applyIo(controls, blockIO)
  }

  async #setFrozen(frozen: boolean): Promise<void> {
    if (!fs.existsSync(this.directory)) return
    if (await freezeV2(this.directory, frozen)) return
    throw new SystemError('freeze', 95, 'EOPNOTSUPP', this.path)
  }

  #killOnce(): void {
    try {
      if (killV2(this.directory)) return
    } catch (error) {
      if (!isMissing((error as Error).cause)) throw error
      return
    }
    // before Linux 5.14: each round meets those that forked ahead of the last
    for (const pid of this.pids()) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // gone meanwhile
      }
    }
  }
}
