/** Words that differ by more than this are others. @see moby/buildkit util/suggest */
const MOST_EDITS = 2

/** ` (did you mean mount?)` with what of the known words is nearest to one that is not known; nothing when none is near. */
export function didYouMean(word: string, known: readonly string[]): string {
  let nearest = ''
  let least = MOST_EDITS + 1
  for (const one of known) {
    const edits = distance(word, one)
    if (edits >= least) continue
    nearest = one
    least = edits
  }
  return nearest === '' ? '' : ` (did you mean ${nearest}?)`
}

/** How many letters have to be added, taken away or changed: Levenshtein's distance, a row of its table at a time. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const [at, sign] of [...from].entries()) {
    const next = [at + 1]
    for (let index = 0; index < to.length; index++) {
      const changed = (row[index] ?? 0) + (sign === to[index] ? 0 : 1)
      next.push(Math.min(changed, (row[index + 1] ?? 0) + 1, (next[index] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
