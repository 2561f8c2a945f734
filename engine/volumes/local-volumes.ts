import { randomBytes } from 'node:crypto'
import { existsSync, renameSync } from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { attempt } from '../attempt.ts'
import { attributed, callerSchema, currentCaller } from '../caller.ts'
import type { VolumeEngine } from '../contract/volumes.ts'
import type { Filters } from '../contract/common.ts'
import { ConflictError, EngineError, NotFoundError } from '../errors.ts'
import type { Events } from '../events/events.ts'
import { booleanFilter, checkFilters, matchesAny, matchesLabels } from '../filters.ts'
import type { Instance } from '../instance.ts'
import { runSteps } from '../native/steps.ts'
import { removeTree, treeSize } from '../native/trees.ts'
import { isMissing, readDocument, writeDocument } from '../store/documents.ts'
import type { Volume, VolumeCreateRequest, VolumeListResponse } from '../types/docker.ts'
import type { Attributed } from '../types/gantry.ts'
import { checkOptions, mountDevice, unmountAll } from './device.ts'
import { checkVolumeName } from './name.ts'

/** On volumes made without a name. Prune takes only these unless told otherwise. */
export const ANONYMOUS_LABEL = 'com.docker.volume.anonymous'

/** What a volume is being filled with, beside its `_data`. */
const FILLING = 'filling-'

/** How long a volume that `ensure` gave is safe from prune, though no container names it yet. */
const RESERVED_MS = 60_000

const schema = z.object({
  name: z.string(),
  createdAt: z.string(),
  createdBy: callerSchema.optional(),
  labels: z.record(z.string(), z.string()),
  options: z.record(z.string(), z.string()),
})

type VolumeDocument = z.infer<typeof schema>

export interface EnsureOptions {
  driver?: string | undefined
  driverOptions?: Record<string, string> | undefined
  labels?: Record<string, string> | undefined
}

/**
 * Volumes of the `local` driver: a directory `_data` each, kept until removed by name or prune.
 *
 * Below `<data>/volumes/<name>` are `volume.json` and `_data`, and beside it for a while what an empty one is filled with.
 * A volume appears and disappears by one rename; names that begin with a dot are half-made or half-removed ones and are
 * swept at the next start, as is half a filling.
 */
export class LocalVolumes implements VolumeEngine {
  readonly #root: string
  readonly #events: Events
  readonly #usedBy: (name: string) => string[]
  readonly #documents: Map<string, VolumeDocument>
  readonly #reserved = new Map<string, { until: number; holders: number }>()
  /** Creating, mounting and removing, one after the other. */
  #work: Promise<unknown> = Promise.resolve()

  private constructor(
    root: string,
    events: Events,
    usedBy: (name: string) => string[],
    documents: Map<string, VolumeDocument>,
  ) {
    this.#root = root
    this.#events = events
    this.#usedBy = usedBy
    this.#documents = documents
  }

  /** @param options.usedBy full IDs of the containers that have the volume among their mounts */
  static async open(options: {
    instance: Instance
    events: Events
    usedBy: (name: string) => string[]
    /** Told of documents that cannot be read. */
    warn?: (message: string, error?: unknown) => void
  }): Promise<LocalVolumes> {
    const root = path.join(options.instance.dataRoot, 'volumes')
    await fs.mkdir(root, { recursive: true, mode: 0o701 })
    const documents = new Map<string, VolumeDocument>()
    const sweep = async (directory: string): Promise<void> => {
      await removeVolume(directory).catch((error: unknown) => {
        // it may hold files that nobody can delete, and is out of use all the same
        options.warn?.(`what is left of a volume could not be removed: ${directory}`, error)
      })
    }
    for (const entry of await fs.readdir(root)) {
      if (entry.startsWith('.')) {
        await sweep(path.join(root, entry))
        continue
      }
      const inside = await fs.readdir(path.join(root, entry)).catch(notThere)
      for (const name of inside.filter((each) => each.startsWith(FILLING)))
        await sweep(path.join(root, entry, name))
      const file = path.join(root, entry, 'volume.json')
      const document = await readDocument(file, schema).catch((error: unknown) => {
        options.warn?.(`volume ${entry} is set aside until its document is mended`, error)
        return undefined
      })
      if (document !== undefined) documents.set(entry, document)
    }
    return new LocalVolumes(root, options.events, options.usedBy, documents)
  }

