import type { StopOptions } from '../contract/containers.ts'
import { ConflictError, errorCode, NotModifiedError, withPrefix } from '../errors.ts'
import type { Cgroup } from '../cgroups/manager.ts'
import { parseSignal } from '../signals.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { emitContainerEvent } from './context.ts'
import { noteSignal, wantEnd } from './end-cause.ts'
import { requireRunning } from './running.ts'
import { signalInit } from './silent-shim.ts'
import { startContainer } from './start.ts'
import { isRunning } from './state.ts'
import { waitForContainer } from './wait.ts'

const DEFAULT_GRACE_SECONDS = 10
/** How long a SIGKILL may take before everything in the cgroup is killed as well. */
const KILL_GRACE_MS = 2_000

/**
 * Sends the stop signal, and SIGKILL when the grace time is over; resolves once the container has ended.
 *
 * @throws NOT_MODIFIED when it does not run
 * @see POST /containers/{id}/stop
 */
export async function stopContainer(
  context: ContainersContext,
  container: Container,
  options: StopOptions = {},
): Promise<void> {
  const { config } = container.document
  if (!isRunning(container.status) && container.status !== 'restarting')
    throw new NotModifiedError('container is already stopped')
  const signal = parseSignal(stopSignalOf(options.signal, config.StopSignal))
  const graceSeconds = options.timeout ?? config.StopTimeout ?? DEFAULT_GRACE_SECONDS
  let isOver = await abandonRestart(context, container)
  if (!isOver && !isRunning(container.status))
    throw new NotModifiedError('container is already stopped')
  // again for one that ended by itself just then: its restart policy may have it start once more
  while (!isOver) {
    const byUs =
      isRunning(container.status) && (await end(context, container, signal, graceSeconds))
    isOver = (await abandonRestart(context, container)) || byUs || !isRunning(container.status)
  }
  emitContainerEvent(context, container, 'stop')
}

/** @see POST /containers/{id}/restart */
export async function restartContainer(
  context: ContainersContext,
  container: Container,
  options: StopOptions = {},
): Promise<void> {
  // one that is removed after its end is not removed at this one
  container.isBeingRestarted = true
  try {
    await unlessDone(() => stopContainer(context, container, options))
    await unlessDone(() => startContainer(context, container))
  } finally {
    container.isBeingRestarted = false
  }
  emitContainerEvent(context, container, 'restart')
}

/**
 * Sends a signal to the container's init.
 *
 * @param name of the container, or its ID: each failure begins with it, as Docker's do
 * @param signal name or number; SIGKILL when not given
 * @throws INVALID_PARAMETER for a signal that there is none of, also of an unknown container
 * @throws NOT_FOUND when there is no such container, CONFLICT when it does not run
 * @see POST /containers/{id}/kill
 */
export async function killContainer(
  context: ContainersContext,
  name: string,
  signal = 'SIGKILL',
): Promise<void> {
  try {
    const number = parseSignal(signal === '' ? 'SIGKILL' : signal)
    await sendSignal(context, context.table.get(name), number)
  } catch (error) {
    throw withPrefix(`cannot kill container: ${name}`, error)
  }
}

async function sendSignal(
  context: ContainersContext,
  container: Container,
  number: number,
): Promise<void> {
  const stopSignal = parseSignal(stopSignalOf(undefined, container.document.config.StopSignal))
  const isForGood = number === 9 || number === stopSignal
  if (container.status === 'restarting') {
    // no process to tell; one that is to end is not started again
    if (!isForGood || (await abandonRestart(context, container))) return
  }
  if (!isRunning(container.status)) {
    throw new ConflictError(`container ${container.id} is not running`)
  }
  if (await hasJustEnded(container)) {
    if (isForGood) await abandonRestart(context, container)
    return
  }
  if (isForGood) {
    wantEnd(container)
    await container.recordState({ manuallyStopped: true }, context.warn)
  } else noteSignal(container, number)
  if (number === 9) {
    await killForGood(context, container)
    await abandonRestart(context, container)
  } else {
    await initOf(container).signal(number)
    emitContainerEvent(context, container, 'kill', { signal: String(number) })
  }
}

