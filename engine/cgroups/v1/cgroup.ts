import path from 'node:path'
import { SystemError } from '../../errors.ts'
import type { OciResources } from '../../types/oci-runtime.ts'
import type { Cgroup } from '../cgroup.ts'
import type { CgroupStats } from '../stats.ts'
import { allOrNothing, Controls } from '../controls.ts'
import { CounterFiles } from '../counter-files.ts'
import { descendants, isMissing, readProcs, removeCgroup, writeControl } from '../files.ts'
import { freezeV2, killV2 } from '../v2/freezer.ts'
import { hostCpu } from '../host.ts'
import { waitUntil } from '../wait.ts'
import { applyBlkio, readBlkio } from './blkio.ts'
import { applyCpu, readCpu } from './cpu.ts'
import { applyCpuset, inheritCpuset } from './cpuset.ts'
import { applyDevices } from './devices.ts'
import { setFreezer } from './freezer.ts'
import { applyMemory, oomKills, readMemory, watchMemoryOom } from './memory.ts'
import { applyPids, readPids } from './pids.ts'
import { applyRealtime } from './realtime.ts'

/** The last process of a killed container is gone in some milliseconds; a core dump or a hung disk takes longer. */
const KILL_TIMEOUT_MS = 10_000
const REMOVE_TIMEOUT_MS = 10_000

export interface CgroupV1Options {
  path: string
  hierarchies: { controllers: string[]; root: string }[]
  unified?: string | undefined
  /** Sees to it that the cgroups above have the share of realtime scheduling that `directory` is to get. */
  grantRealtime: (cpuRoot: string, directory: string, cpu: NonNullable<OciResources['cpu']>) => void
  /** The directories are gone. */
  removed: () => void
}

const NO_MEMORY = { usageBytes: 0, limitBytes: Infinity, failures: 0, stat: {} }

/** A container's cgroup where each controller, or group of them, has a hierarchy of its own. */
export class CgroupV1 implements Cgroup {
  readonly path: string
  /** One per hierarchy, the v2 tree of a hybrid host last. */
  readonly directories: string[]
  readonly #byController = new Map<string, string>()
  readonly #unified: string | undefined
  /** A file's name begins with its controller's. */
  readonly #counters = new CounterFiles((name) => {
    const directory = this.#byController.get(name.slice(0, name.indexOf('.')))
    return directory === undefined ? undefined : `${directory}/${name}`
  })
  readonly #grantRealtime: CgroupV1Options['grantRealtime']
  readonly #removed: () => void

  constructor(o: CgroupV1Options) {
    this.path = o.path
    this.#grantRealtime = o.grantRealtime
    this.#removed = o.removed
    this.directories = o.hierarchies.map(({ root }) => root + o.path)
    for (const { controllers, root } of o.hierarchies) {
      for (const controller of controllers) this.#byController.set(controller, root + o.path)
    }
    this.#unified = o.unified === undefined ? undefined : o.unified + o.path
    if (this.#unified !== undefined) this.directories.push(this.#unified)
  }

  get procs(): string[] {
    return this.directories.map((directory) => `${directory}/cgroup.procs`)
  }

  /** Copies the CPUs and memory nodes of the cgroup above where there are none yet. */
  inheritCpuset(): void {
    this.#with('cpuset', (directory) => {
      inheritCpuset(path.dirname(directory), directory)
    })
  }

  /** Writes every limit, the device rules too. */
  apply(resources: OciResources): void {
    this.#with('devices', (directory) => {
      if (resources.devices) applyDevices(directory, resources.devices)
    })
    this.#apply(resources)
  }

  update(resources: Omit<OciResources, 'devices'>): () => void {
    return allOrNothing((journal) => {
      this.#apply(resources, journal)
    })
  }

  async freeze(): Promise<void> {
    await this.#setFrozen(true)
  }

  async thaw(): Promise<void> {
    await this.#setFrozen(false)
  }

  pids(): number[] {
    return [...new Set(descendants(this.#members).flatMap(readProcs))]
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
      version: 1,
      at: new Date(),
      host: hostCpu(),
      cpu: readCpu(counters, this.#byController.has('cpuacct')),
      memory: this.#byController.has('memory') ? readMemory(counters) : NO_MEMORY,
      pids: readPids(counters),
      io: readBlkio(counters),
    }
  }

  closeStats(): void {
    this.#counters.close()
  }

  watchOom(onOom: (killed: boolean) => void): () => void {
    const directory = this.#byController.get('memory')
    return directory === undefined ? () => undefined : watchMemoryOom(directory, onOom)
  }

  oomKilled(): boolean {
    const directory = this.#byController.get('memory')
    return directory !== undefined && oomKills(directory) > 0
  }

  async remove(): Promise<void> {
    this.closeStats()
    for (const directory of this.directories) {
      if (await waitUntil(() => removeCgroup(directory), REMOVE_TIMEOUT_MS)) continue
      throw new SystemError('rmdir', 16, 'EBUSY', directory)
    }
    this.#removed()
  }

  #apply(resources: Omit<OciResources, 'devices'>, journal?: (() => void)[]): void {
    const { blockIO, cpu, memory, pids } = resources
    const apply = (controller: string, write: (controls: Controls) => void): void => {
      this.#with(controller, (directory) => {
        write(new Controls(directory, journal))
      })
    }
    if (memory) apply('memory', (controls) => applyMemory(controls, memory))
    if (cpu) {
      apply('cpu', (controls) => {
        applyCpu(controls, cpu)
        if (cpu.realtimePeriod === undefined && cpu.realtimeRuntime === undefined) return
        this.#grantRealtime(controls.directory.slice(0, -this.path.length), controls.directory, cpu)
        applyRealtime(controls, cpu)
      })
      apply('cpuset', (controls) => applyCpuset(controls, cpu))
    }
    if (pids) apply('pids', (controls) => applyPids(controls, pids))
    if (blockIO) apply('blkio', (controls) => applyBlkio(controls, blockIO))
  }

  /** The hierarchy that tells who is in the container. */
  get #members(): string {
    return this.#unified ?? this.#byController.get('freezer') ?? this.directories[0] ?? ''
  }

  #with(controller: string, apply: (directory: string) => void): void {
    const directory = this.#byController.get(controller)
    if (directory !== undefined) apply(directory)
  }

  /** The v2 freezer lets frozen processes be killed and traced; v1's is there on older hosts. */
  async #setFrozen(frozen: boolean): Promise<void> {
    if (this.#unified !== undefined && (await freezeV2(this.#unified, frozen))) return
    const directory = this.#byController.get('freezer')
    if (directory === undefined) throw new SystemError('freeze', 95, 'EOPNOTSUPP', this.path)
    await setFreezer(directory, frozen)
  }

  /** One round: a fork that runs ahead of it is met by the next, or by the freezer. */
  #killOnce(): void {
    if (this.#unified !== undefined && killV2(this.#unified)) return
    const freezer = this.#byController.get('freezer')
    const setState = (state: string): void => {
      if (freezer === undefined) return
      try {
        writeControl(`${freezer}/freezer.state`, state)
      } catch (error) {
        if (!isMissing(error) && (error as { code?: string }).code !== 'NOT_FOUND') throw error
      }
    }
    setState('FROZEN')
    for (const pid of this.pids()) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // gone meanwhile
      }
    }
    setState('THAWED')
  }
}
