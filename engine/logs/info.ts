import { parsePattern } from './option-values.ts'

/** What a log driver may say about the container whose lines it carries. */
export interface LogInfo {
  options: Record<string, string>
  id: string
  name: string
  entrypoint: string
  args: string[]
  /** `sha256:…` */
  imageId: string
  /** As it was asked for. */
  imageName: string
  /** RFC 3339. */
  created: string
  /** `NAME=value` */
  env: string[]
  labels: Record<string, string>
  logPath: string
  hostname: string
}

/** For checks of what will be rendered for a container that is not there yet. */
export const EXAMPLE_INFO: LogInfo = {
  options: {},
  id: '0'.repeat(64),
  name: 'example',
  entrypoint: 'sh',
  args: [],
  imageId: `sha256:${'0'.repeat(64)}`,
  imageName: 'example',
  created: '2026-01-01T00:00:00Z',
  env: [],
  labels: {},
  logPath: '/',
  hostname: 'example',
}

/**
 * The labels and environment variables that the options `labels`, `labels-regex`, `env` and `env-regex` choose.
 *
 * @param keyOf what a driver makes of their names
 * @throws INVALID_PARAMETER when a pattern is none
 * @see moby: daemon/logger/loginfo.go, ExtraAttributes
 */
export function extraAttributes(
  info: LogInfo,
  keyOf: (name: string) => string = (name) => name,
): Record<string, string> {
  const { options } = info
  const env = Object.fromEntries(
    info.env
      .filter((entry) => entry.includes('='))
      .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  )
  return {
    ...chosen(info.labels, options['labels'], options['labels-regex'], keyOf),
    ...chosen(env, options['env'], options['env-regex'], keyOf),
  }
}

function chosen(
  from: Record<string, string>,
  names = '',
  pattern = '',
  keyOf: (name: string) => string,
): Record<string, string> {
  const listed = names === '' ? [] : names.split(',').filter((name) => Object.hasOwn(from, name))
  const regex = pattern === '' ? undefined : parsePattern(pattern)
  const matched = regex ? Object.keys(from).filter((name) => regex.test(name)) : []
  return Object.fromEntries([...listed, ...matched].map((name) => [keyOf(name), from[name] ?? '']))
}

/** JSON as Go's encoding/json writes a map: keys in order, and nothing that could end a script element. */
export function goJson(map: Record<string, unknown>): string {
  const sorted = Object.fromEntries(
    Object.entries(map).sort(([one], [other]) => (one < other ? -1 : 1)),
  )
  return JSON.stringify(sorted).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
