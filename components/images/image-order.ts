import type { ContainerSummary } from '@/engine/types/docker.ts'
import { imageName, isDangling, uniqueBytes, type ListedImage } from './image-name.ts'

/** A row of the list. */
export interface ImageRow {
  Id: string
  image: ListedImage
  users: ContainerSummary[]
}

export type SortKey = 'name' | 'size' | 'unique' | 'created' | 'users'

export interface Order {
  key: SortKey
  descending: boolean
}

export const kinds = {
  '': { word: 'All', fits: () => true },
  used: { word: 'In use', fits: ({ users }: ImageRow) => users.length > 0 },
  unused: { word: 'Unused', fits: ({ users }: ImageRow) => users.length === 0 },
  dangling: { word: 'Dangling', fits: ({ image }: ImageRow) => isDangling(image) },
} satisfies Record<string, { word: string; fits: (row: ImageRow) => boolean }>

export type Kind = keyof typeof kinds

export function isKind(text: string): text is Kind {
  return Object.hasOwn(kinds, text)
}

/** `size`, or `-size` for the largest first, as it stands in the URL. */
export function parseOrder(text: string): Order {
  const descending = text.startsWith('-')
  const key = descending ? text.slice(1) : text
  return isSortKey(key) ? { key, descending } : { key: 'created', descending: true }
}

export function sortedRows(rows: ImageRow[], { key, descending }: Order): ImageRow[] {
  const sign = descending ? -1 : 1
  return [...rows].sort((a, b) => sign * comparators[key](a, b) || byName(a, b))
}

/** By a part of a tag, of the ID or the platform. */
export function fitsFilter({ image }: ImageRow, filter: string): boolean {
  const word = filter.trim().toLowerCase()
  return (
    word === '' ||
    image.Id.includes(word) ||
    image.RepoTags.some((tag) => tag.toLowerCase().includes(word)) ||
    image.Gantry?.Platform.includes(word) === true
  )
}

const collator = new Intl.Collator('en', { numeric: true })
const byName = (a: ImageRow, b: ImageRow): number =>
  collator.compare(imageName(a.image), imageName(b.image))

const comparators: Record<SortKey, (a: ImageRow, b: ImageRow) => number> = {
  name: byName,
  size: (a, b) => a.image.Size - b.image.Size,
  unique: (a, b) => uniqueBytes(a.image) - uniqueBytes(b.image),
  created: (a, b) => a.image.Created - b.image.Created,
  users: (a, b) => a.users.length - b.users.length,
}

function isSortKey(text: string): text is SortKey {
  return Object.hasOwn(comparators, text)
}
