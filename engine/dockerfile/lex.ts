import { DockerfileError, type Location } from './error.ts'
import { isDockerfileFrontEnd } from './front-end.ts'
import { splitWords } from './words.ts'

/** A here-document: the lines between `<<NAME` and `NAME`. */
export interface Heredoc {
  name: string
  /** With its newlines; of `<<-NAME` without leading tabs. */
  content: string
  /** Variables are to be expanded: the name was not quoted. */
  expand: boolean
  location: Location
}

/** One instruction as it stands in the file, its continued lines joined. */
export interface Statement {
  /** As written, without the name: `RUN`'s command with its flags. */
  rest: string
  /** As written; kinds of instructions compare it in upper case. */
  name: string
  heredocs: Heredoc[]
  location: Location
}

/** `# escape`, `# syntax` and `# check`: comments at the very top that change how the rest is read. */
export interface Directives {
  escape: '\\' | '`'
  syntax: string | undefined
  check: string | undefined
}

export interface Lexed {
  directives: Directives
  statements: Statement[]
  warnings: string[]
}

/** Instructions that take here-documents; ONBUILD does for those it holds. */
const WITH_HEREDOCS = new Set(['ADD', 'COPY', 'RUN'])

/**
 * Cuts a Dockerfile into statements: comments and blank lines out, continued lines joined, here-documents read.
 *
 * @throws DockerfileError for a directive that is wrong, or a here-document without an end
 * @see https://docs.docker.com/reference/dockerfile/, "Format", "Parser directives", "Here-Documents"
 */
export function lex(source: string): Lexed {
  const lines = source.replace(/^\uFEFF/, '').split('\n')
  const directives = readDirectives(lines)
  const continued = continuationOf(directives.escape)
  const statements: Statement[] = []
  const warnings: string[] = []
  for (let at = 0; at < lines.length; at++) {
    if (isBlank(lines[at]) || isComment(lines[at])) continue
    const start = at
    let text = ''
    let line = (lines[at] ?? '').replace(/\r$/, '').trimStart()
    for (;;) {
      const match = continued.exec(line)
      text += match ? line.slice(0, match.index) + (match[1] ?? '') : line
      if (!match) break
      at = nextOf(lines, at + 1, warnings)
      if (at >= lines.length) break
      line = (lines[at] ?? '').replace(/\r$/, '')
    }
    const end = Math.min(at, lines.length - 1)
    const statement = statementOf(text, { line: start + 1, endLine: end + 1 })
    at = readHeredocs(statement, lines, at, directives.escape)
    statements.push(statement)
  }
  return { directives, statements, warnings }
}

/** The next line that continues a statement: comments are left out, and blank lines, which earns a warning. */
function nextOf(lines: string[], from: number, warnings: string[]): number {
  let at = from
  while (at < lines.length && (isBlank(lines[at]) || isComment(lines[at]))) {
    // the newline at the end of the file makes an empty last line that nobody wrote
    if (isBlank(lines[at]) && at < lines.length - 1)
      warnings.push(`Empty continuation line found on line ${String(at + 1)}`)
    at++
  }
  return at
}

function isBlank(line: string | undefined): boolean {
  return (line ?? '').trim() === ''
}

function isComment(line: string | undefined): boolean {
  return /^\s*#/.test(line ?? '')
}

/** The escape character at the end, unless it is escaped itself; blanks behind it do not count. */
function continuationOf(escape: string): RegExp {
  const sign = escape === '\\' ? '\\\\' : '`'
  return new RegExp(`(^|[^${sign}])${sign}[ \\t]*$`)
}

function readDirectives(lines: string[]): Directives {
  const directives: Directives = { escape: '\\', syntax: undefined, check: undefined }
  const seen = new Set<string>()
  for (const [index, line] of lines.entries()) {
    const [, key, value = ''] = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/.exec(line) ?? []
    const name = key?.toLowerCase()
    // anything that is no directive ends them, an unknown one too
    if (name !== 'escape' && name !== 'syntax' && name !== 'check') break
    const location = { line: index + 1, endLine: index + 1 }
    if (seen.has(name))
      throw new DockerfileError(`only one ${name} parser directive can be used`, location)
    seen.add(name)
    // what follows is another language
    if (name === 'syntax' && !isDockerfileFrontEnd(value))
      throw new DockerfileError(
        `front end ${value} is not run here, only docker/dockerfile`,
        location,
      )
    if (name !== 'escape') directives[name] = value
    else if (value === '\\' || value === '`') directives.escape = value
    else
      throw new DockerfileError(`invalid escape token '${value}' does not match \` or \\`, location)
  }
  return directives
}

function statementOf(text: string, location: Location): Statement {
  const [, name = '', rest = ''] = /^(\S+)\s*(.*)$/s.exec(text.trim()) ?? []
  return { name, rest, heredocs: [], location }
}

/** Reads the bodies of a statement's here-documents, which begin behind line `at`; returns the last line of them. */
function readHeredocs(statement: Statement, lines: string[], at: number, escape: string): number {
  let holder = statement.name.toUpperCase()
  if (holder === 'ONBUILD') holder = /^\S*/.exec(statement.rest)?.[0].toUpperCase() ?? ''
  if (!WITH_HEREDOCS.has(holder)) return at
  let line = at
  for (const word of splitWords(statement.rest, escape)) {
    const [, dash, label = ''] = /^\d*<<(-?)([^<]+)$/.exec(word) ?? []
    const name = unquoted(label)
    if (name === '') continue
    const first = line + 1
    const content: string[] = []
    for (;;) {
      line++
      if (line >= lines.length) {
        throw new DockerfileError(`unterminated heredoc ${name}`, statement.location)
      }
      const body = dash === '-' ? (lines[line] ?? '').replace(/^\t+/, '') : (lines[line] ?? '')
      if (body.replace(/\r$/, '') === name) break
      content.push(`${body}\n`)
    }
    statement.heredocs.push({
      name,
      content: content.join(''),
      expand: name === label,
      location: { line: first + 1, endLine: line + 1 },
    })
  }
  statement.location = { ...statement.location, endLine: line + 1 }
  return line
}

/** `"EOF"` and `'EOF'` mean EOF, taken as it stands. */
function unquoted(label: string): string {
  return label.replace(/["']/g, '')
}
