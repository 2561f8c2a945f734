import type { TerminalSize } from '../contract/common.ts'
import type { ContainerEngine, LogsOptions, StopOptions } from '../contract/containers.ts'
import type { SystemEngine } from '../contract/system.ts'
import { InvalidParameterError } from '../errors.ts'
import type { Call } from './call.ts'
import { containerCreateBody, containerUpdateBody } from './container-bodies.ts'
import { route } from './router.ts'
import type { Route } from './router.ts'
import { containerFor, containersFor } from './versions/container-answers.ts'
import { createRequestOf } from './versions/create-request.ts'
import { updateRequestOf } from './versions/update-request.ts'
import {
  filters,
  flag,
  integer,
  maybeFlag,
  sinceMoment,
  unread,
  unsupported,
  untilMoment,
  word,
} from './values.ts'

export function containerRoutes(
  containers: ContainerEngine,
  system: Pick<SystemEngine, 'info'>,
): Route[] {
  return [
    route({
      method: 'GET',
      path: '/containers/json',
      query: { all: flag, limit: integer, size: flag, filters },
      handle: async (call, options) => {
        call.send(200, containersFor(call, await containers.list(options)))
      },
    }),
    route({
      method: 'POST',
      path: '/containers/create',
      query: { name: word, platform: word },
      handle: async (call, { name, platform }) => {
        const body = await call.json(containerCreateBody)
        // Only the default of clients that old depends on the host.
        const unifiedCgroups = call.speaks('1.41') || (await system.info()).CgroupVersion === '2'
        const { config, warnings } = createRequestOf(body, call, { unifiedCgroups })
        const options = { name, platform: call.speaks('1.41') ? platform : undefined }
        const { Id, Warnings } = await containers.create(config, options)
        call.send(201, { Id, Warnings: [...Warnings, ...warnings] })
      },
    }),
    route({
      method: 'POST',
      path: '/containers/prune',
      query: { filters },
      handle: async (call, query) => {
        call.send(200, await containers.prune(query.filters))
      },
    }),
    route({
      method: 'GET',
      path: '/containers/:id*/json',
      query: { size: flag },
      handle: async (call, query) => {
        call.send(200, containerFor(call, await containers.inspect(call.param('id'), query)))
      },
    }),
    route({
      method: 'GET',
      path: '/containers/:id/top',
      query: { ps_args: word },
      handle: async (call, query) => {
        call.send(200, await containers.top(call.param('id'), query.ps_args))
      },
    }),
    route({
      method: 'GET',
      path: '/containers/:id/logs',
      query: logsQuery,
      handle: (call, query) => logs(containers, call, query),
    }),
    route({
      method: 'GET',
      path: '/containers/:id/stats',
      query: { stream: maybeFlag, 'one-shot': flag },
      handle: (call, query) => stats(containers, call, query),
    }),
    route({
      method: 'POST',
      path: '/containers/:id/start',
      query: {
        detachKeys: unread('attach takes it'),
        checkpoint: unsupported('checkpoint', 'containers cannot be frozen to disk'),
        'checkpoint-dir': unsupported('checkpoint-dir', 'containers cannot be frozen to disk'),
      },
      handle: async (call) => {
        // Docker took a host config here until API 1.24; ignoring one would start something else than was asked for.
        const isChunked = call.header('transfer-encoding') !== undefined
        if (isChunked || Number(call.header('content-length') ?? 0) > 7) {
          throw new InvalidParameterError(
            'starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24',
          )
        }
        await containers.start(call.param('id'))
        call.send(204)
      },
    }),
    route({
      method: 'POST',
      path: '/containers/:id/stop',
      query: { signal: word, t: integer },
      handle: async (call, query) => {
        await containers.stop(call.param('id'), stopOptions(call, query))
        call.send(204)
      },
    }),
    route({
      method: 'POST',
      path: '/containers/:id/restart',
      query: { signal: word, t: integer },
      handle: async (call, query) => {
        await containers.restart(call.param('id'), stopOptions(call, query))
        call.send(204)
      },
    }),
    route({
      method: 'POST',
      path: '/containers/:id/kill',
      query: { signal: word },
      handle: async (call, { signal }) => {
        await containers.kill(call.param('id'), signal)
        call.send(204)
      },
    }),
    {
      method: 'POST',
      path: '/containers/:id/pause',
      handle: async (call) => {
        await containers.pause(call.param('id'))
        call.send(204)
      },
    },
    {
      method: 'POST',
      path: '/containers/:id/unpause',
      handle: async (call) => {
        await containers.unpause(call.param('id'))
        call.send(204)
      },
    },
    route({
      method: 'POST',
      path: '/containers/:id/rename',
      query: { name: word },
      handle: async (call, { name }) => {
        if (name === undefined)
          throw new InvalidParameterError('Neither old nor new names may be empty')
        await containers.rename(call.param('id'), name)
        call.send(204)
      },
    }),
    {
      method: 'POST',
      path: '/containers/:id/update',
      handle: async (call) => {
        const body = await call.json(containerUpdateBody, { optional: true })
        const { update, warnings } = updateRequestOf(body, call)
        const { Warnings } = await containers.update(call.param('id'), update)
        call.send(200, { Warnings: [...(Warnings ?? []), ...warnings] })
      },
    },
    route({
      method: 'POST',
      path: '/containers/:id/resize',
      query: { h: word, w: word },
      handle: async (call, query) => {
        await containers.resize(call.param('id'), terminalSize(query))
        call.send(200)
      },
    }),
    route({
      method: 'POST',
      path: '/containers/:id/wait',
      query: { condition: word },
      handle: (call, query) => wait(containers, call, query),
    }),
    route({
      method: 'DELETE',
      // the name of a link has a slash in it
      path: '/containers/:id*',
      query: { force: flag, v: flag, link: flag },
      handle: async (call, { force, v, link }) => {
        await containers.remove(call.param('id'), { force, volumes: v, link })
        call.send(204)
      },
    }),
  ]
}

