import path from 'node:path'
import { InvalidParameterError } from '../errors.ts'
import type { HealthConfig, ImageConfig } from '../types/docker.ts'

const INSTRUCTIONS: Record<string, (config: ImageConfig, rest: string) => void> = {
  CMD: (config, rest) => {
    config.Cmd = command(rest)
  },
  ENTRYPOINT: (config, rest) => {
    config.Entrypoint = command(rest)
  },
  ENV: (config, rest) => {
    const env = new Map((config.Env ?? []).map((entry) => [entry.split('=', 1)[0] ?? '', entry]))
    for (const [key, value] of pairs('ENV', rest)) env.set(key, `${key}=${value}`)
    config.Env = [...env.values()]
  },
  EXPOSE: (config, rest) => {
    const ports = required('EXPOSE', words(rest)).flatMap(portRange)
    config.ExposedPorts = {
      ...config.ExposedPorts,
      ...Object.fromEntries(ports.map((port) => [port, {}])),
    }
  },
  HEALTHCHECK: (config, rest) => {
    config.Healthcheck = healthcheck(rest)
  },
  LABEL: (config, rest) => {
    config.Labels = { ...config.Labels, ...Object.fromEntries(pairs('LABEL', rest)) }
  },
  ONBUILD: (config, rest) => {
    const trigger = /^\S+/.exec(rest)?.[0].toUpperCase()
    if (trigger === undefined) throw atLeastOne('ONBUILD')
    if (trigger === 'ONBUILD')
      throw new InvalidParameterError("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
    if (trigger === 'MAINTAINER' || trigger === 'FROM') {
      throw new InvalidParameterError(`${trigger} isn't allowed as an ONBUILD trigger`)
    }
    config.OnBuild = [...(config.OnBuild ?? []), rest]
  },
  STOPSIGNAL: (config, rest) => {
    const signal = exactlyOne('STOPSIGNAL', rest)
    if (!/^(\d{1,2}|(SIG)?[A-Z][A-Z0-9]*([+-]\d{1,2})?)$/i.test(signal)) {
      throw new InvalidParameterError(`Invalid signal: ${signal}`)
    }
    config.StopSignal = signal
  },
  USER: (config, rest) => {
    config.User = exactlyOne('USER', rest)
  },
  VOLUME: (config, rest) => {
    const volumes = required('VOLUME', jsonStrings(rest) ?? words(rest))
    if (volumes.some((volume) => volume.trim() === '')) {
      throw new InvalidParameterError('VOLUME specified can not be an empty string')
    }
    config.Volumes = {
      ...config.Volumes,
      ...Object.fromEntries(volumes.map((volume) => [volume.trim(), {}])),
    }
  },
  WORKDIR: (config, rest) => {
    const directory = exactlyOne('WORKDIR', rest)
    config.WorkingDir = path.posix.resolve('/', config.WorkingDir ?? '', directory)
  },
}

/**
 * Applies Dockerfile instructions to an image's config, as `docker import --change` and `docker commit --change` give
 * them; a text may hold several lines.
 *
 * @throws INVALID_PARAMETER naming an instruction that is none, or not allowed here
 * @see POST /images/create, `changes`
 */
export function applyChanges(config: ImageConfig, changes: readonly string[]): ImageConfig {
  const changed = { ...config }
  for (const line of changes.flatMap((text) => text.replace(/\\\r?\n/g, '').split('\n'))) {
    const text = line.trim()
    if (text === '' || text.startsWith('#')) continue
    const [, name = '', rest = ''] = /^(\S+)\s*(.*)$/s.exec(text) ?? []
    const apply = Object.hasOwn(INSTRUCTIONS, name.toUpperCase())
      ? INSTRUCTIONS[name.toUpperCase()]
      : undefined
    if (!apply) throw new InvalidParameterError(`${name} is not a valid change command`)
    apply(changed, rest)
  }
  return changed
}

/** The exec form when it is a JSON list of strings, else the shell's. */
function command(rest: string): string[] {
  return jsonStrings(rest) ?? (rest === '' ? [] : ['/bin/sh', '-c', rest])
}

function jsonStrings(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) && value.every((item) => typeof item === 'string')
      ? value
      : undefined
  } catch {
    // not JSON: the shell form may begin with a bracket, too
    return undefined
  }
}

