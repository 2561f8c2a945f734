import { InvalidParameterError } from '../errors.ts'
import { didYouMean } from './did-you-mean.ts'
import { parseHealthcheck } from './healthcheck.ts'
import type {
  AddFlags,
  Command,
  CopyOperands,
  From,
  Instruction,
  Pair,
  RunOperands,
} from './instructions.ts'
import type { Statement } from './lex.ts'
import { Flags } from './flags.ts'
import { csvFields, parseMountFlag } from './mount-flag.ts'
import { jsonStrings, splitWords } from './words.ts'

/** What an instruction's parser is given. */
interface Source {
  name: string
  /** Behind the flags. */
  rest: string
  flags: Flags
  statement: Statement
  escape: string
}

type Parsed<I> = I extends Instruction ? Omit<I, 'text' | 'location'> : never

const PARSERS: Record<string, (source: Source) => Parsed<Instruction>> = {
  ADD: (source) => ({ kind: 'add', ...addFlags(source.flags), ...copyOperands(source) }),
  ARG: (source) => ({ kind: 'arg', args: parseArgs(source) }),
  CMD: ({ rest }) => ({ kind: 'cmd', command: commandOf(rest) }),
  COPY: (source) => ({
    kind: 'copy',
    from: source.flags.text('from'),
    parents: source.flags.boolean('parents') ?? false,
    ...copyOperands(source),
  }),
  ENTRYPOINT: ({ rest }) => ({ kind: 'entrypoint', command: commandOf(rest) }),
  ENV: (source) => ({ kind: 'env', pairs: parsePairs(source) }),
  EXPOSE: (source) => ({ kind: 'expose', ports: atLeastOne(source) }),
  HEALTHCHECK: ({ flags, rest }) => ({
    kind: 'healthcheck',
    health: parseHealthcheck(flags, rest),
  }),
  LABEL: (source) => ({ kind: 'label', pairs: parsePairs(source) }),
  MAINTAINER: (source) => ({ kind: 'maintainer', name: exactlyOne(source) }),
  ONBUILD: (source) => ({ kind: 'onbuild', trigger: triggerOf(source) }),
  RUN: (source) => ({ kind: 'run', ...runOperands(source) }),
  SHELL: ({ rest }) => {
    const shell = jsonStrings(rest)
    if (!shell || shell.length === 0)
      throw new InvalidParameterError('SHELL requires the arguments to be in JSON form')
    return { kind: 'shell', shell }
  },
  STOPSIGNAL: (source) => ({ kind: 'stopsignal', signal: exactlyOne(source) }),
  USER: (source) => ({ kind: 'user', user: exactlyOne(source) }),
  VOLUME: (source) => {
    const paths = jsonStrings(source.rest) ?? splitWords(atLeastOne(source), source.escape)
    if (paths.length === 0) throw needsArguments(source.name)
    if (paths.some((path) => path.trim() === ''))
      throw new InvalidParameterError('VOLUME specified can not be an empty string')
    return { kind: 'volume', paths }
  },
  WORKDIR: (source) => ({ kind: 'workdir', path: exactlyOne(source) }),
}

/**
 * Reads one instruction other than FROM.
 *
 * @throws INVALID_PARAMETER in BuildKit's words, without the line
 */
export function parseInstruction(statement: Statement, escape: string): Instruction {
  const name = statement.name.toUpperCase()
  const parse = Object.hasOwn(PARSERS, name) ? PARSERS[name] : undefined
  if (!parse) throw new InvalidParameterError(unknown(statement.name))
  const { flags, rest } = Flags.of(statement.rest, name, escape)
  const parsed = parse({ name, rest, flags, statement, escape })
  flags.allTaken()
  return { ...parsed, text: textOf(statement), location: statement.location }
}

/** @throws INVALID_PARAMETER in BuildKit's words, without the line */
export function parseFrom(statement: Statement, escape: string): From {
  const { flags, rest } = Flags.of(statement.rest, 'FROM', escape)
  const [image = '', as, name, ...more] = rest.split(/\s+/)
  const platform = flags.text('platform')
  flags.allTaken()
  const named = as?.toUpperCase() === 'AS' && name !== undefined
  if (image === '' || (as !== undefined && !named) || more.length > 0)
    throw new InvalidParameterError('FROM requires either one or three arguments')
  const lower = name?.toLowerCase()
  if (lower !== undefined && !/^[a-z][a-z0-9-_.]*$/.test(lower)) {
    throw new InvalidParameterError(
      `invalid name for build stage: ${JSON.stringify(name)}, name can't start with a number or contain symbols`,
    )
  }
  return { image, name: lower, platform, text: textOf(statement), location: statement.location }
}

function textOf({ heredocs, name, rest }: Statement): string {
  const bodies = heredocs.map(({ content, name: end }) => `\n${content}${end}`).join('')
  return `${name.toUpperCase()} ${rest}${bodies}`.trimEnd()
}

