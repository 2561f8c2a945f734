/**
 * Cuts a text into words at white space, but not inside quotes nor behind the escape character. Quotes and escapes stay
 * in the words, for `expand` to resolve.
 */
export function splitWords(text: string, escape: string): string[] {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let at = 0; at < text.length; at++) {
    const sign = text.charAt(at)
    if (sign === escape && quote !== "'" && at + 1 < text.length) {
      word = (word ?? '') + sign + text.charAt(++at)
    } else if (quote !== '') {
      word = (word ?? '') + sign
      if (sign === quote) quote = ''
    } else if (/\s/.test(sign)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else {
      word = (word ?? '') + sign
      if (sign === '"' || sign === "'") quote = sign
    }
  }
  if (word !== undefined) words.push(word)
  return words
}

/** A JSON list of strings, which is the exec form; undefined when it is none, which makes it the shell form. */
export function jsonStrings(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) && value.every((item) => typeof item === 'string')
      ? value
      : undefined
  } catch {
    // a shell's own `[ -f x ]` begins like this, too
    return undefined
  }
}

/** The leading `--name=value` words of an instruction and what is behind them. */
export function splitFlags(
  text: string,
  escape: string,
): { flags: { name: string; value: string | undefined }[]; rest: string } {
  const flags: { name: string; value: string | undefined }[] = []
  let rest = text.trimStart()
  while (rest.startsWith('--')) {
    const word = firstWord(rest, escape)
    rest = rest.slice(word.length).trimStart()
    // `--` alone ends the flags
    if (word === '--') break
    const equals = word.indexOf('=')
    flags.push(
      equals < 0
        ? { name: word.slice(2), value: undefined }
        : { name: word.slice(2, equals), value: unquoteFlag(word.slice(equals + 1), escape) },
    )
  }
  return { flags, rest }
}

function firstWord(text: string, escape: string): string {
  let quote = ''
  for (let at = 0; at < text.length; at++) {
    const sign = text.charAt(at)
    if (sign === escape && quote !== "'") at++
    else if (quote !== '') quote = sign === quote ? '' : quote
    else if (sign === '"' || sign === "'") quote = sign
    else if (/\s/.test(sign)) return text.slice(0, at)
  }
  return text
}

/** Quotes around a flag's value are taken off; `$` in it is left to `expand`. */
function unquoteFlag(value: string, escape: string): string {
  let out = ''
  let quote = ''
  for (let at = 0; at < value.length; at++) {
    const sign = value.charAt(at)
    if (sign === escape && quote !== "'" && at + 1 < value.length) out += value.charAt(++at)
    else if (quote !== '' && sign === quote) quote = ''
    else if (quote === '' && (sign === '"' || sign === "'")) quote = sign
    else out += sign
  }
  return out
}
