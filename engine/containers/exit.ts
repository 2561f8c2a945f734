import { asCaller, system } from '../caller.ts'
import type { Cgroup } from '../cgroups/manager.ts'
import type { Shim } from '../runtime/shim.ts'
import { cgroupOf } from './cgroup-of.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { timestamp } from './clock.ts'
import { emitContainerEvent, emitVolumeEvents } from './context.ts'
import { removeHeld } from './discard.ts'
import { causeOfEnd } from './end-cause.ts'
import { healthAtEnd } from './health.ts'
import { restartDelayMs, shouldRestart } from './restart-policy.ts'
import { deleteFromRuntime, removeRunDir } from './run-dir.ts'

/** Exit code of a container whose shim died without a word: nobody knows how it ended. */
export const UNKNOWN_EXIT = 255

/** Lets a running container outlive the engine, and turns the end of its init into state, events, and what its restart policy wants. */
export function watchForEnd(
  context: ContainersContext,
  container: Container,
  shim: Shim,
  cgroup: Cgroup,
): void {
  // not awaited: the container is none the worse for a while with its shim in the engine's own cgroup
  context.cgroups.shelter(shim.shimPid).catch((error: unknown) => {
    context.warn(`the shim of container ${container.id} would end with the engine's service`, error)
  })
  let toldOom = false
  let unwatch = (): void => undefined
  // before what may fail: an end that is not heard of is never settled
  shim.ended
    .then(async (exit) => {
      unwatch()
      // an engine that closes leaves its containers alone
      if (context.closing || container.shim !== shim) return
      // the end may be seen before the kill that caused it
      if (!toldOom && !container.state.oomKilled && wasOomKilled(context, container))
        tellOom(context, container, true)
      await asCaller(causeOfEnd(container, exit?.code ?? UNKNOWN_EXIT), () =>
        container.lock.run(() => settleEnd(context, container, exit)),
      )
    })
    .catch((error: unknown) => {
      context.warn(`could not settle the end of container ${container.id}`, error)
    })
  context.logs.running(container, shim)
  unwatch = cgroup.watchOom((killed) => {
    toldOom ||= killed
    tellOom(context, container, killed)
  })
}

/** A look that fails (no descriptor is left) keeps no end from being settled. */
export function wasOomKilled(context: ContainersContext, container: Container): boolean {
  try {
    return cgroupOf(context, container).oomKilled()
  } catch (error) {
    context.warn(`it is not known whether container ${container.id} ran out of memory`, error)
    return false
  }
}

/** Docker's rule: whichever process of it was killed for want of memory, the container says so until its next start. */
export function tellOom(context: ContainersContext, container: Container, killed: boolean): void {
  asCaller(system('out of memory'), () => {
    emitContainerEvent(context, container, 'oom')
  })
  if (!killed || container.state.oomKilled) return
  void container.recordState({ oomKilled: true }, context.warn)
}

/**
 * Lets go of everything a run held and writes how it ended; the caller holds the lock.
 *
 * @param options.isRecovery found at the engine's start, which then starts by itself what is to run
 */
export async function settleEnd(
  context: ContainersContext,
  container: Container,
  exit: { code: number; at: Date } | null,
  options: { isRecovery?: boolean } = {},
): Promise<void> {
  const exitCode = exit?.code ?? UNKNOWN_EXIT
  const oomKilled = container.state.oomKilled || wasOomKilled(context, container)
  const ranForMs = Date.now() - Date.parse(container.state.startedAt)
  container.health?.stop()
  container.health = null
  container.shim?.close()
  container.shim = null
  await releaseRun(context, container)
  context.execs.forgetPrepared(container.id)
  emitVolumeEvents(context, container, 'unmount')

  const { manuallyStopped, restartCount } = container.state
  const policy = container.document.hostConfig.RestartPolicy
  const again =
    !context.closing &&
    options.isRecovery !== true &&
    shouldRestart(policy, { exitCode, manuallyStopped, restartCount })
  await container.recordState(
    {
      status: again ? 'restarting' : 'exited',
      starting: false,
      pid: 0,
      sandbox: null,
      exitCode,
      oomKilled,
      health: healthAtEnd(container),
      error: exit ? '' : 'the process that supervised the container died',
      finishedAt: exit ? preciseTime(exit.at) : timestamp(),
    },
    context.warn,
    () => {
      emitContainerEvent(context, container, 'die', {
        exitCode: String(exitCode),
        execDuration: String(Math.max(0, Math.round(ranForMs / 1000))),
      })
    },
  )
  container.events.emit('ended', { StatusCode: exitCode })
  const { AutoRemove } = container.document.hostConfig
  if (again) scheduleRestart(context, container, ranForMs)
  else if (AutoRemove === true && !context.closing && !container.isBeingRestarted) {
    await removeHeld(context, container, { volumes: true })
  }
}

/** Processes left in the cgroup, the cgroup, the network, the runtime directory. */
export async function releaseRun(context: ContainersContext, container: Container): Promise<void> {
  const cgroup = cgroupOf(context, container)
  container.cgroup = null
  const emptied = cgroup.kill().then(() => deleteFromRuntime(container.runDir))
  const settled = emptied.catch(() => undefined)
  const results = await Promise.allSettled([
    emptied,
    settled.then(() => cgroup.remove()),
    context.networks.sandboxes.stop(container.id),
    settled.then(() => removeRunDir(container.runDir)),
  ])
  for (const result of results) {
    if (result.status === 'rejected')
      context.warn(`could not clean up after container ${container.id}`, result.reason)
  }
}

function scheduleRestart(context: ContainersContext, container: Container, ranForMs: number): void {
  container.restartDelayMs = restartDelayMs(container.restartDelayMs, ranForMs)
  container.restartTimer = setTimeout(() => {
    container.restartTimer = null
    void asCaller(system('restart policy'), () =>
      container.lock.run(async () => {
        if (context.closing || container.status !== 'restarting') return
        const restartCount = container.state.restartCount + 1
        try {
          await context.launch(container, { restartCount })
        } catch (error) {
          context.warn(`could not restart container ${container.id}`, error)
        }
      }),
    )
  }, container.restartDelayMs)
}

function preciseTime(at: Date): string {
  return at.toISOString().replace('Z', '000000Z')
}
