import { InvalidParameterError } from '../errors.ts'

/** Where something stands in a Dockerfile; lines count from 1, both ends included. */
export interface Location {
  line: number
  endLine: number
}

/** What is wrong with a Dockerfile, and where. */
export class DockerfileError extends InvalidParameterError {
  readonly location: Location
  /** What is wrong, without where. */
  readonly reason: string

  constructor(reason: string, location: Location, options?: ErrorOptions) {
    super(`dockerfile parse error on line ${String(location.line)}: ${reason}`, options)
    this.location = location
    this.reason = reason
  }
}

/** Lines shown around the one that is wrong. */
const CONTEXT = 2

/**
 * The lines around a location as BuildKit's clients show them, those meant marked:
 *
 *     Dockerfile:3
 *     --------------------
 *        2 |     FROM busybox
 *        3 | >>> RUNN true
 *     --------------------
 */
export function excerpt(source: string, { line, endLine }: Location, name = 'Dockerfile'): string {
  const lines = source.split(/\r?\n/)
  const first = Math.max(1, line - CONTEXT)
  const last = Math.min(lines.length, endLine + CONTEXT)
  const rule = '-'.repeat(20)
  const shown: string[] = []
  for (let number = first; number <= last; number++) {
    const mark = number >= line && number <= endLine ? '>>>' : '   '
    shown.push(`${String(number).padStart(4)} | ${mark} ${lines[number - 1] ?? ''}`.trimEnd())
  }
  return [`${name}:${String(line)}`, rule, ...shown, rule].join('\n')
}
