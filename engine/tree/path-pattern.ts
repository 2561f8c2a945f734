import { InvalidParameterError } from '../errors.ts'

/** Where matches that began before may go on from here; `at` counts characters of the path. */
type Step = (path: string, at: number) => number[]

/**
 * A pattern of Go's path.Match, with `**` for any number of directories, as a test of slash-separated paths. It follows
 * all possible matches at once, so that no pattern, however hostile, takes longer than its length times the path's.
 *
 * @see https://docs.docker.com/build/concepts/context/, ".dockerignore files", "Syntax"
 * @throws INVALID_PARAMETER when it is malformed
 */
export function pathPattern(pattern: string): (path: string) => boolean {
  const steps = stepsOf(pattern)
  return (path) => {
    let here = new Set([0])
    for (const step of steps) {
      const next = new Set<number>()
      for (const at of here) for (const end of step(path, at)) next.add(end)
      if (next.size === 0) return false
      here = next
    }
    return here.has(path.length)
  }
}

function stepsOf(pattern: string): Step[] {
  const steps: Step[] = []
  for (let at = 0; at < pattern.length; at++) {
    const sign = pattern.charAt(at)
    if (sign === '*' && pattern.charAt(at + 1) === '*') {
      while (pattern.charAt(at + 1) === '*') at++
      const isLast = at === pattern.length - 1
      if (pattern.charAt(at + 1) === '/') at++
      steps.push(isLast ? rest : directories)
    } else if (sign === '*') steps.push(many)
    else if (sign === '?') steps.push(one((found) => found !== '/'))
    else if (sign === '[') {
      const set = /^\[(\^?)((?:\\.|[^\]\\])+)\]/s.exec(pattern.slice(at))
      if (!set) throw malformed(pattern)
      const isIn = setOf(set[2] ?? '', pattern)
      const wanted = set[1] === ''
      steps.push(one((found) => found !== '/' && isIn(found) === wanted))
      at += set[0].length - 1
    } else if (sign === '\\') {
      const escaped = pattern.charAt(++at)
      if (escaped === '') throw malformed(pattern)
      steps.push(one((found) => found === escaped))
    } else steps.push(one((found) => found === sign))
  }
  return steps
}

function one(fits: (sign: string) => boolean): Step {
  return (path, at) => (at < path.length && fits(path.charAt(at)) ? [at + 1] : [])
}

/** `*`: any characters of one name. */
function many(path: string, at: number): number[] {
  const slash = path.indexOf('/', at)
  const end = slash < 0 ? path.length : slash
  return Array.from({ length: end - at + 1 }, (_, more) => at + more)
}

/** A `**` before more: none or several directories, whole. */
function directories(path: string, at: number): number[] {
  const ends = [at]
  for (let slash = path.indexOf('/', at); slash >= 0; slash = path.indexOf('/', slash + 1))
    ends.push(slash + 1)
  return ends
}

/** A `**` at the end: all that is left. */
function rest(path: string): number[] {
  return [path.length]
}

/** The inside of `[…]`: characters and ranges. */
function setOf(text: string, pattern: string): (sign: string) => boolean {
  const ranges: [string, string][] = []
  const signs = [...text.matchAll(/\\(.)|([^\\])/gs)].map(([, escaped, plain]) => ({
    sign: escaped ?? plain ?? '',
    isDash: plain === '-',
  }))
  for (let at = 0; at < signs.length; at++) {
    const low = signs[at]?.sign ?? ''
    if (signs[at + 1]?.isDash !== true) {
      ranges.push([low, low])
      continue
    }
    const high = signs[at + 2]?.sign
    if (high === undefined || high < low) throw malformed(pattern)
    ranges.push([low, high])
    at += 2
  }
  return (sign) => ranges.some(([low, high]) => sign >= low && sign <= high)
}

function malformed(pattern: string): InvalidParameterError {
  return new InvalidParameterError(`syntax error in pattern ${JSON.stringify(pattern)}`)
}
