/** A shell without bracketed paste runs every line at once: worth a question. */
export function needsQuestion(text: string, bracketedPaste: boolean): boolean {
  return !bracketedPaste && /[\r\n]/.test(text.replace(/[\r\n]+$/, ''))
}

/** Pieces of at most `size` characters that never cut a surrogate pair. */
export function chunkText(text: string, size = 4096): string[] {
  const chunks: string[] = []
  for (let from = 0; from < text.length;) {
    let to = Math.min(text.length, from + size)
    const last = text.charCodeAt(to - 1)
    if (to < text.length && last >= 0xd800 && last <= 0xdbff) to--
    chunks.push(text.slice(from, to))
    from = to
  }
  return chunks
}
