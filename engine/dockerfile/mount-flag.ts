import path from 'node:path'
import { InvalidParameterError } from '../errors.ts'
import { goBoolean } from '../go-boolean.ts'
import { parseSize } from '../size.ts'
import { didYouMean } from './did-you-mean.ts'

/** What one `RUN --mount=…` asks for. */
export type RunMount =
  | {
      type: 'bind'
      /** A stage or an image; undefined is the build context. */
      from: string | undefined
      source: string
      target: string
      writable: boolean
    }
  | {
      type: 'cache'
      id: string
      from: string | undefined
      source: string
      target: string
      readonly: boolean
      sharing: 'shared' | 'private' | 'locked'
      /** Of the directory when it is made. */
      mode: number
      uid: number
      gid: number
    }
  | { type: 'tmpfs'; target: string; sizeBytes: number | undefined }
  | {
      type: 'secret'
      id: string
      /** A file to show it as, an environment variable, or both. */
      target: string | undefined
      env: string | undefined
      required: boolean
      mode: number
      uid: number
      gid: number
    }
  | {
      type: 'ssh'
      id: string
      target: string | undefined
      required: boolean
      mode: number
      uid: number
      gid: number
    }

type MountType = RunMount['type']

/** The keys of each type, synonyms behind what they stand for. */
const KEYS: Record<MountType, readonly string[]> = {
  bind: ['from', 'source', 'target', 'readwrite', 'readonly'],
  cache: [
    'id',
    'from',
    'source',
    'target',
    'readonly',
    'readwrite',
    'sharing',
    'mode',
    'uid',
    'gid',
  ],
  tmpfs: ['target', 'size'],
  secret: ['id', 'source', 'target', 'env', 'required', 'mode', 'uid', 'gid'],
  ssh: ['id', 'target', 'required', 'mode', 'uid', 'gid'],
}

const SYNONYMS = new Map<string, string>(
  Object.entries({
    src: 'source',
    dst: 'target',
    destination: 'target',
    rw: 'readwrite',
    ro: 'readonly',
  }),
)

/**
 * Reads one `--mount`: fields parted by commas, as CSV.
 *
 * @param text with its variables expanded, but for `from`
 * @throws INVALID_PARAMETER naming the field
 * @see https://docs.docker.com/reference/dockerfile/, "RUN --mount"
 */
export function parseMountFlag(text: string): RunMount {
  const fields = new Map<string, string | undefined>()
  for (const field of csvFields(text)) {
    const equals = field.indexOf('=')
    const key = (equals < 0 ? field : field.slice(0, equals)).toLowerCase().trim()
    fields.set(SYNONYMS.get(key) ?? key, equals < 0 ? undefined : field.slice(equals + 1))
  }
  const type = typeOf(fields.get('type'))
  for (const key of fields.keys()) {
    if (key === 'type' || KEYS[type].includes(key)) continue
    const known = ['type', ...KEYS[type], ...SYNONYMS.keys()]
    throw new InvalidParameterError(
      `unexpected key '${key}' in '${text}' for mount type '${type}'${didYouMean(key, known)}`,
    )
  }
  return mountOf(type, new Fields(fields, text))
}

function mountOf(type: MountType, fields: Fields): RunMount {
  switch (type) {
    case 'bind':
      return {
        type,
        from: fields.text('from'),
        source: fields.text('source') ?? '/',
        target: fields.needed('target'),
        writable: fields.flag('readwrite') ?? fields.flag('readonly') === false,
      }
    case 'cache': {
      const target = fields.needed('target')
      return {
        type,
        id: fields.text('id') ?? path.posix.join(target, '.').replace(/(.)\/$/, '$1'),
        from: fields.text('from'),
        source: fields.text('source') ?? '/',
        target,
        readonly: fields.flag('readonly') ?? fields.flag('readwrite') === false,
        sharing: sharingOf(fields.text('sharing')),
        mode: fields.octal('mode') ?? 0o755,
        uid: fields.whole('uid') ?? 0,
        gid: fields.whole('gid') ?? 0,
      }
    }
    case 'tmpfs': {
      const size = fields.text('size')
      return {
        type,
        target: fields.needed('target'),
        sizeBytes: size === undefined ? undefined : parseSize(size),
      }
    }
    case 'secret': {
      const source = fields.text('id') ?? fields.text('source')
      const target = fields.text('target')
      const env = fields.text('env')
      const id = source ?? target?.split('/').at(-1)
      if (id === undefined) throw new InvalidParameterError('secret mount: id is required')
      return {
        type,
        id,
        target: target ?? (env === undefined ? `/run/secrets/${id}` : undefined),
        env,
        required: fields.flag('required') ?? false,
        mode: fields.octal('mode') ?? 0o400,
        uid: fields.whole('uid') ?? 0,
        gid: fields.whole('gid') ?? 0,
      }
    }
    case 'ssh':
      return {
        type,
        id: fields.text('id') ?? 'default',
        target: fields.text('target'),
        required: fields.flag('required') ?? false,
        mode: fields.octal('mode') ?? 0o600,
        uid: fields.whole('uid') ?? 0,
        gid: fields.whole('gid') ?? 0,
      }
  }
}