  list(filters: Filters = {}): Promise<VolumeListResponse> {
    return attempt(() => {
      checkFilters(filters, ['dangling', 'driver', 'label', 'label!', 'name'])
      const dangling = booleanFilter(filters, 'dangling')
      const volumes = [...this.#documents.values()]
        .filter(
          ({ name, labels }) =>
            matchesAny(filters, 'name', (part) => name.includes(part)) &&
            matchesAny(filters, 'driver', (driver) => driver === 'local') &&
            matchesLabels(filters, labels) &&
            (dangling === undefined || dangling === (this.#usedBy(name).length === 0)),
        )
        .map((document) => this.#volumeOf(document))
      return { Volumes: volumes, Warnings: [] }
    })
  }

  inspect(name: string): Promise<Volume & Attributed> {
    return attempt(() => this.#volumeOf(this.#get(name)))
  }

  async create(config: VolumeCreateRequest): Promise<Volume & Attributed> {
    const name = config.Name === '' ? undefined : config.Name
    const { volume } = await this.ensure(name, {
      driver: config.Driver,
      driverOptions: config.DriverOpts,
      labels: config.Labels,
    })
    // No container is about to name it: a prune may take it at once, as its preview says.
    if (name === undefined) this.#reserved.delete(volume.Name)
    return volume
  }

  /**
   * Gives the volume of that name, making it when there is none; without a name, a new anonymous one.
   *
   * @throws INVALID_PARAMETER for a name or option that cannot be, NOT_FOUND for another driver than `local`
   */
  async ensure(
    name: string | undefined,
    options: EnsureOptions = {},
  ): Promise<{ volume: Volume & Attributed; created: boolean }> {
    const labels = { ...options.labels, ...(name === undefined ? { [ANONYMOUS_LABEL]: '' } : {}) }
    const chosen = name ?? randomBytes(32).toString('hex')
    checkVolumeName(chosen)
    const driver = options.driver ?? ''
    if (driver !== '' && driver !== 'local') {
      throw new NotFoundError(
        `create ${chosen}: error looking up volume plugin ${driver}: plugin "${driver}" not found`,
      )
    }
    const driverOptions = options.driverOptions ?? {}
    checkOptions(chosen, driverOptions)
    return this.#exclusive(async () => {
      const holders = (this.#reservation(chosen)?.holders ?? 0) + 1
      this.#reserved.set(chosen, { until: Date.now() + RESERVED_MS, holders })
      const existing = this.#documents.get(chosen)
      if (existing !== undefined) return { volume: this.#volumeOf(existing), created: false }
      const document: VolumeDocument = {
        name: chosen,
        createdAt: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
        createdBy: currentCaller(),
        labels,
        options: driverOptions,
      }
      await this.#write(document)
      this.#documents.set(chosen, document)
      this.#events.emit('volume', 'create', chosen, { driver: 'local' })
      return { volume: this.#volumeOf(document), created: true }
    })
  }

  /**
   * What `ensure` kept a volume for has come: a container names it, and keeps it from now on. Once that is removed, a prune
   * may take the volume at once.
   */
  claimed(name: string): void {
    const reservation = this.#reservation(name)
    if (reservation === undefined || reservation.holders === 1) this.#reserved.delete(name)
    // another container is being made that will name it, too
    else this.#reserved.set(name, { ...reservation, holders: reservation.holders - 1 })
  }

  #reservation(name: string): { until: number; holders: number } | undefined {
    const reservation = this.#reserved.get(name)
    return reservation !== undefined && reservation.until > Date.now() ? reservation : undefined
  }

  /** Where a volume's files are. It may still have to be mounted there: see mountpointOf. */
  pathOf(name: string): string {
    checkVolumeName(name)
    return path.join(this.#root, name, '_data')
  }

  /**
   * Where a volume's files are, ready for use: what its driver options name is mounted there now, if it was not before.
   * It stays mounted until the volume is removed or the host restarts.
   *
   * @throws NOT_FOUND when there is no such volume, SYSTEM when it cannot be mounted
   */
  async mountpointOf(name: string): Promise<string> {
    const { options } = this.#get(name)
    const target = this.pathOf(name)
    if (Object.keys(options).length > 0)
      await this.#exclusive(() => mountDevice(name, target, options))
    return target
  }

  /**
   * Fills an empty volume by what takes its place at once: a killed engine leaves it empty, never half full, for the next
   * container would take half for all.
   *
   * @param fill fills an empty directory; false when there is nothing to fill it with
   * @returns false when its directory cannot be replaced: a container has the volume, or there is something in it
   */
  async fillWhole(name: string, fill: (directory: string) => Promise<boolean>): Promise<boolean> {
    const target = this.pathOf(name)
    if (this.#usedBy(name).length > 0) return false
    const filling = path.join(this.#root, name, `${FILLING}${randomBytes(8).toString('hex')}`)
    try {
      await fs.mkdir(filling, { mode: 0o755 })
      if (!(await fill(filling))) return true
      if (this.#usedBy(name).length > 0) return false
      try {
        // in the same turn as the look at who has it
        renameSync(filling, target)
        return true
      } catch {
        // something is in it by now, or an operator has put another directory there, by a link or a mount
        return false
      }
    } finally {
      await removeTree(filling)
    }
  }

  remove(name: string, options: { force?: boolean } = {}): Promise<void> {
    return this.#exclusive(async () => {
      if (!this.#documents.has(name)) {
        if (options.force === true) return
        throw noSuchVolume(name)
      }
      const users = this.#usedBy(name)
      if (users.length > 0) {
        throw new ConflictError(`remove ${name}: volume is in use - [${users.join(', ')}]`)
      }
      await this.#remove(name)
    })
  }

  async prune(
    filters: Filters = {},
  ): Promise<{ VolumesDeleted: string[]; SpaceReclaimed: number }> {
    checkFilters(filters, ['all', 'label', 'label!'])
    const all = booleanFilter(filters, 'all') ?? false
    const deleted: string[] = []
    let reclaimed = 0
    for (const { name, labels } of [...this.#documents.values()]) {
      if (!all && !Object.hasOwn(labels, ANONYMOUS_LABEL)) continue
      if (!matchesLabels(filters, labels)) continue
      await this.#exclusive(async () => {
        const reserved = this.#reservation(name) !== undefined && !all
        if (reserved || !this.#documents.has(name) || this.#usedBy(name).length > 0) return
        const size = await treeSize(this.pathOf(name))
        await this.#remove(name)
        deleted.push(name)
        reclaimed += size
      })
    }
    this.#events.emit('volume', 'prune', '', { reclaimed: String(reclaimed) })
    return { VolumesDeleted: deleted, SpaceReclaimed: reclaimed }
  }

  /** All volumes with how much is in them and how many containers name them. */
  async usage(): Promise<Volume[]> {
    const volumes: Volume[] = []
    for (const document of [...this.#documents.values()]) {
      const volume = this.#volumeOf(document)
      // What a device brings is not this host's data root's.
      const size = Object.keys(document.options).length > 0 ? -1 : await treeSize(volume.Mountpoint)
      volumes.push({
        ...volume,
        UsageData: { Size: size, RefCount: this.#usedBy(document.name).length },
      })
    }
    return volumes
  }

  #get(name: string): VolumeDocument {
    const document = this.#documents.get(name)
    if (document === undefined) throw noSuchVolume(name)
    return document
  }

  #volumeOf({ name, createdAt, createdBy, labels, options }: VolumeDocument): Volume & Attributed {
    return {
      Name: name,
      Driver: 'local',
      Mountpoint: this.pathOf(name),
      CreatedAt: createdAt,
      Labels: { ...labels },
      Options: { ...options },
      Scope: 'local',
      ...attributed(createdBy),
    }
  }

  async #write(document: VolumeDocument): Promise<void> {
    const making = path.join(this.#root, `.new-${randomBytes(8).toString('hex')}`)
    try {
      await fs.mkdir(path.join(making, '_data'), { recursive: true })
      await fs.chmod(making, 0o701)
      await fs.chmod(path.join(making, '_data'), 0o755)
      await writeDocument(path.join(making, 'volume.json'), document)
      // A directory without a document can only be what somebody put there by hand: rename refuses a full one.
      const to = path.join(this.#root, document.name)
      await runSteps([{ do: 'rename', path: making, to, syncs: true }])
    } catch (error) {
      await fs.rm(making, { recursive: true, force: true })
      const message = error instanceof Error ? error.message : String(error)
      throw new EngineError('SYSTEM', `create ${document.name}: ${message}`, { cause: error })
    }
  }

  async #remove(name: string): Promise<void> {
    unmountAll(this.pathOf(name))
    const going = path.join(this.#root, `.old-${randomBytes(8).toString('hex')}`)
    const volume = path.join(this.#root, name)
    // Taken away by hand, only the record of it is left to go.
    if (existsSync(volume)) await runSteps([{ do: 'rename', path: volume, to: going, syncs: true }])
    this.#documents.delete(name)
    this.#reserved.delete(name)
    this.#events.emit('volume', 'destroy', name, { driver: 'local' })
    await removeVolume(going)
  }

  #exclusive<T>(task: () => Promise<T>): Promise<T> {
    const done = this.#work.then(task)
    this.#work = done.catch(() => {
      // Told to whoever asked; the next one starts afresh.
    })
    return done
  }
}

function noSuchVolume(name: string): NotFoundError {
  return new NotFoundError(`get ${name}: no such volume`)
}

/** Removes a volume's directory, after whatever is mounted in it: its files are another file system's. */
async function removeVolume(directory: string): Promise<void> {
  unmountAll(path.join(directory, '_data'))
  await removeTree(directory)
}

/** Nothing is in what is not there, or is no directory. */
function notThere(error: NodeJS.ErrnoException): string[] {
  if (isMissing(error) || error.code === 'ENOTDIR') return []
  throw error
}
