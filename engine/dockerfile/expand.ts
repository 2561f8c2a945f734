import { InvalidParameterError } from '../errors.ts'
import { globLengths, globReplace } from './shell-pattern.ts'

/** What a name stands for; undefined when it is not set. */
export type Lookup = (name: string) => string | undefined

/** Text and whether white space in it may part words: what came from an unquoted variable may. */
interface Piece {
  text: string
  splits: boolean
}

/**
 * Expands variables in a word and takes its quotes and escapes away, as the Dockerfile's shell would.
 *
 * `$name`, `${name}`, `${name:-word}`, `:+`, `:?`, the same without the colon (which then asks only whether it is set),
 * `${name#pattern}`, `##`, `%`, `%%`, `${name/pattern/word}` and `//`.
 *
 * @throws INVALID_PARAMETER for a bad substitution, or the words of a `:?` whose variable is not set
 * @see https://docs.docker.com/reference/dockerfile/, "Environment replacement"
 */
export function expand(word: string, lookup: Lookup, escape = '\\'): string {
  return new Expander(word, lookup, escape)
    .run()
    .map(({ text }) => text)
    .join('')
}

/**
 * Expands variables in a here-document. Quotes mean themselves, and an escape, a backslash whatever the parser directive
 * says, goes away before any character.
 *
 * @see moby/buildkit frontend/dockerfile/dockerfile2llb/convert.go, ExpandRaw
 */
export function expandText(text: string, lookup: Lookup): string {
  return new Expander(text, lookup, '\\', { hasQuotes: false })
    .run()
    .map(({ text }) => text)
    .join('')
}

/** As `expand`, and cut into words at white space that is neither quoted nor escaped. */
export function expandWords(text: string, lookup: Lookup, escape = '\\'): string[] {
  const words: string[] = []
  let word: string | undefined
  for (const { splits, text: part } of new Expander(text, lookup, escape).run()) {
    if (!splits) {
      word = (word ?? '') + part
      continue
    }
    for (const sign of part) {
      if (!/\s/.test(sign)) {
        word = (word ?? '') + sign
        continue
      }
      if (word !== undefined) words.push(word)
      word = undefined
    }
  }
  if (word !== undefined) words.push(word)
  return words
}

/** Substitutions may nest; nobody means to this deep. */
const MOST_NESTED = 64

class Expander {
  readonly #text: string
  readonly #lookup: Lookup
  readonly #escape: string
  readonly #depth: number
  readonly #hasQuotes: boolean
  #at = 0

  constructor(
    text: string,
    lookup: Lookup,
    escape: string,
    { depth = 0, hasQuotes = true }: { depth?: number; hasQuotes?: boolean } = {},
  ) {
    if (depth > MOST_NESTED) throw new InvalidParameterError('substitutions are nested too deeply')
    this.#text = text
    this.#lookup = lookup
    this.#escape = escape
    this.#depth = depth
    this.#hasQuotes = hasQuotes
  }

