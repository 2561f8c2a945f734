import fs from 'node:fs/promises'
import path from 'node:path'
import { asCaller, system } from '../caller.ts'
import type { Cgroup } from '../cgroups/manager.ts'
import { CGROUP_PARENT } from '../cgroups/parents.ts'
import { readExitRecord } from '../runtime/exit-record.ts'
import type { Shim } from '../runtime/shim.ts'
import { timestamp } from './clock.ts'
import { cgroupOf, cgroupParentOf } from './cgroup-of.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { removeHeld } from './discard.ts'
import { causeOfEnd } from './end-cause.ts'
import { recoverExecs } from './exec.ts'
import { releaseRun, settleEnd, tellOom, UNKNOWN_EXIT, wasOomKilled, watchForEnd } from './exit.ts'
import { finishCutShort } from './finish-cut-short.ts'
import { startHealthMonitor } from './health.ts'
import { deleteFromRuntime, removeRunDir } from './run-dir.ts'
import { sandboxRequestOf } from './sandbox-request.ts'
import { joinShim, SilentShim } from './silent-shim.ts'
import { startByPolicy } from './start-by-policy.ts'
import { isRunning } from './state.ts'

/**
 * Takes up where the engine before us was: joins the shims that live, settles what ended meanwhile, finishes removals,
 * and clears what belongs to no container.
 *
 * @param damaged containers that are set aside: their writable layers are nobody's to clear
 */
export async function recoverContainers(
  context: ContainersContext,
  damaged: readonly string[],
): Promise<void> {
  const { table } = context
  await Promise.all(
    table.all().map(async (container) => {
      try {
        await asCaller(system('found when the engine started'), () =>
          recoverContainer(context, container),
        )
      } catch (error) {
        context.warn(`could not recover container ${container.id}`, error)
      }
    }),
  )
  await sweep(context, damaged)
  for (const container of table.all()) context.logs.takeUp(container)
  void asCaller(system('restart policy'), () => startByPolicy(context))
}

async function recoverContainer(context: ContainersContext, container: Container): Promise<void> {
  const { state } = container
  if (state.status === 'removing' || state.status === 'dead') {
    const volumes = state.removesVolumes ?? false
    await container.lock.run(() => removeHeld(context, container, { volumes }))
    return
  }
  const mayRun = state.starting || state.status === 'running' || state.status === 'paused'
  if (!mayRun) return
  const shim = await joinShim(container).catch(() => undefined)
  if (shim instanceof SilentShim) await goOnWithout(context, container, shim)
  else if (shim) {
    await holdOn(context, container)
    await adopt(context, container, shim)
  } else await container.lock.run(() => settleLost(context, container, { isRecovery: true }))
}

/** The engine opens all the same; the container is joined, or its end settled, once its shim has answered or is dead. */
async function goOnWithout(
  context: ContainersContext,
  container: Container,
  shim: SilentShim,
): Promise<void> {
  context.warn(`container ${container.name}: ${shim.refusal.message}`)
  container.silentShim = shim
  await holdOn(context, container)
  const settle = async (): Promise<void> => {
    const answering = await shim.answered.catch(() => undefined)
    await container.lock.run(async () => {
      if (context.closing) return
      container.silentShim = null
      if (answering) await adopt(context, container, answering)
      else {
        await asCaller(causeOfEnd(container, UNKNOWN_EXIT), () =>
          settleLost(context, container, { isRecovery: false }),
        )
        // as of those whose end was found at the start: its last lines may not have been sent
        if (!container.removed) context.logs.takeUp(container)
      }
    })
  }
  settle().catch((error: unknown) => {
    context.warn(`could not recover container ${container.id}`, error)
  })
  // the engine before us was about to start it, and nobody was told that it runs
  if (!isRunning(container.status)) shim.kill()
}

/** Its cgroup and network are its own, whether or not its shim says anything. */
async function holdOn(context: ContainersContext, container: Container): Promise<void> {
  const { id, state } = container
  container.cgroup = cgroupOf(context, container)
  if (!state.sandbox) return
  const request = sandboxRequestOf(context, container)
  await context.networks.sandboxes.adopt(id, request, state.sandbox).catch((error: unknown) => {
    // its processes run all the same, and are ours to look after
    context.warn(`the network of container ${id} could not be taken up again`, error)
  })
}

