/** What a list is sorted by. */
export interface Order<Key extends string = string> {
  key: Key
  descending: boolean
}

/** `size`, or `-size` for the largest first, as it stands in the URL; `usual` where no such key is. */
export function parseOrder<Key extends string>(
  text: string,
  keys: readonly Key[],
  usual: Order<Key>,
): Order<Key> {
  const descending = text.startsWith('-')
  const word = descending ? text.slice(1) : text
  const key = keys.find((each) => each === word)
  return key === undefined ? usual : { key, descending }
}

/** As {@link parseOrder} reads it. */
export function orderText({ descending, key }: Order): string {
  return `${descending ? '-' : ''}${key}`
}

/** Sorted by the key, and by name where that tells no difference. */
export function sortedBy<Row, Key extends string>(
  rows: readonly Row[],
  { descending, key }: Order<Key>,
  comparators: Record<Key | 'name', (a: Row, b: Row) => number>,
): Row[] {
  const sign = descending ? -1 : 1
  return [...rows].sort((a, b) => sign * comparators[key](a, b) || comparators.name(a, b))
}

/** Names as people sort them: `web-2` before `web-10`. */
export const { compare: compareNames } = new Intl.Collator('en', { numeric: true })