/** The signal of the moment can be chosen since 1.42. */
function stopOptions(
  call: Call,
  { signal, t }: { signal: string | undefined; t: number | undefined },
): StopOptions {
  return { signal: call.speaks('1.42') ? signal : undefined, timeout: t }
}

/** Rows and columns of a terminal out of `h` and `w`, which the kernel keeps in 16 bits each. */
export function terminalSize({ h = '', w = '' }: { h?: string; w?: string }): TerminalSize {
  return { rows: edge('height', h), cols: edge('width', w) }
}

function edge(which: 'height' | 'width', text: string): number {
  const isNumber = /^-?\d+$/.test(text)
  const number = Number(text)
  if (isNumber && number >= 0 && number <= 0xffff) return number
  throw new InvalidParameterError(
    `invalid resize ${which} ${JSON.stringify(text)}: ${isNumber ? 'value out of range' : 'invalid syntax'}`,
  )
}

const logsQuery = {
  stdout: flag,
  stderr: flag,
  follow: flag,
  since: sinceMoment,
  until: untilMoment,
  timestamps: flag,
  tail: word,
  details: flag,
}

async function logs(
  containers: ContainerEngine,
  call: Call,
  { tail, ...options }: Omit<LogsOptions, 'tail'> & { tail: string | undefined },
): Promise<void> {
  if (options.stdout !== true && options.stderr !== true) {
    throw new InvalidParameterError('Bad parameters: you must choose at least one stream')
  }
  // As Docker: what is no number means all.
  const lines = tail !== undefined && /^\d{1,15}$/.test(tail) ? Number(tail) : undefined
  const { stream, tty } = await containers.logs(
    call.param('id'),
    { ...options, tail: lines },
    call.signal,
  )
  await call.pipe(stream, call.streamType(tty))
}

async function stats(
  containers: ContainerEngine,
  call: Call,
  query: { stream: boolean | undefined; 'one-shot': boolean },
): Promise<void> {
  const stream = query.stream ?? true
  const oneShot = call.speaks('1.41') && query['one-shot']
  if (oneShot && stream)
    throw new InvalidParameterError('cannot have stream=true and one-shot=true')
  const samples = containers.stats(call.param('id'), { stream, oneShot }, call.signal)
  // The first sample is asked for before the status goes out: an unknown container is a 404.
  await call.sendLines(await begun(samples))
}

async function wait(
  containers: ContainerEngine,
  call: Call,
  query: { condition: string | undefined },
): Promise<void> {
  const condition = (call.speaks('1.30') ? query.condition : undefined) ?? 'not-running'
  if (condition !== 'not-running' && condition !== 'next-exit' && condition !== 'removed') {
    throw new InvalidParameterError(`invalid condition: "${condition}"`)
  }
  const { exited } = await containers.wait(call.param('id'), condition, call.signal)
  call.response.writeHead(200, { 'Content-Type': 'application/json' })
  // `docker run` starts the container as soon as it sees the head: the wait is registered by now. Until 1.30 the head
  // came with the exit.
  if (call.speaks('1.30')) call.response.flushHeaders()
  try {
    const exit = await exited
    call.response.end(`${JSON.stringify(exit)}\n`)
  } catch (error) {
    if (call.signal.aborted) return
    // An empty answer was how a failed removal was told.
    if (condition === 'removed' && !call.speaks('1.34')) {
      call.response.end()
      return
    }
    const message = error instanceof Error ? error.message : String(error)
    call.response.end(`${JSON.stringify({ StatusCode: 125, Error: { Message: message } })}\n`)
  }
}

/** Waits for the first value, so that a failure before it can still be told by status, and gives all values. */
export async function begun<T>(values: AsyncIterable<T>): Promise<AsyncIterable<T>> {
  const iterator = values[Symbol.asyncIterator]()
  const first = await iterator.next()
  let isFirst = true
  const rest: AsyncIterator<T> = {
    next: () => {
      if (!isFirst) return iterator.next()
      isFirst = false
      return Promise.resolve(first)
    },
    return: (value?: unknown) =>
      iterator.return?.(value) ?? Promise.resolve({ done: true, value: undefined }),
  }
  return { [Symbol.asyncIterator]: () => rest }
}
