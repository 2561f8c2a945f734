/** Shell patterns of a Dockerfile's substitutions: `*` any text, `?` any one character, `\` takes the next as it is. */

type Token = { any: 'many' | 'one' } | { sign: string }

function tokens(pattern: string): Token[] {
  const list: Token[] = []
  for (let at = 0; at < pattern.length; at++) {
    const sign = pattern.charAt(at)
    if (sign === '*') list.push({ any: 'many' })
    else if (sign === '?') list.push({ any: 'one' })
    else if (sign === '\\' && at + 1 < pattern.length) list.push({ sign: pattern.charAt(++at) })
    else list.push({ sign })
  }
  return list
}

/**
 * How long the shortest and the longest match is at the start or at the end of a text; undefined when none is.
 * Every length is tried at once, so no pattern takes longer than its length times the text's.
 */
export function globLengths(
  pattern: string,
  text: string,
  end: 'start' | 'end',
): { shortest: number | undefined; longest: number | undefined } {
  const signs = [...text]
  const list = tokens(pattern)
  if (end === 'end') {
    signs.reverse()
    list.reverse()
  }
  const ends = matchEnds(list, signs, 0)
  const lengthOf = (count: number | undefined): number | undefined =>
    count === undefined
      ? undefined
      : signs.slice(0, count).reduce((sum, sign) => sum + sign.length, 0)
  return { shortest: lengthOf(ends[0]), longest: lengthOf(ends.at(-1)) }
}

/** Puts a replacement in place of the first, or of every, longest match. */
export function globReplace(
  pattern: string,
  text: string,
  replacement: string,
  all: boolean,
): string {
  const signs = [...text]
  const list = tokens(pattern)
  let out = ''
  let at = 0
  let replaced = false
  while (at < signs.length) {
    const stop = replaced && !all ? undefined : matchEnds(list, signs, at).at(-1)
    // an empty match would replace nothing for ever
    if (stop === undefined || stop === at) {
      out += signs[at++] ?? ''
      continue
    }
    out += replacement
    replaced = true
    at = stop
  }
  return out
}

/** All places where a match that begins at `from` can end, in rising order. */
function matchEnds(pattern: Token[], signs: string[], from: number): number[] {
  // filled in rising order, and read in it
  let here = new Set([from])
  for (const token of pattern) {
    const next = new Set<number>()
    if ('any' in token && token.any === 'many') {
      const [first = signs.length + 1] = here
      for (let at = first; at <= signs.length; at++) next.add(at)
    } else {
      for (const at of here) {
        if (at < signs.length && ('any' in token || signs[at] === token.sign)) next.add(at + 1)
      }
    }
    if (next.size === 0) return []
    here = next
  }
  return [...here]
}
