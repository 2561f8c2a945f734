import { InvalidParameterError } from '../errors.ts'
import { parseDecimalSize, parseSize } from '../size.ts'
import type { HostConfig } from '../types/docker.ts'
import { checkFluentd } from './forward/fluentd-options.ts'
import { checkGelf } from './forward/gelf-options.ts'
import { checkJournald } from './forward/journald-options.ts'
import { checkSyslog } from './forward/syslog-options.ts'
import { EXAMPLE_INFO, extraAttributes } from './info.ts'
import { ATTRIBUTE_OPTIONS, checkNames, parseBool } from './option-values.ts'
import { renderTag } from './tag.ts'

export type LogConfig = NonNullable<HostConfig['LogConfig']>

/** Where a container's log goes: the driver's name and its options, both settled. */
export interface LogSettings {
  driver: string
  options: Record<string, string>
}

/** The copy that is kept on this host, whatever the driver. */
export interface LocalCopy {
  /** Bytes after which a file is rotated; 0: never. */
  maxSizeBytes: number
  maxFiles: number
  /** Rotated files are gzip'ed. */
  compress: boolean
  /** Bytes of lines that may wait for the disk before some are lost; 0: what the container prints waits. */
  bufferBytes: number
  /** False when `cache-disabled` asks that nobody read it: it is then only what waits to be sent. */
  readable: boolean
}

/** What each driver that keeps its log here, or sends it elsewhere, checks of its own options. */
const CHECKS: Record<string, (options: Record<string, string>, journaldSocket: string) => void> = {
  'json-file': (options) => {
    checkNames(
      options,
      FILE_OPTIONS,
      (name) => `unknown log opt '${name}' for json-file log driver`,
    )
    jsonFileCopy(options)
  },
  local: (options) => {
    checkNames(options, FILE_OPTIONS, (name) => `unknown log opt '${name}' for log driver local`)
    localFileCopy(options)
  },
  syslog: checkSyslog,
  journald: checkJournald,
  gelf: checkGelf,
  fluentd: checkFluentd,
}

/** Docker's own that this engine does not have: each sends to one vendor's service. */
const ABSENT = ['awslogs', 'splunk', 'gcplogs', 'etwlogs', 'logentries']

const FILE_OPTIONS = ['max-file', 'max-size', 'compress']

const CACHE_OPTIONS = [...FILE_OPTIONS, ...ATTRIBUTE_OPTIONS, 'disabled'].map(
  (name) => `cache-${name}`,
)
const COMMON_OPTIONS = ['mode', 'max-buffer-size', ...CACHE_OPTIONS]

/** The drivers of this host, as `docker info` lists them. */
export function logDrivers(options: { journald: boolean }): string[] {
  return Object.keys(CHECKS)
    .filter((name) => name !== 'journald' || options.journald)
    .sort()
}

/** True when lines are also sent somewhere. */
export function isForwarded({ driver }: LogSettings): boolean {
  return !['none', 'json-file', 'local'].includes(driver)
}

/**
 * What a container is asked to log to, with the engine's own setting where it does not say: its driver when none is
 * named, and then, or when the same is named, its options too.
 *
 * @see moby: daemon/logs.go, mergeAndVerifyLogConfig
 */
export function mergeLogConfig(asked: LogConfig | undefined, byDefault: LogSettings): LogSettings {
  const driver = asked?.Type ?? byDefault.driver
  const inherited = Object.entries(byDefault.options).filter(
    ([name]) => driver === byDefault.driver || (driver !== 'none' && CACHE_OPTIONS.includes(name)),
  )
  return { driver, options: { ...Object.fromEntries(inherited), ...asked?.Config } }
}

/** The same as the API has it; its list of types is not complete. */
export function logConfigOf({ driver, options }: LogSettings): LogConfig {
  return { Type: driver as NonNullable<LogConfig['Type']>, Config: options }
}

/** What a container's document says; one of before there were drivers says nothing. */
export function logSettingsOf(config: LogConfig | undefined): LogSettings {
  return { driver: config?.Type ?? 'json-file', options: config?.Config ?? {} }
}

/**
 * Checks a driver and its options, so that a start does not fail by them.
 *
 * @throws INVALID_PARAMETER in Docker's words
 */
export function checkLogSettings(settings: LogSettings, journaldSocket: string): void {
  const { driver, options } = settings
  const check = Object.hasOwn(CHECKS, driver) ? CHECKS[driver] : undefined
  if (driver === 'none') {
    const [name] = Object.keys(options)
    if (name === undefined) return
    throw new InvalidParameterError(`unknown log opt '${name}' for none log driver`)
  }
  if (check === undefined) {
    throw new InvalidParameterError(
      `logger: no log driver named '${driver}' is registered${
        ABSENT.includes(driver) ? ': this engine does not have it' : ''
      }`,
    )
  }
  checkMode(options)
  const own = Object.entries(options).filter(([name]) => !COMMON_OPTIONS.includes(name))
  check(Object.fromEntries(own), journaldSocket)
  localCopyOf(settings)
  for (const attributes of [options, cacheOptions(options)]) {
    extraAttributes({ ...EXAMPLE_INFO, options: attributes })
    renderTag(attributes['tag'] ?? '', EXAMPLE_INFO)
  }
}

