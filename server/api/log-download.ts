import { Readable } from 'node:stream'
import { LogLines } from '../live/log-lines.ts'
import type { LogLine } from '../live/protocol.ts'
import { context } from '../context.ts'
import { forSession } from './handler.ts'

/**
 * A container's whole stored log as a text file, streamed; `?timestamps=1` puts the times in front of the lines.
 * Unlike the Docker API's stream it has no frames between the lines.
 */
export const downloadLog = forSession(
  async (_session, request: Request, route: { params: Promise<{ id: string }> }) => {
    const { id } = await route.params
    const withTimes = new URL(request.url).searchParams.get('timestamps') === '1'
    const { containers } = context().engine
    const name = (await containers.inspect(id)).Name?.replace(/^\//, '') ?? id
    const options = { stdout: true, stderr: true, timestamps: true }
    const { stream, tty } = await containers.logs(id, options, request.signal)
    const body = Readable.from(linesOf(stream, tty, withTimes), { objectMode: false })
    return new Response(Readable.toWeb(body) as ReadableStream<Uint8Array>, {
      headers: {
        'Content-Type': 'text/plain; charset=utf-8',
        'Content-Disposition': `attachment; filename="${name.replace(/[^\w.-]/g, '_')}.log"`,
        'Cache-Control': 'no-store',
      },
    })
  },
)

async function* linesOf(
  stream: Readable,
  tty: boolean,
  withTimes: boolean,
): AsyncGenerator<Buffer> {
  let text = ''
  const lines = new LogLines({
    tty,
    emit: (line: LogLine) => {
      text += withTimes ? `${line.time} ${line.text}\n` : `${line.text}\n`
    },
  })
  const taken = () => {
    const bytes = Buffer.from(text)
    text = ''
    return bytes
  }
  for await (const chunk of stream) {
    lines.push(chunk as Buffer)
    if (text !== '') yield taken()
  }
  lines.end()
  if (text !== '') yield taken()
}
