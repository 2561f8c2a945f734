import { currentCaller } from '../caller.ts'
import type { Caller } from '../contract.ts'
import { NotFoundError } from '../errors.ts'
import type { Digest } from '../oci/digest.ts'
import { writeDocument } from '../store/documents.ts'
import type { ImageIndex, Names } from './names-document.ts'
import { formatReference, parseReference } from './reference.ts'
import type { Reference } from './reference.ts'

export interface NameChanges {
  /** Full references to image IDs. */
  set?: Map<string, string>
  remove?: Iterable<string>
  /** What of the names set, or of IDs of images, stands for an index, whose blobs are there. */
  indexes?: Map<string, ImageIndex>
}

/** The names of all images, who gave them, and the indexes that they stand for: what `references.json` holds. */
export class ImageNames {
  readonly #file: string
  readonly #hasImage: (id: string) => boolean
  #references: Map<string, string>
  /** Made of `#references` when it is first asked for after a change. */
  #byId: Map<string, readonly Reference[]> | undefined
  #givenBy: Map<string, Caller>
  /** Full references, and IDs of images without a name, to digests of the indexes that they stand for. */
  #roots: Map<string, string>
  #indexes: Map<string, ImageIndex>

  /** @param hasImage whether there is an image of this ID: what others are named is passed over */
  constructor(file: string, names: Names | undefined, hasImage: (id: string) => boolean) {
    this.#file = file
    this.#hasImage = hasImage
    this.#references = new Map(
      Object.entries(names?.references ?? {}).filter(([, id]) => hasImage(id)),
    )
    this.#givenBy = new Map(Object.entries(names?.namedBy ?? {}))
    this.#roots = new Map(Object.entries(names?.roots ?? {}))
    this.#indexes = new Map(names?.indexes?.map((index) => [index.descriptor.digest, index]))
  }

  /** Full references with the IDs of what they name. */
  all(): [reference: string, id: string][] {
    return [...this.#references]
  }

  /** Full references to an image, sorted. */
  of(id: string): readonly Reference[] {
    this.#byId ??= namesById(this.#references)
    return this.#byId.get(id) ?? []
  }

  idOf(reference: Reference): string | undefined {
    return this.#references.get(formatReference(reference))
  }

  /** Who gave an image this full reference; unknown of those older than the record. */
  givenBy(reference: Reference): Caller | undefined {
    return this.#givenBy.get(formatReference(reference))
  }

  /** The index that the first of these full references and IDs stands for which stands for one. */
  indexOf(names: readonly string[]): ImageIndex | undefined {
    const root = names.map((each) => this.#roots.get(each)).find((each) => each !== undefined)
    return this.#indexes.get(root ?? '')
  }

  /** Those that a name, or an image without one, stands for. */
  *indexes(): Generator<ImageIndex> {
    for (const [name, root] of this.#roots) {
      const index = this.#indexes.get(root)
      if (index && (this.#references.has(name) || this.#hasImage(name))) yield index
    }
  }

  /**
   * Changes names, all at once, on disk first. Nothing else may be changing them.
   *
   * @returns false when they are so already
   * @throws NOT_FOUND when one is to name an image that there is not
   */
  async change(changes: NameChanges): Promise<boolean> {
    const references = new Map(this.#references)
    for (const reference of changes.remove ?? []) references.delete(reference)
    for (const [reference, id] of changes.set ?? []) {
      // removed by somebody else since it was looked up
      if (!this.#hasImage(id)) throw new NotFoundError(`No such image: ${id}`)
      references.set(reference, id)
    }
    const givenBy = new Map([...this.#givenBy].filter(([name]) => references.has(name)))
    for (const [name, id] of references)
      if (this.#references.get(name) !== id) givenBy.set(name, currentCaller())
    const { indexes, roots } = this.#rooted(references, changes)
    const isSame =
      isSameMap(references, this.#references) &&
      isSameMap(roots, this.#roots) &&
      isSameMap(indexes, this.#indexes)
    if (isSame) return false
    const names: Names = {
      version: 1,
      references: Object.fromEntries(references),
      namedBy: Object.fromEntries(givenBy),
      roots: Object.fromEntries(roots) as Record<string, Digest>,
      indexes: [...indexes.values()],
    }
    await writeDocument(this.#file, names)
    this.#references = references
    this.#byId = undefined
    this.#givenBy = givenBy
    this.#roots = roots
    this.#indexes = indexes
    return true
  }

  /** Which indexes the names stand for when they are changed so; what no name stands for is forgotten. */
  #rooted(
    references: ReadonlyMap<string, string>,
    { indexes: given = new Map<string, ImageIndex>(), set }: NameChanges,
  ): { roots: Map<string, string>; indexes: Map<string, ImageIndex> } {
    const roots = new Map(this.#roots)
    for (const name of set?.keys() ?? []) roots.delete(name)
    for (const [name, { descriptor }] of given) roots.set(name, descriptor.digest)
    for (const name of roots.keys())
      if (!references.has(name) && !this.#hasImage(name)) roots.delete(name)
    const known = new Map(this.#indexes)
    for (const index of given.values()) {
      // that a pull brings the index alone takes nothing away of what is here
      const before = known.get(index.descriptor.digest)
      if (!before || (before.blobs.length === 0 && index.blobs.length > 0))
        known.set(index.descriptor.digest, index)
    }
    const inUse = new Set(roots.values())
    return { roots, indexes: new Map([...known].filter(([digest]) => inUse.has(digest))) }
  }
}

function namesById(references: ReadonlyMap<string, string>): Map<string, readonly Reference[]> {
  const byId = new Map<string, Reference[]>()
  for (const [name, id] of [...references].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const names = byId.get(id) ?? []
    names.push(parseReference(name))
    byId.set(id, names)
  }
  return byId
}

function isSameMap<T>(a: ReadonlyMap<string, T>, b: ReadonlyMap<string, T>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value)
}
