import { InvalidParameterError } from '../errors.ts'
import type { LogInfo } from './info.ts'
import { goJson } from './info.ts'

/** What drivers that need a tag mark lines with when none is asked for. */
export const DEFAULT_TAG = '{{.ID}}'

/**
 * Renders the `tag` option: text with Go's template actions in it, such as `{{.Name}}/{{.ID}}` or
 * `{{index .ContainerLabels "tier" | upper}}`. Of the template language there are fields, pipelines, parentheses,
 * literals, `index`, `print` and the functions Docker adds; not its control structures.
 *
 * @throws INVALID_PARAMETER in Go's words where they are short
 * @see moby: daemon/logger/loggerutils/log_tag.go, daemon/logger/templates
 */
export function renderTag(template: string, info: LogInfo): string {
  let output = ''
  let rest = template
  for (;;) {
    const open = rest.indexOf('{{')
    if (open === -1) return output + rest
    const close = rest.indexOf('}}', open)
    if (close === -1) throw failure('unclosed action')
    let action = rest.slice(open + 2, close)
    output += rest.slice(0, open)
    rest = rest.slice(close + 2)
    if (/^-\s/.test(action)) {
      output = output.trimEnd()
      action = action.slice(1)
    }
    if (/\s-$/.test(action)) {
      rest = rest.trimStart()
      action = action.slice(0, -1)
    }
    if (/^\s*\/\*.*\*\/\s*$/s.test(action)) continue
    output += text(new Action(tokensOf(action), info).value())
  }
}

type Value = string | number | string[] | Record<string, string> | LogInfo

/** @see moby: daemon/logger/loginfo.go; its methods and its fields */
const FIELDS: Record<string, (info: LogInfo) => Value> = {
  ID: ({ id }) => id.slice(0, 12),
  FullID: ({ id }) => id,
  Name: ({ name }) => name,
  ImageID: ({ imageId }) => imageId.replace(/^sha256:/, '').slice(0, 12),
  ImageFullID: ({ imageId }) => imageId,
  ImageName: ({ imageName }) => imageName,
  Hostname: ({ hostname }) => hostname,
  Command: ({ entrypoint, args }) => [entrypoint, ...args].join(' '),
  // what rules for Docker's logs in collectors look for
  DaemonName: () => 'docker',
  Config: ({ options }) => options,
  ContainerID: ({ id }) => id,
  ContainerName: ({ name }) => `/${name}`,
  ContainerEntrypoint: ({ entrypoint }) => entrypoint,
  ContainerArgs: ({ args }) => args,
  ContainerImageID: ({ imageId }) => imageId,
  ContainerImageName: ({ imageName }) => imageName,
  ContainerCreated: ({ created }) => created,
  ContainerEnv: ({ env }) => env,
  ContainerLabels: ({ labels }) => labels,
  LogPath: ({ logPath }) => logPath,
}

