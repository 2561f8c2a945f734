import type { OciResources } from '../types/oci-runtime.ts'
import type { CgroupStats } from './stats.ts'

/**
 * The cgroups of one engine's containers: one directory per container in each hierarchy there is, all below the engine's
 * own parent but for those that ask for another (`parent`, as parseCgroupParent gives it).
 */
export interface Cgroups {
  readonly version: 1 | 2
  /** Controllers that limit containers here: cpu, cpuset, memory, pids, io (v2) or blkio (v1), … */
  readonly controllers: ReadonlySet<string>
  /** Makes the container's cgroup with its limits. Nothing stays behind when it throws. */
  create(id: string, resources: OciResources, parent?: string): Cgroup
  /** The cgroup of a container that may or may not exist; its verbs do nothing when it does not. */
  open(id: string, parent?: string): Cgroup
  /** Takes a shim out of the engine's own cgroup, so that the end of the engine's systemd service is not its end. */
  shelter(pid: number): Promise<void>
  /** IDs that have a cgroup below the engine's own parent, of whatever state. */
  list(): string[]
  /** Kills and removes every cgroup below the engine's own parent, and the parent itself. */
  removeAll(): Promise<void>
}

/** One container's cgroup. */
export interface Cgroup {
  /** Below the root of each hierarchy, as `/gantry/<id>`. */
  readonly path: string
  /** The `cgroup.procs` files a process of the container enters, one per hierarchy. */
  readonly procs: string[]
  /**
   * Changes limits live; what `resources` leaves out stays. All of them, or none. Returns what takes the change back.
   * @throws INVALID_PARAMETER when the kernel refuses one
   */
  update(resources: Omit<OciResources, 'devices'>): () => void
  /** Stops every process, also those forked meanwhile; resolves once the kernel says so. */
  freeze(): Promise<void>
  thaw(): Promise<void>
  /** Every process of it and of cgroups below, in the host's numbering. */
  pids(): number[]
  /** Kills everything in it, frozen or forking; resolves when it is empty. */
  kill(): Promise<void>
  /** Keeps its files open for the next sample. @throws NOT_FOUND when the cgroup is gone */
  stats(): CgroupStats
  /** No sample is wanted for now: lets go of what sampling holds open. */
  closeStats(): void
  /**
   * Calls back when the kernel kills a process for want of memory within the limit, or, where it may not (`killed` is
   * false then), lets it wait. Returns what ends the watch; what happens at that moment `oomKilled` still tells.
   */
  watchOom(onOom: (killed: boolean) => void): () => void
  /** Whether a process of it was killed for want of memory. */
  oomKilled(): boolean
  /** Removes the directories, waiting for the last processes to leave, and the parents made for it if nothing is left. */
  remove(): Promise<void>
}
