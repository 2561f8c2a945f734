import { Duplex, PassThrough } from 'node:stream'
import { onBehalf } from '../caller.ts'
import type { ClientConnection } from '../contract/common.ts'
import type { AttachOptions } from '../contract/containers.ts'
import { ConflictError } from '../errors.ts'
import { readLogs } from '../logs/read.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { emitContainerEvent } from './context.ts'
import { DeferredDuplex } from './deferred-duplex.ts'
import { DEFAULT_DETACH_KEYS, detachFilter, parseDetachKeys } from './detach-keys.ts'
import { requireReadableLog } from './logs.ts'
import { isRunning } from './state.ts'

/** Which of the container's streams a client wants. */
export interface AttachedStreams {
  stdin: boolean
  stdout: boolean
  stderr: boolean
}

/** A client that attached before the start; joined to the shim before the container's first byte is read. */
export interface PendingAttach {
  streams: AttachedStreams
  stream: DeferredDuplex
  client: ClientConnection | undefined
}

/**
 * Joins the container's own streams; before its start, too, so that no output is missed.
 *
 * @param name what the client calls it
 * @throws CONFLICT when it is paused or restarting
 * @throws NOT_IMPLEMENTED when its log is asked for, too, and none is kept
 * @see POST /containers/{id}/attach
 */
export async function attachContainer(
  context: ContainersContext,
  container: Container,
  options: AttachOptions,
  name = container.id,
): Promise<{ stream: Duplex; tty: boolean }> {
  const { status } = container.state
  if (status === 'paused')
    throw new ConflictError(`container ${name} is paused, unpause the container before attach`)
  if (status === 'restarting') {
    throw new ConflictError(`container ${name} is restarting, wait until the container is running`)
  }
  const keys = parseDetachKeys(
    options.detachKeys === undefined || options.detachKeys === ''
      ? DEFAULT_DETACH_KEYS
      : options.detachKeys,
  )
  const streams = {
    stdin: (options.stdin ?? false) && (container.document.config.OpenStdin ?? false),
    stdout: options.stdout ?? false,
    stderr: options.stderr ?? false,
  }
  if (options.logs === true) requireReadableLog(container)
  const hasDetachKeys = container.tty && streams.stdin
  // nothing but the live streams, as they are
  const client = options.logs === true || hasDetachKeys ? undefined : options.client
  const isAnyAsked = streams.stdin || streams.stdout || streams.stderr
  const live =
    options.stream === true && isAnyAsked ? await openLive(container, streams, client) : undefined
  const stream =
    options.logs === true ? withLogs(container, streams, live) : (live ?? emptyDuplex())
  emitContainerEvent(context, container, 'attach')
  if (!hasDetachKeys) return { stream, tty: container.tty }
  return {
    stream: detachable(
      stream,
      keys,
      onBehalf(() => {
        emitContainerEvent(context, container, 'detach')
      }),
    ),
    tty: true,
  }
}

async function openLive(
  container: Container,
  streams: AttachedStreams,
  client: ClientConnection | undefined,
): Promise<Duplex> {
  const { shim, state } = container
  // also while it is written down that it runs: those who waited have been joined by then, and nobody looks again
  if (shim && (isRunning(state.status) || state.starting)) {
    const isServed =
      client !== undefined && (await shim.attachClient(streams, client, container.tty))
    return isServed ? emptyDuplex() : shim.attach(streams)
  }
  const stream = new DeferredDuplex()
  const pending = { streams, stream, client }
  container.pendingAttaches.push(pending)
  stream.once('close', () => {
    container.pendingAttaches = container.pendingAttaches.filter((other) => other !== pending)
  })
  return stream
}

/** What was logged, then what is live. */
function withLogs(
  container: Container,
  streams: AttachedStreams,
  live: Duplex | undefined,
): Duplex {
  const output = new PassThrough()
  const past = readLogs({
    path: container.logPath,
    tty: container.tty,
    options: { stdout: streams.stdout, stderr: streams.stderr },
    running: false,
    ended: Promise.resolve(),
  })
  past.on('error', (error) => output.destroy(error))
  past.on('end', () => {
    if (live) live.pipe(output)
    else output.end()
  })
  past.pipe(output, { end: false })
  return Duplex.from(live ? { readable: output, writable: live } : { readable: output })
}

function emptyDuplex(): Duplex {
  return new Duplex({
    read() {
      this.push(null)
    },
    write(_chunk, _encoding, done) {
      done()
    },
  })
}

/** The stream with the detach keys taken out of its input; typing them ends the output, not the container. */
export function detachable(stream: Duplex, keys: Buffer, detached: () => void): Duplex {
  const output = new PassThrough()
  const input = detachFilter(keys, () => {
    detached()
    stream.unpipe(output)
    output.end()
    stream.destroy()
  })
  input.pipe(stream)
  stream.pipe(output)
  stream.on('error', (error) => output.destroy(error))
  stream.on('close', () => {
    if (!output.writableEnded) output.end()
  })
  const whole = Duplex.from({ readable: output, writable: input })
  whole.on('close', () => stream.destroy())
  return whole
}