/** How the copy of a driver's lines is kept here; undefined for `none`. */
export function localCopyOf({ driver, options }: LogSettings): LocalCopy | undefined {
  if (driver === 'none') return undefined
  const bufferBytes = bufferOf(options)
  if (driver === 'json-file') return { ...jsonFileCopy(options), bufferBytes }
  if (driver === 'local') return { ...localFileCopy(options), bufferBytes }
  const copy = localFileCopy(cacheOptions(options))
  const buffer = Math.max(
    ...['max-buffer-size', 'fluentd-buffer-limit'].map((name) => parseSize(options[name] ?? '0')),
  )
  return {
    ...copy,
    bufferBytes,
    // What a collector that is away may come to need: the files before the newest hold that much.
    maxSizeBytes:
      copy.maxSizeBytes === 0
        ? 0
        : Math.max(copy.maxSizeBytes, Math.ceil(buffer / Math.max(1, copy.maxFiles - 1))),
    readable: !parseBool(options['cache-disabled'] ?? 'false', 'cache-disabled'),
  }
}

/** The options that speak of the copy on this host: a file driver's own, else those with `cache-` in front. */
export function copyOptions({ driver, options }: LogSettings): Record<string, string> {
  return driver === 'json-file' || driver === 'local' ? options : cacheOptions(options)
}

function cacheOptions(options: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(options)
      .filter(([name]) => name.startsWith('cache-'))
      .map(([name, value]) => [name.slice('cache-'.length), value]),
  )
}

type Files = Omit<LocalCopy, 'bufferBytes'>

/** @see moby: daemon/logger/jsonfilelog/jsonfilelog.go */
function jsonFileCopy(options: Record<string, string>): Files {
  const size = options['max-size']
  const maxSizeBytes = size === undefined ? 0 : parseDecimalSize(size)
  if (size !== undefined && maxSizeBytes <= 0)
    throw new InvalidParameterError('max-size must be a positive number')
  const maxFiles = fileCount(options['max-file'] ?? '1', 'max-file cannot be less than 1')
  const compress = parseBool(options['compress'] ?? 'false', 'compress')
  if (compress && (maxFiles === 1 || maxSizeBytes === 0)) {
    throw new InvalidParameterError(
      'compress cannot be true when max-file is less than 2 or max-size is not set',
    )
  }
  return { maxSizeBytes, maxFiles, compress, readable: true }
}

/** @see moby: daemon/logger/local/config.go */
function localFileCopy(options: Record<string, string>): Files {
  const maxSizeBytes = parseDecimalSize(options['max-size'] ?? '20m')
  if (maxSizeBytes <= 0) throw new InvalidParameterError('max-size must be a positive number')
  const maxFiles = fileCount(options['max-file'] ?? '5', 'max-file cannot be less than 1')
  const compress = parseBool(options['compress'] ?? 'true', 'compress')
  if (compress && maxFiles === 1)
    throw new InvalidParameterError('compression cannot be enabled when max file count is 1')
  return { maxSizeBytes, maxFiles, compress, readable: true }
}

/** A rotation renames every file, so their number has a bound. */
function fileCount(text: string, tooFew: string): number {
  if (!/^[+-]?\d{1,15}$/.test(text)) {
    throw new InvalidParameterError(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`)
  }
  const count = Number(text)
  if (count < 1) throw new InvalidParameterError(tooFew)
  if (count > 9999) throw new InvalidParameterError('max-file cannot be more than 9999')
  return count
}

/** As long as nothing else is asked for. @see moby: daemon/logger/ring.go, defaultRingMaxSize */
const BUFFER_BYTES = 1e6
/** What the kernel lets a socket hold. */
const MOST_BUFFER_BYTES = 2 ** 30 - 1

/**
 * Lines go to a file on this host before they go anywhere else, so a container never waits for a collector, in either
 * mode. In `non-blocking` it does not wait for this host's disk either.
 */
function bufferOf(options: Record<string, string>): number {
  if (options['mode'] !== 'non-blocking') return 0
  const size = options['max-buffer-size']
  // 0 is the smallest there is, with Docker too
  return size === undefined ? BUFFER_BYTES : Math.max(1, parseSize(size))
}

function checkMode(options: Record<string, string>): void {
  const mode = options['mode'] ?? ''
  if (!['', 'blocking', 'non-blocking'].includes(mode))
    throw new InvalidParameterError(`logger: logging mode not supported: ${mode}`)
  const size = options['max-buffer-size']
  if (size === undefined) return
  if (mode !== 'non-blocking') {
    throw new InvalidParameterError(
      "logger: max-buffer-size option is only supported with 'mode=non-blocking'",
    )
  }
  if (parseSize(size) > MOST_BUFFER_BYTES)
    throw new InvalidParameterError(`log opt max-buffer-size=${size} is more than a gigabyte`)
}
