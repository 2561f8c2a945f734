/** Something the palette can go to or do. */
export interface Entry {
  id: string
  group: string
  label: string
  /** Further words it is found by. */
  words?: string
  hint?: string
  run: () => void
}

const MOST = 40

/**
 * What fits a search, best first: every word of it has to appear; a label that is the search, then one that begins
 * with it, then one with a word that does come before the rest. Without a search the entries stand as they are given.
 */
export function searchEntries(entries: Entry[], search: string): Entry[] {
  const wanted = search.trim().toLowerCase()
  if (wanted === '') return entries
  const parts = wanted.split(/\s+/)
  return entries
    .map((entry) => ({ entry, score: scoreOf(entry, wanted, parts) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .slice(0, MOST)
    .map(({ entry }) => entry)
}

function scoreOf(entry: Entry, wanted: string, parts: string[]): number {
  const label = entry.label.toLowerCase()
  const all = `${label} ${entry.words?.toLowerCase() ?? ''}`
  if (!parts.every((part) => all.includes(part))) return 0
  if (label === wanted) return 5
  if (label.startsWith(wanted)) return 4
  if (label.split(/[\s._/:-]+/).some((word) => word.startsWith(wanted))) return 3
  return label.includes(wanted) ? 2 : 1
}
