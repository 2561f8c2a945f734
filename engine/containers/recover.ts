import fs from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { asCaller, system } from '../caller.ts'
import { connectShim, readExitRecord, type Shim } from '../runtime/shim.ts'
import { readDocument } from '../store/documents.ts'
import { timestamp } from './clock.ts'
import { cgroupOf, cgroupParentOf } from './cgroup-of.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { documentSchema, initialState, stateSchema } from './document.ts'
import { removeHeld } from './discard.ts'
import { recoverExecs } from './exec.ts'
import { releaseRun, settleEnd, tellOom, watchForEnd } from './exit.ts'
import { startHealthMonitor } from './health.ts'
import { removeRunDir } from './run-dir.ts'
import { shouldStartWithEngine } from './restart-policy.ts'
import { sandboxRequestOf } from './sandbox-request.ts'

const creatingSchema = z.object({ volumes: z.array(z.string()) })

/**
 * Reads all containers from disk into the table, without touching the kernel. What a creation cut short left behind is
 * removed: it never was a container to anybody.
 */
export async function loadContainers(
  context: Pick<ContainersContext, 'table' | 'warn'>,
): Promise<{ orphanedVolumes: string[] }> {
  const root = context.table.dirOf('')
  await fs.mkdir(root, { recursive: true, mode: 0o700 })
  const orphanedVolumes: string[] = []
  for (const id of await fs.readdir(root)) {
    const dir = path.join(root, id)
    const document = await readDocument(path.join(dir, 'container.json'), documentSchema)
    if (!document) {
      const creating = await readDocument(path.join(dir, 'creating.json'), creatingSchema)
      orphanedVolumes.push(...(creating?.volumes ?? []))
      await fs.rm(dir, { recursive: true, force: true })
      continue
    }
    // the state may be lost in a power cut: nothing runs then
    const state = await readDocument(path.join(dir, 'state.json'), stateSchema).catch(
      (error: unknown) => {
        context.warn(`the state of container ${id} cannot be read, taken as exited`, error)
        return undefined
      },
    )
    context.table.reserveName(document.name, document.id)
    context.table.add(
      document,
      state ?? { ...initialState(), status: 'exited', exitCode: 255, finishedAt: timestamp() },
    )
  }
  return { orphanedVolumes }
}

/**
 * Takes up where the engine before us was: joins the shims that live, settles what ended meanwhile, finishes removals,
 * and clears what belongs to no container.
 */
export async function recoverContainers(context: ContainersContext): Promise<void> {
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
  await sweep(context)
  void asCaller(system('restart policy'), () => startByPolicy(context))
}

async function recoverContainer(context: ContainersContext, container: Container): Promise<void> {
  const { state } = container
  if (state.status === 'removing' || state.status === 'dead') {
    await container.lock.run(() => removeHeld(context, container, { volumes: false }))
    return
  }
  const mayRun = state.starting || state.status === 'running' || state.status === 'paused'
  if (!mayRun) return
  const shim = await connectShim(container.runDir).catch(() => undefined)
  if (shim) await adopt(context, container, shim)
  else await settleLost(context, container)
}

async function adopt(context: ContainersContext, container: Container, shim: Shim): Promise<void> {
  const { state } = container
  container.shim = shim
  container.cgroup = cgroupOf(context, container)
  if (state.sandbox)
    await context.networks.adopt(container.id, sandboxRequestOf(context, container), state.sandbox)
  if (state.starting) {
    await container.setState({
      status: 'running',
      starting: false,
      pid: shim.pid,
      startedAt: timestamp(),
      manuallyStopped: false,
      error: '',
    })
  }
  if (container.status === 'paused' && container.state.pausedForCommit) {
    // whoever committed it is gone
    await container.cgroup.thaw()
    await container.setState({ status: 'running', pausedForCommit: false })
  }
  await recoverExecs(context, container)
  // killed while no engine looked
  if (!state.oomKilled && container.cgroup.oomKilled()) tellOom(context, container, true)
  watchForEnd(context, container, shim, container.cgroup)
  startHealthMonitor(context, container)
}

/** No shim: it ended while no engine looked (the exit record tells how), or never ran. */
async function settleLost(context: ContainersContext, container: Container): Promise<void> {
  const exit = await readExitRecord(container.exitPath)
  if (container.state.starting && container.status !== 'running' && !exit) {
    await releaseRun(context, container)
    await container.setState({ starting: false, sandbox: null })
    return
  }
  if (container.state.starting && container.status !== 'running')
    await container.setState({ status: 'running' })
  await container.lock.run(() => settleEnd(context, container, exit))
}

/** Kernel objects and layers of containers that are no more. */
async function sweep(context: ContainersContext): Promise<void> {
  const { cgroups, images, networks, table } = context
  const live = new Set(
    table
      .all()
      .filter((container) => container.shim)
      .map((container) => container.id),
  )
  const known = new Set(table.all().map((container) => container.id))
  await networks.sweep(live)
  for (const id of await images.snapshots.list())
    if (!known.has(id)) await images.snapshots.remove(id)
  // below another parent than the engine's, only those whose containers are known can be found
  const elsewhere = table
    .all()
    .filter((container) => !live.has(container.id) && cgroupParentOf(container) !== undefined)
    .map((container) => cgroupOf(context, container))
  const orphans = cgroups.list().filter((id) => !live.has(id))
  for (const cgroup of [...orphans.map((id) => cgroups.open(id)), ...elsewhere]) {
    await cgroup.kill()
    await cgroup.remove()
  }
  const runRoot = table.runDirOf('')
  for (const id of await fs.readdir(runRoot).catch(() => [])) {
    if (!live.has(id)) await removeRunDir(path.join(runRoot, id))
  }
}

async function startByPolicy(context: ContainersContext): Promise<void> {
  for (const container of context.table.all()) {
    const { hostConfig } = container.document
    const { status, startedAt } = container.state
    const wasStarted = startedAt !== initialState().startedAt
    if (container.shim || container.restartTimer || !wasStarted) continue
    if (status !== 'exited' && status !== 'restarting') continue
    if (hostConfig.AutoRemove === true) {
      await container.lock
        .run(() => removeHeld(context, container, { volumes: true }))
        .catch((error: unknown) => {
          context.warn(`could not remove container ${container.id}`, error)
        })
      continue
    }
    if (!shouldStartWithEngine(hostConfig.RestartPolicy, container.state)) {
      if (status === 'restarting') await container.setState({ status: 'exited' })
      continue
    }
    await container.lock
      .run(async () => {
        if (context.closing || container.shim) return
        await context.launch(container, { restartCount: container.state.restartCount })
      })
      .catch((error: unknown) => {
        context.warn(`could not start container ${container.id} again`, error)
      })
  }
}