/** SIGKILL, and everything in the cgroup after it when the init does not go; used by kill, stop and rm -f. */
export async function killForGood(context: ContainersContext, container: Container): Promise<void> {
  if (await hasJustEnded(container)) return
  const { cgroup, kill } = initOf(container)
  const { exited } = waitForContainer(container, 'next-exit')
  if (container.status === 'paused') await cgroup.thaw()
  await unlessEnded(kill)
  emitContainerEvent(context, container, 'kill', { signal: '9' })
  if (await within(exited, KILL_GRACE_MS)) return
  await cgroup.kill()
  await exited
}

/** @returns false when it has ended by itself */
async function end(
  context: ContainersContext,
  container: Container,
  signal: number,
  graceSeconds: number,
): Promise<boolean> {
  if (await hasJustEnded(container)) return false
  const init = initOf(container)
  // registered before the signal: the end may come at once
  const { exited } = waitForContainer(container, 'next-exit')
  wantEnd(container)
  await container.recordState({ manuallyStopped: true }, context.warn)
  if (container.status === 'paused') {
    await init.cgroup.thaw()
    await container.recordState({ status: 'running' }, context.warn)
  }
  await unlessEnded(() => init.signal(signal))
  emitContainerEvent(context, container, 'kill', { signal: String(signal) })
  if (graceSeconds < 0) await exited
  else if (!(await within(exited, graceSeconds * 1000)) && isRunning(container.status))
    await killForGood(context, container)
  return true
}

/** The first process of a running container, and how it is told. @throws CONFLICT when it does not run */
function initOf(container: Container): {
  cgroup: Cgroup
  signal: (signal: number) => Promise<void>
  kill: () => Promise<void>
} {
  const { cgroup, silentShim } = container
  if (silentShim && cgroup) {
    return {
      cgroup,
      // not async: what it throws is a rejection all the same
      signal: (signal) => Promise.resolve().then(() => signalInit(container, signal)),
      kill: () => Promise.resolve().then(() => silentShim.kill()),
    }
  }
  const running = requireRunning(container)
  const signal = (number: number): Promise<void> => running.shim.signal(number)
  return { cgroup: running.cgroup, signal, kill: () => signal(9) }
}

/** To be as it is already is no failure of a verb that is made of others. */
async function unlessDone(verb: () => Promise<void>): Promise<void> {
  try {
    await verb()
  } catch (error) {
    if (!(error instanceof NotModifiedError)) throw error
  }
}

/** Who wants the end has it when the process ended a moment ago. */
async function unlessEnded(tell: () => Promise<void>): Promise<void> {
  try {
    await tell()
  } catch (error) {
    if (errorCode(error) !== 'CONFLICT') throw error
  }
}

/** Its process is gone and its state about to say so: true once it does. */
async function hasJustEnded(container: Container): Promise<boolean> {
  if (container.hasShim) return false
  await container.lock.run(() => Promise.resolve())
  return !isRunning(container.status)
}

/**
 * A container between two starts has nothing to stop but the next start.
 *
 * @returns false when it is not between two starts, or not any more
 */
async function abandonRestart(context: ContainersContext, container: Container): Promise<boolean> {
  if (container.status !== 'restarting') return false
  return container.lock.run(async () => {
    // the next start may have been quicker
    if (container.status !== 'restarting') return false
    container.cancelRestart()
    await container.recordState({ status: 'exited', manuallyStopped: true }, context.warn)
    container.events.emit('ended', { StatusCode: container.state.exitCode })
    return true
  })
}

/** What ends the container: as asked for, as its config or image says, SIGTERM. */
function stopSignalOf(asked: string | undefined, config: string | null | undefined): string {
  if (asked !== undefined && asked !== '') return asked
  return config === undefined || config === null || config === '' ? 'SIGTERM' : config
}

/** True when the promise settles within the time. */
async function within(promise: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, false)
  })
  try {
    return await Promise.race([promise.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
