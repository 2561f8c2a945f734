import { randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import { errorMessage } from '../errors.ts'
import { buildExecProcess } from '../runtime/exec-process.ts'
import { timestamp } from './clock.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import type { HealthCheck } from './health-config.ts'
import { killGroup } from './kill-group.ts'
import { withLinkEnvironment } from './links.ts'
import { filterOf, requireRunning, userInRunning } from './running.ts'

/** One line of a container's health log. */
export interface ProbeResult {
  Start: string
  End: string
  ExitCode: number
  Output: string
}

const MOST_OUTPUT = 4096
/** What a probe has left behind may hold its output open. */
const LAST_WORDS_MS = 2_000
const FRAME_HEADER = 8

/**
 * Runs a health check's command once inside the container. One that takes too long is killed with all that it has started,
 * so that probes do not pile up, and has failed with exit code -1; as has one that could not be run.
 *
 * @param signal ends it before its time
 */
export async function runProbe(
  context: ContainersContext,
  container: Container,
  check: HealthCheck,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const Start = timestamp()
  const outcome = await tryProbe(context, container, check, signal).catch((error: unknown) => ({
    ExitCode: -1,
    Output: errorMessage(error),
  }))
  return { Start, End: timestamp(), ...outcome }
}

async function tryProbe(
  context: ContainersContext,
  container: Container,
  check: HealthCheck,
  signal: AbortSignal,
): Promise<{ ExitCode: number; Output: string }> {
  const { shim, cgroup } = requireRunning(container)
  const { config, hostConfig, id } = container.document
  if (check.words.length === 0) throw new Error(`healthcheck for container ${id} has no command`)
  const shell = config.Shell && config.Shell.length > 0 ? config.Shell : ['/bin/sh', '-c']
  const process = buildExecProcess({
    config: withLinkEnvironment(context, container),
    hostConfig,
    exec: { Cmd: check.kind === 'CMD' ? check.words : [...shell, ...check.words] },
    user: await userInRunning(context, container, config.User ?? ''),
  })
  const { exited, pid, stream } = await shim.exec({
    id: randomBytes(32).toString('hex'),
    process,
    ...filterOf(container, false),
    cgroup,
    stdin: false,
    stdout: true,
    stderr: true,
    detach: false,
  })
  const output = stream ? collect(stream) : () => ''
  const said = new Promise<void>((resolve) => stream?.once('end', resolve))
  try {
    const code = await within(exited, check.timeoutMs, signal)
    if (code !== undefined) {
      await within(said, LAST_WORDS_MS, signal)
      return { ExitCode: code, Output: output() }
    }
    killGroup(pid)
    await exited.catch(() => undefined)
    const text = output()
    const words = `Health check exceeded timeout (${duration(check.timeoutMs)})`
    return { ExitCode: -1, Output: text === '' ? words : `${words}: ${text}` }
  } finally {
    stream?.destroy()
  }
}

/** @returns what was said so far on both streams, the first 4096 bytes of it and `...` when there was more */
function collect(stream: Readable): () => string {
  let pending = Buffer.alloc(0)
  let kept = Buffer.alloc(0)
  let isCut = false
  const take = (payload: Buffer): void => {
    const room = MOST_OUTPUT - kept.length
    if (payload.length > room) isCut = true
    kept = Buffer.concat([kept, payload.subarray(0, room)])
  }
  stream.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk])
    while (pending.length >= FRAME_HEADER) {
      const end = FRAME_HEADER + pending.readUInt32BE(4)
      if (pending.length < end) break
      take(pending.subarray(FRAME_HEADER, end))
      pending = pending.subarray(end)
    }
  })
  // it ends with its process, in whichever way
  stream.on('error', () => undefined)
  return () => `${kept.toString('utf8')}${isCut ? '...' : ''}`
}

/** undefined when the time is over first, or the signal fires. */
async function within<T>(
  work: Promise<T>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<T | undefined> {
  let giveUp: () => void = () => undefined
  const late = new Promise<undefined>((resolve) => {
    giveUp = () => {
      resolve(undefined)
    }
  })
  const timer = setTimeout(giveUp, timeoutMs)
  signal.addEventListener('abort', giveUp)
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', giveUp)
  }
}

/** As Go writes it: `1.5s`, `300ms`, `1m0s`. */
function duration(ms: number): string {
  if (ms < 1000) return `${String(ms)}ms`
  const minutes = Math.floor(ms / 60_000)
  const seconds = `${String((ms % 60_000) / 1000)}s`
  return minutes === 0 ? seconds : `${String(minutes)}m${seconds}`
}
