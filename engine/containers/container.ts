import { EventEmitter } from 'node:events'
import path from 'node:path'
import type { Cgroup } from '../cgroups/manager.ts'
import type { Caller } from '../contract.ts'
import type { ContainerExit } from '../contract/containers.ts'
import type { Shim } from '../runtime/shim.ts'
import { runSteps } from '../native/steps.ts'
import { documentSteps, writeDocument } from '../store/documents.ts'
import type { ContainerDocument, ContainerState, Status } from './document.ts'
import { ExecRecord } from './exec-record.ts'
import type { HealthMonitor } from './health.ts'
import { Mutex } from './mutex.ts'
import type { PendingAttach } from './attach.ts'
import type { SilentShim } from './silent-shim.ts'
import { checkTransition } from './state.ts'

/** What others may wait for. */
interface ContainerEvents {
  /** A process of the container has ended and everything it held is let go of; or the next start was given up. */
  ended: [ContainerExit]
  removed: [ContainerExit]
}

/** How often what the disk refused is written again. */
const REWRITE_MS = 2_000

/** One container in this process: its documents, and while it runs its shim and cgroup. */
export class Container {
  document: ContainerDocument
  state: ContainerState
  shim: Shim | null = null
  /** In the place of `shim` while that has not answered. */
  silentShim: SilentShim | null = null
  cgroup: Cgroup | null = null
  health: HealthMonitor | null = null
  /** Pending start by the restart policy. */
  restartTimer: NodeJS.Timeout | null = null
  restartDelayMs = 0
  /** Who wants the end of this run, and by which signal unless by whatever it takes. */
  endWanted: { by: Caller; signal: number | null } | null = null
  /** Clients that attached before the start. */
  pendingAttaches: PendingAttach[] = []
  /** Under way, for which it was paused. */
  commits = 0
  removed = false
  /** A removal is under way: a second one is refused. */
  isBeingRemoved = false
  /** Stopped to be started again by the same request. */
  isBeingRestarted = false
  /** Verbs that change this container run one by one. */
  readonly lock = new Mutex()
  readonly #writes = new Mutex()
  #rewrite: NodeJS.Timeout | null = null
  readonly events = new EventEmitter<ContainerEvents>()
  readonly dir: string
  readonly runDir: string
  readonly execRecord: ExecRecord

  constructor(document: ContainerDocument, state: ContainerState, dir: string, runDir: string) {
    this.document = document
    this.state = state
    this.dir = dir
    this.runDir = runDir
    this.execRecord = new ExecRecord(runDir)
    this.events.setMaxListeners(0)
  }

  get id(): string {
    return this.document.id
  }

  get name(): string {
    return this.document.name
  }

  get logPath(): string {
    return path.join(this.dir, `${this.id}-json.log`)
  }

  get exitPath(): string {
    return path.join(this.dir, 'exit')
  }

  /** Tells, while it is being created, which volumes are made for it alone. */
  get creatingPath(): string {
    return path.join(this.dir, 'creating.json')
  }

  get tty(): boolean {
    return this.document.config.Tty ?? false
  }

  /**
   * Writes both documents of a new container; from then on it is one. In its directory nothing counts without
   * container.json, which therefore comes last: its state needs no replacing, and what tells of a creation under way goes.
   */
  async writeNew(): Promise<void> {
    await runSteps([
      {
        do: 'write',
        path: path.join(this.dir, 'state.json'),
        data: `${JSON.stringify(this.state)}\n`,
        mode: 0o600,
      },
      ...documentSteps(path.join(this.dir, 'container.json'), this.document),
      { do: 'remove', path: this.creatingPath },
    ])
  }

  /** Writes the state, then takes it over: on disk before in memory. Changes asked for at once are made one by one. */
  setState(change: Partial<ContainerState>): Promise<void> {
    return this.#writes.run(async () => {
      const next = { ...this.state, ...change }
      if (next.status !== this.state.status) checkTransition(this.state.status, next.status)
      await writeDocument(path.join(this.dir, 'state.json'), next, { sync: false })
      this.state = next
    })
  }

  /**
   * Takes over a state that has come about already, also when the disk refuses it (it is full, it is read-only): a process
   * that has ended has ended. What was refused is written again until the disk takes it.
   *
   * @param tell the event that goes with it, emitted before the disk is waited for: who sees the state finds the event
   */
  recordState(
    change: Partial<ContainerState>,
    warn: (message: string, error?: unknown) => void,
    tell: () => void = () => undefined,
  ): Promise<void> {
    return this.#writes.run(async () => {
      const next = { ...this.state, ...change }
      if (next.status !== this.state.status) checkTransition(this.state.status, next.status)
      this.state = next
      tell()
      try {
        await this.#writeState()
      } catch (error) {
        warn(`the state of container ${this.id} is not on disk, tried again until it is`, error)
        this.#writeLater()
      }
    })
  }

  #writeState(): Promise<void> {
    return writeDocument(path.join(this.dir, 'state.json'), this.state, { sync: false })
  }

  #writeLater(): void {
    this.#rewrite ??= setTimeout(() => {
      this.#rewrite = null
      if (this.removed) return
      void this.#writes.run(() => this.#writeState()).catch(() => this.#writeLater())
    }, REWRITE_MS).unref()
  }

  /** Stops what this process does for the container; the container itself is left alone. */
  letGo(): void {
    this.health?.stop()
    this.cancelRestart()
    if (this.#rewrite) clearTimeout(this.#rewrite)
    this.shim?.close()
    this.silentShim?.letGo()
  }

  setDocument(change: Partial<ContainerDocument>): Promise<void> {
    return this.#writes.run(async () => {
      const next = { ...this.document, ...change }
      await writeDocument(path.join(this.dir, 'container.json'), next)
      this.document = next
    })
  }

  /** A process of ours looks after it, whether or not that answers. */
  get hasShim(): boolean {
    return this.shim !== null || this.silentShim !== null
  }

  /** Gives up the next start by the restart policy, where one is pending. */
  cancelRestart(): void {
    if (this.restartTimer) clearTimeout(this.restartTimer)
    this.restartTimer = null
  }

  get status(): Status {
    return this.state.status
  }
}
