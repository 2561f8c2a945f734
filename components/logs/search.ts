export interface SearchOptions {
  text: string
  regex: boolean
  matchCase: boolean
}

export type SearchPattern =
  { expression: RegExp | null; error?: undefined } | { expression: null; error: string }

/** The expression to look for, or why there is none. */
export function searchPattern({ text, regex, matchCase }: SearchOptions): SearchPattern {
  if (text === '') return { expression: null }
  const source = regex ? text : text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  try {
    const expression = new RegExp(source, matchCase ? 'g' : 'gi')
    // `a*` finds nothing everywhere: as a search it means nothing.
    if (expression.test('')) return { expression: null, error: 'This pattern matches empty text' }
    return { expression }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { expression: null, error: message.replace(/^Invalid regular expression: /, '') }
  }
}

/** Where the expression matches: pairs of start and end, in order. */
export function findRanges(expression: RegExp, text: string, limit = 200): [number, number][] {
  const ranges: [number, number][] = []
  expression.lastIndex = 0
  for (let match = expression.exec(text); match && ranges.length < limit;) {
    if (match[0] === '') expression.lastIndex++
    else ranges.push([match.index, match.index + match[0].length])
    match = expression.exec(text)
  }
  return ranges
}

/** A piece of a line: its text, where it stood in the list of pieces before, and whether the search found it. */
export interface MarkedPiece<T> {
  text: string
  of: T
  found: boolean
}

/** Cuts styled pieces at the edges of what the search found. */
export function markRanges<T extends { text: string }>(
  pieces: readonly T[],
  ranges: readonly [number, number][],
): MarkedPiece<T>[] {
  const marked: MarkedPiece<T>[] = []
  let r = 0
  let at = 0
  for (const piece of pieces) {
    const end = at + piece.text.length
    let from = at
    while (from < end) {
      const range = ranges[r]
      if (!range || range[0] >= end) {
        marked.push({ text: piece.text.slice(from - at), of: piece, found: false })
        break
      }
      if (range[0] > from) {
        marked.push({ text: piece.text.slice(from - at, range[0] - at), of: piece, found: false })
        from = range[0]
      }
      const to = Math.min(end, range[1])
      marked.push({ text: piece.text.slice(from - at, to - at), of: piece, found: true })
      from = to
      if (to === range[1]) r++
    }
    at = end
  }
  return marked
}
