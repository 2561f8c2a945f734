/** A word as a POSIX shell takes it back whole. */
export function quoteWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/**
 * Splits a line into words as a POSIX shell does: quotes and backslashes, but no expansion of any kind.
 *
 * @throws Error in words when a quote is not closed, or the line would do more than run one command
 * @see IEEE 1003.1, Shell Command Language, 2.2 Quoting
 */
export function splitWords(line: string): string[] {
  const words: string[] = []
  let word: string | undefined
  for (let i = 0; i < line.length; i++) {
    const c = line.charAt(i)
    if (c === "'") {
      const end = line.indexOf("'", i + 1)
      if (end < 0) throw new Error("A ' is not closed.")
      word = (word ?? '') + line.slice(i + 1, end)
      i = end
    } else if (c === '"') {
      word ??= ''
      for (i++; ; i++) {
        if (i >= line.length) throw new Error('A " is not closed.')
        const d = line.charAt(i)
        if (d === '"') break
        if (d === '\\' && '$`"\\\n'.includes(line.charAt(i + 1)) && i + 1 < line.length) {
          i++
          if (line.charAt(i) !== '\n') word += line.charAt(i)
        } else word += d
      }
    } else if (c === '\\') {
      i++
      // A backslash at the end of a line continues it.
      if (i < line.length && line.charAt(i) !== '\n') word = (word ?? '') + line.charAt(i)
    } else if (/\s/.test(c)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else if ('|&;<>()'.includes(c)) {
      throw new Error(
        `The line would do more than run one command: it has a ${c}. Quote it if it is meant as text.`,
      )
    } else word = (word ?? '') + c
  }
  if (word !== undefined) words.push(word)
  return words
}
