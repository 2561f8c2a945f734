/** A command line cut into words as a shell would, without running anything: quotes and backslashes, no expansion. */
export function splitWords(line: string): string[] {
  const words: string[] = []
  let word: string | null = null
  let quote: '"' | "'" | null = null
  for (let i = 0; i < line.length; i++) {
    const char = line[i] ?? ''
    if (quote !== null) {
      if (char === quote) quote = null
      else if (char === '\\' && quote === '"' && /["\\$`]/.test(line[i + 1] ?? '')) {
        word = (word ?? '') + (line[++i] ?? '')
      } else word = (word ?? '') + char
    } else if (char === '"' || char === "'") {
      quote = char
      word ??= ''
    } else if (char === '\\' && i + 1 < line.length) {
      word = (word ?? '') + (line[++i] ?? '')
    } else if (/\s/.test(char)) {
      if (word !== null) words.push(word)
      word = null
    } else word = (word ?? '') + char
  }
  if (quote !== null) throw new Error(`The quote ${quote} is never closed`)
  if (word !== null) words.push(word)
  return words
}
