import { Duplex, type Transform } from 'node:stream'
import type { ExecEngine } from '../contract/execs.ts'
import { errorCode, errorMessage, InvalidParameterError } from '../errors.ts'
import type { Call } from './call.ts'
import { headRead } from './hijack.ts'
import { terminalSize } from './containers.ts'
import { execCreateBody, execStartBody } from './container-bodies.ts'
import { frame, framed, unframe } from './frames.ts'
import { route } from './router.ts'
import type { Route } from './router.ts'
import { word } from './values.ts'

export function execRoutes(execs: ExecEngine): Route[] {
  return [
    {
      method: 'POST',
      path: '/containers/:id/exec',
      handle: async (call) => {
        const config = await call.json(execCreateBody, { optional: true })
        if (!call.speaks('1.42')) delete config.ConsoleSize
        if (config.Cmd.length === 0) throw new InvalidParameterError('No exec command specified')
        call.send(201, await execs.create(call.param('id'), config))
      },
    },
    { method: 'POST', path: '/exec/:id/start', handle: (call) => start(execs, call) },
    route({
      method: 'POST',
      path: '/exec/:id/resize',
      query: { h: word, w: word },
      handle: async (call, query) => {
        await execs.resize(call.param('id'), terminalSize(query))
        call.send(200)
      },
    }),
    {
      method: 'GET',
      path: '/exec/:id/json',
      handle: async (call) => {
        call.send(200, await execs.inspect(call.param('id')))
      },
    },
  ]
}

async function start(execs: ExecEngine, call: Call): Promise<void> {
  const options = await call.json(execStartBody, { optional: true })
  if (!call.speaks('1.42')) delete options.ConsoleSize
  const id = call.param('id')
  if (options.Detach === true) {
    await execs.start(id, options)
    call.send(200)
    return
  }
  // whether its output is framed is for this request to say, whatever the exec was made with
  const plain = options.Tty ?? false
  const { client } = call
  const asItIs = client && {
    take: (tty: boolean) => (tty === plain ? client.take(tty) : undefined),
    letGo: () => {
      client.letGo()
    },
    giveBack: () => {
      client.giveBack()
    },
  }
  try {
    const { stream, tty } = await execs.start(id, { ...options, ...(asItIs && { client: asItIs }) })
    if (client?.isGone === true) return
    if (stream === undefined) throw new InvalidParameterError('the exec has no streams')
    const { OpenStdin } = await execs.inspect(id)
    const told = plain === tty ? stream : through(stream, plain ? unframe() : frame())
    await call.splice(call.hijack(plain), told, { stdin: OpenStdin })
  } catch (error) {
    const code = errorCode(error)
    const isRefused = code === 'NOT_FOUND' || code === 'CONFLICT' || code === 'NOT_MODIFIED'
    if (call.response.headersSent || isRefused) throw error
    // A command that cannot start is told on its own output, as Docker does; the exit code (126, 127) is in its inspect.
    const connection = call.hijack(plain)
    const words = Buffer.from(`${errorMessage(error)}\r\n`)
    await headRead(connection)
    connection.end(plain ? words : framed(words))
    connection.resume()
  }
}

/** The same stream, its output passed through a filter. */
function through(stream: Duplex, filter: Transform): Duplex {
  return Duplex.from({ readable: stream.pipe(filter), writable: stream })
}