const FUNCTIONS: Record<string, (...args: Value[]) => Value> = {
  json: (value) => JSON.stringify(value),
  split: (value, by) => word(value).split(word(by)),
  join: (list, by) => (Array.isArray(list) ? list : []).join(word(by)),
  title: (value) => word(value).replace(/(^|[^\p{L}\p{N}_'])(\p{L})/gu, (all) => all.toUpperCase()),
  lower: (value) => word(value).toLowerCase(),
  upper: (value) => word(value).toUpperCase(),
  pad: (value, before, after) =>
    word(value) === ''
      ? ''
      : ' '.repeat(Math.max(0, count(before))) +
        word(value) +
        ' '.repeat(Math.max(0, count(after))),
  truncate: (value, length) => word(value).slice(0, Math.max(0, count(length))),
  print: (...values) => values.map(text).join(''),
  index: (value, key) => {
    if (Array.isArray(value)) {
      const found = value[count(key)]
      if (found === undefined) throw failure(`index out of range: ${text(key)}`)
      return found
    }
    if (typeof value !== 'object') throw failure("can't index item of this type")
    const map = value as Record<string, string>
    return Object.hasOwn(map, word(key)) ? (map[word(key)] ?? '') : ''
  },
}

const UNSUPPORTED = /^(if|else|end|range|with|define|template|block|break|continue)$/

/** A pipeline: commands divided by `|`, each the last argument of the next. */
class Action {
  readonly #tokens: string[]
  readonly #info: LogInfo
  #at = 0

  constructor(tokens: string[], info: LogInfo) {
    this.#tokens = tokens
    this.#info = info
  }

  value(): Value {
    const value = this.#pipeline()
    if (this.#at < this.#tokens.length)
      throw failure(`unexpected ${JSON.stringify(this.#tokens[this.#at])} in operand`)
    return value
  }

  #pipeline(): Value {
    let value = this.#command([])
    while (this.#tokens[this.#at] === '|') {
      this.#at++
      value = this.#command([value])
    }
    return value
  }

  #command(last: Value[]): Value {
    const name = this.#tokens[this.#at]
    if (name === undefined || name === '|' || name === ')')
      throw failure('missing value for command')
    if (UNSUPPORTED.test(name)) throw failure(`"${name}" is not supported here`)
    if (!/^[A-Za-z]/.test(name)) {
      const value = this.#operand()
      if (last.length > 0) throw failure('non executable command in pipeline')
      return value
    }
    const call = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined
    if (call === undefined) throw failure(`function ${JSON.stringify(name)} not defined`)
    this.#at++
    const args: Value[] = []
    while (this.#at < this.#tokens.length && !['|', ')'].includes(this.#tokens[this.#at] ?? '')) {
      args.push(this.#operand())
    }
    const all = [...args, ...last]
    // print takes any number
    if (name !== 'print' && all.length !== call.length) {
      throw failure(
        `wrong number of args for ${name}: want ${String(call.length)} got ${String(all.length)}`,
      )
    }
    return call(...all)
  }

  #operand(): Value {
    const token = this.#tokens[this.#at++] ?? ''
    if (token === '(') {
      const value = this.#pipeline()
      if (this.#tokens[this.#at++] !== ')') throw failure('unclosed left paren')
      return value
    }
    if (token.startsWith('"')) return JSON.parse(token) as string
    if (token.startsWith('`')) return token.slice(1, -1)
    if (/^-?\d+$/.test(token)) return Number(token)
    if (token.startsWith('.')) return this.#field(token)
    throw failure(`unexpected ${JSON.stringify(token)} in operand`)
  }

  #field(token: string): Value {
    const [name = '', ...below] = token.slice(1).split('.')
    if (name === '') return this.#info
    const read = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined
    if (read === undefined) {
      throw failure(
        `executing "log-tag" at <${token}>: can't evaluate field ${name} in type *logger.Info`,
      )
    }
    let value = read(this.#info)
    for (const key of below) {
      if (typeof value !== 'object' || Array.isArray(value)) {
        throw failure(`executing "log-tag" at <${token}>: can't evaluate field ${key}`)
      }
      const map = value as Record<string, string>
      value = Object.hasOwn(map, key) ? (map[key] ?? '') : '<no value>'
    }
    return value
  }
}

function tokensOf(action: string): string[] {
  const tokens: string[] = []
  const pattern = /\s*("(?:[^"\\]|\\.)*"|`[^`]*`|[|()]|\.[\w.]*|-?\w+)/y
  const trimmed = action.trimEnd()
  while (pattern.lastIndex < trimmed.length) {
    const from = pattern.lastIndex
    const match = pattern.exec(trimmed)
    if (!match) throw failure(`unexpected ${JSON.stringify(trimmed.slice(from).trim())} in command`)
    tokens.push(match[1] ?? '')
  }
  return tokens
}

/** As Go prints it. */
function text(value: Value | undefined): string {
  if (Array.isArray(value)) return `[${value.join(' ')}]`
  if (typeof value !== 'object') return String(value ?? '')
  const map = JSON.parse(goJson({ ...value })) as Record<string, string>
  return `map[${Object.entries(map)
    .map(([key, one]) => `${key}:${one}`)
    .join(' ')}]`
}

function word(value: Value | undefined): string {
  if (typeof value !== 'string') throw failure('wrong type for value; expected string')
  return value
}

function count(value: Value | undefined): number {
  if (typeof value !== 'number') throw failure('wrong type for value; expected int')
  return value
}

function failure(what: string): InvalidParameterError {
  return new InvalidParameterError(`template: log-tag: ${what}`)
}
