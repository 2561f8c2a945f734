import path from 'node:path'
import { InvalidParameterError } from '../errors.ts'
import { pathPattern } from './path-pattern.ts'

/**
 * The patterns of a `.dockerignore`, in their order: without comments and empty lines, relative to the context and without
 * `.`, `..` and doubled slashes, an exception with its `!` before it. That there is something to except is for
 * IgnoreRules to see, or for the client that they are sent to.
 *
 * @see https://docs.docker.com/build/concepts/context/, ".dockerignore files"
 * @see moby/patternmatcher: ignorefile.ReadAll
 */
export function ignorePatterns(text: string): string[] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => {
      const [sign, pattern] = line.startsWith('!') ? ['!', line.slice(1).trim()] : ['', line]
      return pattern === '' ? sign : `${sign}${relative(pattern)}`
    })
}

/** Which paths of a context an ignore file (or `COPY --exclude`) leaves out. */
export class IgnoreRules {
  readonly #rules: { excludes: boolean; fits: (path: string) => boolean }[]
  /** Some rule takes paths in again, so that an excluded directory may hold some that are not. */
  readonly hasExceptions: boolean

  /** @throws INVALID_PARAMETER when a pattern is malformed */
  constructor(patterns: readonly string[]) {
    this.#rules = patterns.map(toRule).filter((rule) => rule !== undefined)
    this.hasExceptions = this.#rules.some(({ excludes }) => !excludes)
  }

  /** @param file path below the context's root, without a leading slash; the last rule that fits it or a parent decides */
  excludes(file: string): boolean {
    const parts = file.split('/')
    const prefixes = parts.map((_, index) => parts.slice(0, index + 1).join('/'))
    let excluded = false
    for (const { excludes, fits } of this.#rules) {
      if (excludes !== excluded && prefixes.some(fits)) excluded = excludes
    }
    return excluded
  }
}

function toRule(
  pattern: string,
): { excludes: boolean; fits: (path: string) => boolean } | undefined {
  const excludes = !pattern.startsWith('!')
  const text = excludes ? pattern : pattern.slice(1).trim()
  if (text === '' && !excludes) throw new InvalidParameterError('illegal exclusion pattern: "!"')
  if (text === '') return undefined
  // `/`, `.` and what lies above the context fit nothing in it
  return { excludes, fits: pathPattern(relative(text)) }
}

function relative(pattern: string): string {
  const clean = path.posix.normalize(pattern)
  return clean === '/' ? clean : clean.replace(/^\/+|\/+$/g, '')
}
