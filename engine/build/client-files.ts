import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import type { ClientDirectory, ClientEntry } from '../contract/builds.ts'
import type { Tree } from './stage.ts'
import type { Trees } from '../store/trees.ts'
import type { KeptContext, KeptContexts } from './kept-contexts.ts'
import { covers, union } from './context-paths.ts'
import type { ContextPaths } from './context-paths.ts'
import { unpackContext } from './unpack-context.ts'

/** What was written to just before it was listed may be written to again within the same tick of its clock. */
const TICK_MS = 2000

/** Of what is kept: their names are read at once, and have to be written so. */
const MOST_ENTRIES = 300_000

/**
 * The files of a client's directory, brought to `<home>/files` when steps need them: those that are here from the build
 * before (kept-contexts.ts) and did not change are not sent again. What has come stays as it is until the build is over.
 */
export class ClientFiles {
  readonly root: string
  readonly #parts: { trees: Trees; keptContexts: KeptContexts }
  readonly #directory: ClientDirectory
  readonly #home: string
  readonly #isFresh: boolean
  /** What was asked for first names what is kept. */
  #id: string | undefined
  #taken: KeptContext | undefined
  #asked: ContextPaths = []
  #entries = new Map<string, string>()
  #sizeBytes = 0
  #state = newState()
  #hasNewEntries = false
  #work: Promise<void> = Promise.resolve()
  #isWhole = false

  /** In an existing directory of this alone. All of it is to be sent where it `isFresh`, whatever is here. */
  constructor(
    parts: { trees: Trees; keptContexts: KeptContexts },
    directory: ClientDirectory,
    dir: string,
    isFresh: boolean,
  ) {
    this.#parts = parts
    this.#directory = directory
    this.#home = path.join(dir, 'client')
    this.root = path.join(this.#home, 'files')
    this.#isFresh = isFresh
  }

  /** The files, once these are among them, as far as the client has them. */
  async tree(paths: ContextPaths): Promise<Tree> {
    await this.need(paths)
    return { from: [this.root], identity: undefined, state: this.#state }
  }

  async need(paths: ContextPaths): Promise<void> {
    const bring = async (): Promise<void> => {
      if (covers(this.#asked, paths)) return
      this.#isWhole = false
      await (this.#asked.length === 0 ? this.#first(paths) : this.#more(paths))
      this.#isWhole = true
    }
    // what failed once is neither whole nor asked for again
    this.#work = this.#work.then(bring)
    await this.#work
  }

  /** Keeps it for the next build; nothing of it may be used any more. */
  async keep(): Promise<void> {
    const { key } = this.#directory
    if (this.#id === undefined || key === undefined || !this.#isWhole) return
    if (this.#entries.size > MOST_ENTRIES) return
    const isAsTaken = this.#taken !== undefined && !this.#hasNewEntries
    await this.#parts.keptContexts.put(this.#id, this.#home, {
      name: key,
      createdAt: this.#taken?.createdAt ?? new Date().toISOString(),
      usageCount: this.#taken?.usageCount ?? 0,
      sizeBytes: this.#sizeBytes,
      paths: this.#asked,
      state: this.#state,
      entries: isAsTaken ? undefined : this.#entries,
    })
  }

  async #first(paths: ContextPaths): Promise<void> {
    const { keptContexts, trees } = this.#parts
    const { key } = this.#directory
    if (key !== undefined) this.#id = keptContexts.idOf(key, paths)
    if (this.#id !== undefined && !this.#isFresh)
      this.#taken = await keptContexts.take(this.#id, this.#home)
    this.#asked = union(paths, this.#taken?.paths ?? [])
    if (this.#taken) this.#state = this.#taken.state
    else mkdirSync(this.root, { recursive: true, mode: 0o755 })
    const before = this.#taken?.entries ?? new Map<string, string>()
    let isChanged = false
    await this.#unpack(this.#asked, (entry) => {
      this.#add(entry)
      const known = before.get(entry.name)
      if (known === wordsOf(entry)) return true
      this.#hasNewEntries = true
      // times of directories are seen in no content
      isChanged ||= !entry.isDirectory || known?.startsWith(`d${entry.state} `) !== true
      return false
    })
    const gone = this.#goneSince(before)
    if (gone.length > 0) await trees.removeNames(this.root, gone)
    if (isChanged || gone.length > 0) this.#changed()
  }

  async #more(paths: ContextPaths): Promise<void> {
    this.#asked = union(this.#asked, paths)
    await this.#unpack(paths, (entry) => {
      if (this.#entries.has(entry.name)) return true
      this.#add(entry)
      this.#changed()
      return false
    })
  }

  #add(entry: ClientEntry): void {
    this.#entries.set(entry.name, isTelling(entry) ? wordsOf(entry) : UNTOLD)
    this.#sizeBytes += entry.size
  }

  #changed(): void {
    this.#hasNewEntries = true
    this.#state = newState()
  }

  async #unpack(paths: ContextPaths, isHere: (entry: ClientEntry) => boolean): Promise<void> {
    const tar = this.#directory.open({ only: paths === 'all' ? undefined : paths, isHere })
    try {
      await unpackContext(this.#parts.trees, this.root, tar)
    } finally {
      // what was not read of it: the client need not send on
      tar.destroy()
    }
  }

  /** Topmost names of what was here and is not any more; what was replaced by something else went with that. */
  #goneSince(before: ReadonlyMap<string, string>): string[] {
    return [...before.keys()].filter((name) => {
      if (this.#entries.has(name)) return false
      const slash = name.lastIndexOf('/')
      return slash < 0 || this.#entries.get(name.slice(0, slash))?.startsWith('d') === true
    })
  }
}

/** What it is called when it has changed. */
function newState(): string {
  return randomBytes(16).toString('hex')
}

/** Like nothing that a client says. */
const UNTOLD = '?'

/**
 * Whether its time is another one when something else was written to it. One of whole seconds was given to it, as archives
 * do, and the next version may be given the same.
 */
function isTelling({ isDirectory, modifiedAt }: ClientEntry): boolean {
  return isDirectory || (modifiedAt < Date.now() - TICK_MS && modifiedAt % 1000 !== 0)
}

/** Without zeros. */
function wordsOf({ isDirectory, modifiedAt, state }: ClientEntry): string {
  return `${isDirectory ? 'd' : '-'}${state} ${String(modifiedAt)}`
}