  run(): Piece[] {
    const pieces: Piece[] = []
    while (this.#at < this.#text.length) {
      const sign = this.#text.charAt(this.#at)
      if (this.#hasQuotes && sign === "'") pieces.push({ text: this.#single(), splits: false })
      else if (this.#hasQuotes && sign === '"') pieces.push({ text: this.#double(), splits: false })
      else if (sign === '$') pieces.push({ text: this.#dollar(), splits: true })
      else if (sign === this.#escape) {
        // at the very end there is nothing to escape
        const next = this.#text.charAt(this.#at + 1)
        pieces.push({ text: next, splits: false })
        this.#at += 2
      } else {
        pieces.push({ text: sign, splits: true })
        this.#at++
      }
    }
    return pieces
  }

  #single(): string {
    const end = this.#text.indexOf("'", this.#at + 1)
    if (end < 0)
      throw new InvalidParameterError(
        'unexpected end of statement while looking for matching single-quote',
      )
    const text = this.#text.slice(this.#at + 1, end)
    this.#at = end + 1
    return text
  }

  #double(): string {
    let out = ''
    this.#at++
    for (;;) {
      const sign = this.#text.charAt(this.#at)
      if (sign === '')
        throw new InvalidParameterError(
          'unexpected end of statement while looking for matching double-quote',
        )
      if (sign === '"') {
        this.#at++
        return out
      }
      if (sign === '$') {
        out += this.#dollar()
        continue
      }
      const next = this.#text.charAt(this.#at + 1)
      // only what would mean something else can be escaped in there
      if (sign === this.#escape && (next === '"' || next === '$' || next === this.#escape)) {
        out += next
        this.#at += 2
        continue
      }
      out += sign
      this.#at++
    }
  }

  #dollar(): string {
    this.#at++
    if (this.#text.charAt(this.#at) !== '{') {
      const name = this.#name()
      return name === '' ? '$' : (this.#lookup(name) ?? '')
    }
    this.#at++
    const name = this.#name()
    if (name === '') throw this.#bad()
    const value = this.#lookup(name)
    const sign = this.#text.charAt(this.#at)
    switch (sign) {
      case '}':
        this.#at++
        return value ?? ''
      case ':': {
        const modifier = this.#text.charAt(this.#at + 1)
        this.#at += 2
        return this.#default(modifier, name, value, value !== undefined && value !== '')
      }
      case '-':
      case '+':
      case '?':
        this.#at++
        return this.#default(sign, name, value, value !== undefined)
      case '#':
      case '%':
        return this.#cut(sign, value ?? '')
      case '/':
        return this.#replace(value ?? '')
      case '':
        throw new InvalidParameterError("syntax error: missing '}'")
      default:
        throw new InvalidParameterError(`unsupported modifier (${sign}) in substitution`)
    }
  }

  /** As a shell: letters, digits and `_`; a digit or one of `@*#?!-$` is a name by itself. */
  #name(): string {
    const rest = this.#text.slice(this.#at)
    const name = /^(?:[A-Za-z_][A-Za-z0-9_]*|[0-9]|[@*#])/.exec(rest)?.[0] ?? ''
    this.#at += name.length
    return name
  }

  #default(modifier: string, name: string, value: string | undefined, isThere: boolean): string {
    const word = this.#inner('}')
    switch (modifier) {
      case '-':
        return isThere ? (value ?? '') : this.#expandInner(word)
      case '+':
        return isThere ? this.#expandInner(word) : ''
      case '?': {
        if (isThere) return value ?? ''
        const message = this.#expandInner(word)
        throw new InvalidParameterError(
          `${name}: ${message === '' ? `is not allowed to be ${value === undefined ? 'unset' : 'empty'}` : message}`,
        )
      }
      default:
        throw new InvalidParameterError(`unsupported modifier (:${modifier}) in substitution`)
    }
  }

  #cut(sign: '#' | '%', value: string): string {
    this.#at++
    const longest = this.#text.charAt(this.#at) === sign
    if (longest) this.#at++
    const pattern = this.#pattern(this.#inner('}'))
    const end = sign === '#' ? 'start' : 'end'
    const { longest: most, shortest: least } = globLengths(pattern, value, end)
    const length = (longest ? most : least) ?? 0
    return end === 'start' ? value.slice(length) : value.slice(0, value.length - length)
  }

  #replace(value: string): string {
    this.#at++
    const all = this.#text.charAt(this.#at) === '/'
    if (all) this.#at++
    const pattern = this.#pattern(this.#inner('/'))
    const replacement = this.#expandInner(this.#inner('}'))
    return globReplace(pattern, value, replacement, all)
  }

  /** The raw text up to an unnested, unquoted end sign, which is passed. */
  #inner(end: '}' | '/'): string {
    const start = this.#at
    let nested = 0
    let quote = ''
    for (; this.#at < this.#text.length; this.#at++) {
      const sign = this.#text.charAt(this.#at)
      if (sign === this.#escape && quote !== "'") this.#at++
      else if (quote !== '') quote = sign === quote ? '' : quote
      else if (this.#hasQuotes && (sign === '"' || sign === "'")) quote = sign
      else if (sign === '$' && this.#text.charAt(this.#at + 1) === '{') nested++
      else if (nested === 0 && sign === end) return this.#text.slice(start, this.#at++)
      else if (nested === 0 && sign === '}') {
        // `${x/pattern}` replaces by nothing
        return this.#text.slice(start, this.#at)
      } else if (sign === '}') nested--
    }
    throw new InvalidParameterError("syntax error: missing '}'")
  }

  #expandInner(word: string): string {
    return this.#nested(word)
      .run()
      .map(({ text }) => text)
      .join('')
  }

  #nested(word: string): Expander {
    return new Expander(word, this.#lookup, this.#escape, {
      depth: this.#depth + 1,
      hasQuotes: this.#hasQuotes,
    })
  }

  /** A pattern with its variables expanded; what was quoted or escaped stands for itself. */
  #pattern(word: string): string {
    return this.#nested(word)
      .run()
      .map(({ splits, text }) => (splits ? text : text.replace(/[*?\\]/g, '\\$&')))
      .join('')
  }

  #bad(): InvalidParameterError {
    return new InvalidParameterError(`bad substitution in ${JSON.stringify(this.#text)}`)
  }
}
