import { durationNanos } from '../duration.ts'
import { errorMessage, InvalidParameterError } from '../errors.ts'
import { goBoolean } from '../go-boolean.ts'

/** Options of every driver: which labels and variables go with the lines, and how they are marked. */
export const ATTRIBUTE_OPTIONS = ['labels', 'labels-regex', 'env', 'env-regex', 'tag']

/** @throws INVALID_PARAMETER in the driver's words for the first option that neither it nor every driver has */
export function checkNames(
  options: Record<string, string>,
  known: string[],
  words: (name: string) => string,
): void {
  for (const name of Object.keys(options)) {
    if (!known.includes(name) && !ATTRIBUTE_OPTIONS.includes(name))
      throw new InvalidParameterError(words(name))
  }
}

/** A yes or no. @throws INVALID_PARAMETER naming the option */
export function parseBool(text: string, option: string): boolean {
  const truth = goBoolean(text)
  if (truth === undefined)
    throw new InvalidParameterError(`invalid value for option ${option}: ${text}`)
  return truth
}

/** A duration as Go writes it (`1.5s`, `1m30s`), in milliseconds. @throws INVALID_PARAMETER naming the option */
export function parseDurationMs(text: string, option: string): number {
  if (text === '0') return 0
  try {
    return durationNanos(text) / 1e6
  } catch (cause) {
    throw new InvalidParameterError(`invalid value for ${option}: ${errorMessage(cause)}`, {
      cause,
    })
  }
}

/** A regular expression of Go's; its inline flags at the start are JavaScript's flags. @throws INVALID_PARAMETER */
export function parsePattern(text: string): RegExp {
  const [, flags = '', pattern = text] = /^\(\?([ims]+)\)(.*)$/s.exec(text) ?? []
  try {
    return new RegExp(pattern, flags)
  } catch (cause) {
    throw new InvalidParameterError(`error parsing regexp: ${(cause as Error).message}`, { cause })
  }
}

/** Host and port of `host:port`, `[::1]:port` or, with a default port, `host`. */
export function splitHostPort(
  text: string,
  defaultPort?: number,
): { host: string; port: number } | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text)
  const port = match?.[3] === undefined ? defaultPort : Number(match[3])
  if (!match || port === undefined || port > 65535) return undefined
  return { host: match[1] ?? match[2] ?? '', port }
}
