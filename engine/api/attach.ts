import type { Readable } from 'node:stream'
import type { AttachOptions, ContainerEngine } from '../contract/containers.ts'
import { InvalidParameterError } from '../errors.ts'
import type { Call } from './call.ts'
import { route } from './router.ts'
import type { Route } from './router.ts'
import { flag, word } from './values.ts'
import { unframe } from './frames.ts'
import { acceptWebSocket } from './websocket.ts'

const attachQuery = {
  stdin: flag,
  stdout: flag,
  stderr: flag,
  logs: flag,
  stream: flag,
  detachKeys: word,
}

export function attachRoutes(containers: ContainerEngine): Route[] {
  return [
    route({
      method: 'POST',
      path: '/containers/:id/attach',
      query: attachQuery,
      handle: async (call, options) => {
        const { client } = call
        const asked = { ...options, ...(client && { client }) }
        const { stream, tty } = await containers.attach(call.param('id'), asked)
        if (client?.isGone === true) return
        await call.splice(call.hijack(tty), stream, { stdin: options.stdin })
      },
    }),
    route({
      method: 'GET',
      path: '/containers/:id/attach/ws',
      query: attachQuery,
      handle: (call, options) => attachByWebSocket(containers, call, options),
    }),
  ]
}

/** One binary message per piece of output, without frames: over a websocket stdout and stderr are one. */
async function attachByWebSocket(
  containers: ContainerEngine,
  call: Call,
  asked: AttachOptions,
): Promise<void> {
  // Until 1.42 nobody could choose.
  const all = { stdin: true, stdout: true, stderr: true }
  const options = call.speaks('1.42') ? asked : { ...asked, ...all }
  const socket = call.upgradedSocket
  if (socket === undefined || call.header('upgrade')?.toLowerCase() !== 'websocket') {
    // one that is not there is told first, as by dockerd
    await containers.inspect(call.param('id'))
    throw new InvalidParameterError('this endpoint needs a websocket handshake')
  }
  const { stream, tty } = await containers.attach(call.param('id'), options)
  const peer = acceptWebSocket(call, socket, call.speaks('1.28') ? 'binary' : 'text')
  const output: Readable = tty ? stream : stream.pipe(unframe())
  peer.join(output, options.stdin === true ? stream : undefined)
  await peer.closed
  stream.destroy()
}