class Fields {
  readonly #fields: Map<string, string | undefined>
  readonly #text: string

  constructor(fields: Map<string, string | undefined>, text: string) {
    this.#fields = fields
    this.#text = text
  }

  text(key: string): string | undefined {
    if (!this.#fields.has(key)) return undefined
    const value = this.#fields.get(key)
    if (value === undefined || value === '')
      throw new InvalidParameterError(
        `invalid field '${key}' must be a key=value pair in '${this.#text}'`,
      )
    return value
  }

  needed(key: string): string {
    const value = this.text(key)
    if (value === undefined)
      throw new InvalidParameterError(`a ${key} is needed in '--mount=${this.#text}'`)
    return value
  }

  /** `key` alone is true. */
  flag(key: string): boolean | undefined {
    if (!this.#fields.has(key)) return undefined
    const value = this.#fields.get(key) ?? 'true'
    const truth = goBoolean(value)
    if (truth === undefined) throw new InvalidParameterError(`invalid value for ${key}: ${value}`)
    return truth
  }

  octal(key: string): number | undefined {
    const value = this.text(key)
    if (value === undefined) return undefined
    if (!/^[0-7]{1,5}$/.test(value))
      throw new InvalidParameterError(`invalid value ${value} for ${key}`)
    return parseInt(value, 8)
  }

  whole(key: string): number | undefined {
    const value = this.text(key)
    if (value === undefined) return undefined
    if (!/^\d{1,10}$/.test(value) || Number(value) > 0xffffffff)
      throw new InvalidParameterError(`invalid value ${value} for ${key}`)
    return Number(value)
  }
}

function typeOf(text: string | undefined): MountType {
  const type = (text ?? 'bind').toLowerCase()
  if (Object.hasOwn(KEYS, type)) return type as MountType
  throw new InvalidParameterError(
    `unsupported mount type ${JSON.stringify(type)}${didYouMean(type, Object.keys(KEYS))}`,
  )
}

const SHARING = ['shared', 'private', 'locked'] as const

function sharingOf(text: string | undefined): (typeof SHARING)[number] {
  const sharing = (text ?? 'shared').toLowerCase()
  const known = SHARING.find((one) => one === sharing)
  if (known) return known
  throw new InvalidParameterError(
    `unsupported sharing value ${JSON.stringify(sharing)}${didYouMean(sharing, SHARING)}`,
  )
}

/** One record of CSV: quotes around a field keep its commas. @see RFC 4180 */
export function csvFields(text: string): string[] {
  const fields: string[] = []
  let at = 0
  for (;;) {
    if (text.charAt(at) === '"') {
      const match = /^"((?:[^"]|"")*)"/.exec(text.slice(at))
      if (!match) throw new InvalidParameterError(`a quote is not closed in '${text}'`)
      fields.push((match[1] ?? '').replaceAll('""', '"'))
      at += match[0].length
    } else {
      const comma = text.indexOf(',', at)
      const end = comma < 0 ? text.length : comma
      fields.push(text.slice(at, end))
      at = end
    }
    if (at >= text.length) return fields
    if (text.charAt(at) !== ',')
      throw new InvalidParameterError(`a comma is wanted behind the quote in '${text}'`)
    at++
  }
}
