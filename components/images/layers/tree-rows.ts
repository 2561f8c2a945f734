import type { LayerFile } from '@/engine/contract/image-layers.ts'

/** What has been read of each directory, by its path without a slash in front. */
export type Listings = Map<string, { files: LayerFile[]; total: number }>

export type TreeRow =
  | {
      kind: 'file'
      path: string
      depth: number
      file: LayerFile
      /** Of a directory. */
      open: boolean
    }
  /** Directory that is being read. */
  | { kind: 'waiting'; path: string; depth: number }
  /** So many are not shown yet. */
  | { kind: 'more'; path: string; depth: number; left: number }

/**
 * The open part of a tree as lines from top to bottom.
 *
 * @param hidden marks that are not shown; a directory stays while something in it is
 */
export function treeRows(
  listings: Listings,
  open: ReadonlySet<string>,
  hidden: ReadonlySet<string>,
): TreeRow[] {
  const rows: TreeRow[] = []
  const add = (path: string, depth: number): void => {
    const listing = listings.get(path)
    if (listing === undefined) {
      if (depth > 0) rows.push({ kind: 'waiting', path, depth })
      return
    }
    for (const file of listing.files) {
      if (!isShown(file, hidden)) continue
      const below = path === '' ? file.name : `${path}/${file.name}`
      const isOpen = file.kind === 'directory' && open.has(below)
      rows.push({ kind: 'file', path: below, depth, file, open: isOpen })
      if (isOpen) add(below, depth + 1)
    }
    const left = listing.total - listing.files.length
    if (left > 0) rows.push({ kind: 'more', path, depth, left })
  }
  add('', 0)
  return rows
}

function isShown(file: LayerFile, hidden: ReadonlySet<string>): boolean {
  if (hidden.size === 0) return true
  if (file.kind !== 'directory' || file.within === undefined) return !hidden.has(file.mark)
  const { added, modified, removed } = file.within
  return Object.entries({ added, modified, removed }).some(
    ([mark, number]) => number > 0 && !hidden.has(mark),
  )
}