async function adopt(context: ContainersContext, container: Container, shim: Shim): Promise<void> {
  const { state } = container
  const cgroup = cgroupOf(context, container)
  container.shim = shim
  if (state.starting) {
    await container.recordState(
      {
        status: 'running',
        starting: false,
        pid: shim.pid,
        startedAt: timestamp(),
        manuallyStopped: false,
        error: '',
      },
      context.warn,
    )
  }
  await finishCutShort(context, container)
  await recoverExecs(context, container).catch((error: unknown) => {
    context.warn(`the execs of container ${container.id} could not be taken up again`, error)
  })
  // killed while no engine looked
  if (!state.oomKilled && wasOomKilled(context, container)) tellOom(context, container, true)
  try {
    watchForEnd(context, container, shim, cgroup)
  } catch (error) {
    context.warn(`container ${container.id} is not watched for want of memory`, error)
  }
  if (container.status === 'running') startHealthMonitor(context, container)
}

/** No shim: it ended while no engine looked (the exit record tells how), or never ran. The caller holds the lock. */
async function settleLost(
  context: ContainersContext,
  container: Container,
  options: { isRecovery: boolean },
): Promise<void> {
  // what it was to become ended with its run, and was promised to nobody
  if (container.state.updatingTo) await container.recordState({ updatingTo: null }, context.warn)
  const exit = await readExitRecord(container.exitPath)
  if (container.state.starting && container.status !== 'running' && !exit) {
    await releaseRun(context, container)
    await container.recordState({ starting: false, sandbox: null }, context.warn)
    return
  }
  if (container.state.starting && container.status !== 'running')
    await container.recordState({ status: 'running' }, context.warn)
  await settleEnd(context, container, exit, options)
}

/** Kernel objects and layers of containers that are no more. */
async function sweep(context: ContainersContext, damaged: readonly string[]): Promise<void> {
  const { cgroups, images, networks, table } = context
  const live = new Set(
    table
      .all()
      .filter((container) => container.hasShim)
      .map((container) => container.id),
  )
  const known = new Set([...table.all().map((container) => container.id), ...damaged])
  await networks.sweep(live)
  for (const id of images.snapshots.list()) if (!known.has(id)) await images.removeWritable(id)
  // below another parent than the engine's, only those whose containers are known can be found
  const elsewhere = table
    .all()
    .filter((container) => !live.has(container.id) && cgroupParentOf(container) !== undefined)
    .map((container) => cgroupOf(context, container))
  // of those that are set aside nobody knows whether they run: their processes are left alone
  const kept = new Set([...live, ...damaged])
  const orphans = cgroups.list().filter((id) => !kept.has(id))
  for (const cgroup of [...orphans.map((id) => cgroups.open(id)), ...elsewhere])
    await endCgroup(context, cgroup)
  const runRoot = table.runDirOf('')
  for (const id of await fs.readdir(runRoot).catch(() => [])) {
    if (kept.has(id)) continue
    await endStrayStep(context, id, path.join(runRoot, id))
    await deleteFromRuntime(path.join(runRoot, id)).catch((error: unknown) => {
      context.warn(`the runtime of container ${id} did not let go of it`, error)
    })
    await removeRunDir(path.join(runRoot, id)).catch((error: unknown) => {
      // something is mounted in it, by somebody else
      context.warn(`the runtime directory of container ${id} could not be removed`, error)
    })
  }
}

/** A step of a killed engine's build below a cgroup of its own choice, which only its run directory tells. */
async function endStrayStep(context: ContainersContext, id: string, runDir: string): Promise<void> {
  const parent = await fs.readFile(path.join(runDir, CGROUP_PARENT), 'utf8').catch(() => undefined)
  if (parent === undefined) return
  await endCgroup(context, context.cgroups.open(id, parent))
}

/** One that does not go (a process of it hangs in the kernel) keeps no engine from starting. */
async function endCgroup({ warn }: ContainersContext, cgroup: Cgroup): Promise<void> {
  try {
    await cgroup.kill()
    await cgroup.remove()
  } catch (error) {
    warn('a cgroup of a container that is no more could not be removed', error)
  }
}
