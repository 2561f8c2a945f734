/** A file's text as an editor has it, and the way back. */
export interface TextContent {
  text: string
  /** Every line ends as on Windows; in `text` they end in `\n`. */
  crlf: boolean
}

/** @returns undefined for what is no text: not UTF-8, or with zero bytes in it */
export function textOf(bytes: Uint8Array<ArrayBuffer>): TextContent | undefined {
  if (bytes.includes(0)) return undefined
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
  const crlf = /\r\n/.test(text) && !/(?<!\r)\n|\r(?!\n)/.test(text)
  return { text: crlf ? text.replaceAll('\r\n', '\n') : text, crlf }
}

export function bytesOf({ crlf, text }: TextContent): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(crlf ? text.replaceAll('\n', '\r\n') : text)
}
