import { StringDecoder } from 'node:string_decoder'
import { EngineError } from '../errors.ts'

/** A longer line is no Docker answer. */
const MAX_LINE_CHARS = 16 * 1024 * 1024

/** Parses a stream of JSON values, one a line (`\n` or `\r\n`), as they come in. */
export async function* jsonLines(stream: AsyncIterable<Buffer>): AsyncGenerator<unknown> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  for await (const chunk of stream) {
    rest += decoder.write(chunk)
    let from = 0
    for (let end = rest.indexOf('\n'); end !== -1; end = rest.indexOf('\n', from)) {
      const line = rest.slice(from, end).trim()
      from = end + 1
      if (line !== '') yield parse(line)
    }
    rest = rest.slice(from)
    if (rest.length > MAX_LINE_CHARS)
      throw new EngineError('SYSTEM', 'a line of the JSON stream is too long')
  }
  rest = (rest + decoder.end()).trim()
  if (rest !== '') yield parse(rest)
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    throw new EngineError('SYSTEM', `broken JSON in the stream: ${line.slice(0, 80)}`, {
      cause: error,
    })
  }
}
