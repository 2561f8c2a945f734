import path from 'node:path'
import { InvalidParameterError } from '../errors.ts'
import { pathPattern } from './path-pattern.ts'

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

  /** Reads the lines of a `.dockerignore`. */
  static parse(text: string): IgnoreRules {
    const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
    return new IgnoreRules(
      lines
        .filter((line) => !line.startsWith('#'))
        .map((line) => line.trim())
        .filter((line) => line !== ''),
    )
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
  const clean = path.posix.normalize(text).replace(/\/+$/, '')
  const relative = clean.replace(/^\/+/, '')
  // `.` and what lies above the context fit nothing in it
  return { excludes, fits: pathPattern(relative) }
}
