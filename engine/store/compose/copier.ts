import { InvalidParameterError } from '../../errors.ts'
import { cleanName } from '../../tar/clean-name.ts'
import { tarHeader, textOf, type TarHeader } from '../../tar/header.ts'
import type { TarSink } from '../../tar/read.ts'
import type { IgnoreRules } from '../../tree/ignore-rules.ts'
import { TreeReader } from '../../tree/read-tree.ts'
import type { ModeChange } from '../file-mode.ts'
import type { Found } from '../merged.ts'
import { eachMerged, topOf } from '../merged-tree.ts'
import type { Owner } from './job.ts'

export type DirFound = Extract<Found, { kind: 'dir' }>

/** Reads what is copied and gives it its name, owner and mode in the layer. */
export class Copier {
  readonly #sink: TarSink
  readonly #reader: TreeReader
  readonly #owner: Owner | undefined
  readonly #change: ModeChange | undefined
  readonly #rules: IgnoreRules

  constructor(options: {
    sink: TarSink
    owner: Owner | undefined
    change: ModeChange | undefined
    rules: IgnoreRules
  }) {
    this.#sink = options.sink
    this.#owner = options.owner
    this.#change = options.change
    this.#rules = options.rules
    this.#reader = new TreeReader({
      entry: (header) => {
        this.#sink.entry(this.#dressed(header))
      },
      data: (chunk, offset) => {
        this.#sink.data(chunk, offset)
      },
      end: () => {
        this.#sink.end()
      },
    })
  }

  excludes(path: string): boolean {
    return this.#rules.excludes(textOf(path))
  }

  /** One file, or a directory without what is in it. */
  add(found: Found, target: string): void {
    this.#reader.addAlone(topOf(found), found.stat, target)
  }

  /** A file that is given by its content. */
  file(target: string, content: Buffer, mtimeSeconds: number): void {
    const header = tarHeader({ type: 'file', name: target, size: content.length, mtimeSeconds })
    this.#sink.entry(this.#dressed(header))
    if (content.length > 0) this.#sink.data(content, 0)
    this.#sink.end()
  }

  /** All that is in a directory, but for what is excluded. An excluded directory is there when something in it is. */
  contents(
    found: DirFound,
    target: string,
    relative: string,
    before: () => void = () => undefined,
  ): void {
    eachMerged(found.fds, (name, entry) => {
      const path = relative === '' ? name : `${relative}/${name}`
      const full = target === '' ? name : `${target}/${name}`
      const isOut = this.#rules.excludes(textOf(path))
      if (isOut && !(entry.kind === 'dir' && this.#rules.hasExceptions)) return
      let isTold = false
      const tell = (): void => {
        before()
        if (!isTold) this.add(entry, full)
        isTold = true
      }
      if (!isOut) tell()
      if (entry.kind === 'dir') this.contents(entry, full, path, tell)
    })
  }

  /** Takes an archive's members to their places below a directory. */
  under(target: string): TarSink {
    let isSkipped = false
    return {
      entry: (header) => {
        const name = pathOf(header.name)
        isSkipped = name === ''
        if (isSkipped) return
        const prefix = target === '' ? '' : `${target}/`
        const ending = header.type === 'dir' ? '/' : ''
        const linkName =
          header.type === 'link' ? `${prefix}${pathOf(header.linkName)}` : header.linkName
        this.#sink.entry(
          this.#dressed({ ...header, name: `${prefix}${name}${ending}`, linkName }, true),
        )
      },
      data: (chunk, offset) => {
        if (!isSkipped) this.#sink.data(chunk, offset)
      },
      end: () => {
        if (!isSkipped) this.#sink.end()
      },
    }
  }

  #dressed(header: TarHeader, isUnpacked = false): TarHeader {
    const { uid, gid } = this.#owner ?? header
    const hasMode = header.type !== 'symlink' && this.#change !== undefined && !isUnpacked
    const mode = hasMode
      ? (this.#change?.(header.mode, header.type === 'dir') ?? header.mode)
      : header.mode
    return { ...header, uid, gid, mode, userName: '', groupName: '' }
  }
}

/** @throws INVALID_PARAMETER when it leads out of the archive */
function pathOf(name: string): string {
  const path = cleanName(name)
  if (path === undefined)
    throw new InvalidParameterError(`${textOf(name)} in the archive leads out of it`)
  return path
}
