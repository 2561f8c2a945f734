import type { ContainerSummary } from '@/engine/types/docker.ts'
import { compareNames, sortedBy, type Order } from '@/components/page/list-order.ts'
import { imageName, isDangling, uniqueBytes, type ListedImage } from './image-name.ts'

/** A row of the list. */
export interface ImageRow {
  Id: string
  image: ListedImage
  users: ContainerSummary[]
}

export type SortKey = keyof typeof comparators

export const usualOrder: Order<SortKey> = { key: 'created', descending: true }

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

export function sortedImages(rows: ImageRow[], order: Order<SortKey>): ImageRow[] {
  return sortedBy(rows, order, comparators)
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

const comparators = {
  name: (a, b) => compareNames(imageName(a.image), imageName(b.image)),
  size: (a, b) => a.image.Size - b.image.Size,
  unique: (a, b) => uniqueBytes(a.image) - uniqueBytes(b.image),
  created: (a, b) => a.image.Created - b.image.Created,
  users: (a, b) => a.users.length - b.users.length,
} satisfies Record<string, (a: ImageRow, b: ImageRow) => number>

export const sortKeys = Object.keys(comparators) as SortKey[]