/** `key=value …` with quotes, or the old `key the rest`. */
function pairs(instruction: string, rest: string): [string, string][] {
  const list = required(instruction, words(rest, true))
  const first = list[0] ?? ''
  if (!first.includes('=')) {
    const [, key = '', value] = /^(\S+)\s+(.*)$/s.exec(rest) ?? []
    if (value === undefined)
      throw new InvalidParameterError(`${instruction} must have two arguments`)
    return [[key, value]]
  }
  return list.map((word) => {
    const equals = word.indexOf('=')
    if (equals < 0) {
      throw new InvalidParameterError(
        `Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`,
      )
    }
    const key = unquote(word.slice(0, equals))
    if (key === '') throw new InvalidParameterError(`${instruction} names can not be blank`)
    return [key, unquote(word.slice(equals + 1))]
  })
}

/** Splits at white space; with `quotes`, not inside of them nor after a backslash. */
function words(text: string, quotes = false): string[] {
  if (!quotes) return text.split(/\s+/).filter((word) => word !== '')
  return text.match(/(?:\\.|'[^']*'|"(?:\\.|[^"\\])*"|[^\s\\'"]|['"\\])+/gs) ?? []
}

function unquote(word: string): string {
  return word.replace(
    /\\(.)|'([^']*)'|"((?:\\.|[^"\\])*)"/gs,
    (_, escaped?: string, single?: string, double?: string) =>
      escaped ?? single ?? (double ?? '').replace(/\\(["\\$])/g, '$1'),
  )
}

/** `80`, `80/udp`, `8000-8010/tcp`. */
export function portRange(text: string): string[] {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(text)
  const first = Number(match?.[1])
  const last = Number(match?.[2] ?? match?.[1])
  if (!match || first > last || last > 65535)
    throw new InvalidParameterError(`Invalid containerPort: ${text}`)
  const protocol = (match[3] ?? 'tcp').toLowerCase()
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol}`)
}

const HEALTH_OPTIONS: Record<
  string,
  'Interval' | 'Timeout' | 'StartPeriod' | 'StartInterval' | 'Retries'
> = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  'start-interval': 'StartInterval',
  retries: 'Retries',
}

function healthcheck(rest: string): HealthConfig {
  const config: HealthConfig = {}
  let text = rest
  for (;;) {
    const match = /^--([a-z-]+)=(\S+)\s+/.exec(text)
    if (!match) break
    const field = HEALTH_OPTIONS[match[1] ?? '']
    if (!field) throw new InvalidParameterError(`unknown flag: ${match[1]}`)
    config[field] = field === 'Retries' ? retries(match[2] ?? '') : durationNanos(match[2] ?? '')
    text = text.slice(match[0].length)
  }
  const [, type = '', check = ''] = /^(\S+)\s*(.*)$/s.exec(text) ?? []
  switch (type.toUpperCase()) {
    case 'NONE':
      if (check !== '') throw new InvalidParameterError('HEALTHCHECK NONE takes no arguments')
      return { Test: ['NONE'] }
    case 'CMD': {
      if (check === '') throw new InvalidParameterError('Missing command after HEALTHCHECK CMD')
      const list = jsonStrings(check)
      return { ...config, Test: list ? ['CMD', ...list] : ['CMD-SHELL', check] }
    }
    default:
      throw new InvalidParameterError(
        `Unknown type ${JSON.stringify(type)} in HEALTHCHECK (try CMD)`,
      )
  }
}

function retries(text: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (count < 1) throw new InvalidParameterError(`--retries must be at least 1 (not ${text})`)
  return count
}

const NANOS: Record<string, number> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
}

/** A Go duration such as `1m30s`, in nanoseconds; at least a millisecond, as health checks want it. */
function durationNanos(text: string): number {
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text)) {
    throw new InvalidParameterError(`time: invalid duration ${JSON.stringify(text)}`)
  }
  let nanos = 0
  for (const [, amount, unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) {
    nanos += Number(amount) * (NANOS[unit] ?? 0)
  }
  if (nanos < 1e6)
    throw new InvalidParameterError(`Interval ${JSON.stringify(text)} cannot be less than 1ms`)
  return Math.round(nanos)
}

function exactlyOne(instruction: string, rest: string): string {
  const list = words(rest, true)
  const [only] = list
  if (only === undefined || list.length > 1) {
    throw new InvalidParameterError(`${instruction} requires exactly one argument`)
  }
  return unquote(only)
}

function required(instruction: string, list: string[]): string[] {
  if (list.length === 0) throw atLeastOne(instruction)
  return list
}

function atLeastOne(instruction: string): InvalidParameterError {
  return new InvalidParameterError(`${instruction} requires at least one argument`)
}
