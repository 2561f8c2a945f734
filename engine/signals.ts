import os from 'node:os'
import { InvalidParameterError } from './errors.ts'

const HIGHEST = 64

/**
 * The number of a signal given as `SIGTERM`, `term`, `15` or `RTMIN+1`.
 *
 * @throws INVALID_PARAMETER in Docker's words
 * @see signal(7)
 */
export function parseSignal(text: string): number {
  if (/^-?\d+$/.test(text)) {
    const number = Number(text)
    if (number >= 1 && number <= HIGHEST) return number
    throw new InvalidParameterError(
      number === 0
        ? `invalid signal: ${text}`
        : `the linux daemon does not support signal ${String(number)}`,
    )
  }
  const name = text.toUpperCase().replace(/^SIG/, '')
  const realTime = /^RTM(IN|AX)(?:([+-])(\d{1,2}))?$/.exec(name)
  if (realTime) {
    // 32 and 33 belong to the C library's threads
    const base = realTime[1] === 'IN' ? 34 : HIGHEST
    const number = base + (realTime[2] === '-' ? -1 : 1) * Number(realTime[3] ?? 0)
    if (number >= 34 && number <= HIGHEST) return number
    throw new InvalidParameterError(`invalid signal: ${text}`)
  }
  const number = (os.constants.signals as Record<string, number | undefined>)[`SIG${name}`]
  if (number === undefined) throw new InvalidParameterError(`invalid signal: ${text}`)
  return number
}