const KNOWN = [...Object.keys(PARSERS), 'FROM']

function unknown(name: string): string {
  return `unknown instruction: ${name}${didYouMean(name.toUpperCase(), KNOWN)}`
}

function needsArguments(name: string): InvalidParameterError {
  return new InvalidParameterError(`${name} requires at least one argument`)
}

function atLeastOne({ name, rest }: Source): string {
  if (rest.trim() === '') throw needsArguments(name)
  return rest
}

function exactlyOne({ name, rest }: Source): string {
  if (rest.trim() === '') throw new InvalidParameterError(`${name} requires exactly one argument`)
  return rest.trim()
}

function commandOf(rest: string): Command {
  const words = jsonStrings(rest)
  return words ? { form: 'exec', words } : { form: 'shell', words: rest === '' ? [] : [rest] }
}

function parseArgs(source: Source): { name: string; value: string | undefined }[] {
  const words = splitWords(atLeastOne(source), source.escape)
  return words.map((word) => {
    const equals = word.indexOf('=')
    const name = equals < 0 ? word : word.slice(0, equals)
    if (name === '') throw new InvalidParameterError('ARG names can not be blank')
    return { name, value: equals < 0 ? undefined : word.slice(equals + 1) }
  })
}

/** `name=value …`, or the old `name the rest of the line`. */
function parsePairs(source: Source): Pair[] {
  const { escape, name: instruction, rest } = source
  const words = splitWords(atLeastOne(source), escape)
  if (!(words[0] ?? '').includes('=')) {
    const [, name = '', value] = /^(\S+)\s+(.*)$/s.exec(rest) ?? []
    if (value === undefined)
      throw new InvalidParameterError(`${instruction} must have two arguments`)
    return [{ name, value }]
  }
  return words.map((word) => {
    const equals = word.indexOf('=')
    if (equals < 0) {
      throw new InvalidParameterError(
        `Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`,
      )
    }
    if (equals === 0) throw new InvalidParameterError(`${instruction} names can not be blank`)
    return { name: word.slice(0, equals), value: word.slice(equals + 1) }
  })
}

function copyOperands({ escape, flags, name, rest, statement }: Source): CopyOperands {
  const words = jsonStrings(rest) ?? splitWords(rest, escape)
  const destination = words.at(-1)
  if (destination === undefined || words.length < 2) {
    throw new InvalidParameterError(
      `${name} requires at least two arguments, but only ${String(words.length)} were provided. Destination could not be determined`,
    )
  }
  const isInline = (word: string): boolean => /^\d*<<-?[^<]+$/.test(word)
  if (isInline(destination))
    throw new InvalidParameterError(`${name} cannot accept a heredoc as a destination`)
  return {
    sources: words.slice(0, -1).filter((word) => !isInline(word)),
    inline: statement.heredocs,
    destination,
    chown: flags.text('chown'),
    chmod: flags.text('chmod'),
    link: flags.boolean('link') ?? false,
    excludes: flags.texts('exclude'),
  }
}

function addFlags(flags: Flags): AddFlags {
  return {
    checksum: flags.text('checksum'),
    keepGitDir: flags.boolean('keep-git-dir'),
    unpack: flags.boolean('unpack'),
  }
}

function runOperands({ flags, name, rest, statement }: Source): RunOperands {
  const command = commandOf(rest)
  if (command.words.length === 0) throw needsArguments(name)
  return {
    command,
    heredocs: statement.heredocs,
    mounts: flags.texts('mount').map(checkedMount),
    network: flags.oneOf('network', ['default', 'none', 'host']) ?? 'default',
    security: flags.oneOf('security', ['sandbox', 'insecure']) ?? 'sandbox',
  }
}

/** What no variable decides is known to be wrong before anything is built. */
function checkedMount(text: string): string {
  for (const field of csvFields(text))
    if (/^from=.*\$./i.test(field))
      throw new InvalidParameterError(
        "'from' doesn't support variable expansion, define alias stage instead",
      )
  if (!text.includes('$')) parseMountFlag(text)
  return text
}

const NO_TRIGGERS = ['ONBUILD', 'FROM', 'MAINTAINER']

/** Checked now, so that who writes it is told, and not who builds on it. */
function triggerOf({ escape, name, rest, statement }: Source): string {
  if (rest.trim() === '') throw needsArguments(name)
  const [, inner = '', operands = ''] = /^(\S+)\s*(.*)$/s.exec(rest) ?? []
  const trigger = inner.toUpperCase()
  if (trigger === 'ONBUILD')
    throw new InvalidParameterError("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
  if (NO_TRIGGERS.includes(trigger))
    throw new InvalidParameterError(`${trigger} isn't allowed as an ONBUILD trigger`)
  const { text } = parseInstruction({ ...statement, name: inner, rest: operands }, escape)
  return text
}
