import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { removeHeld } from './discard.ts'
import { NEVER } from './document.ts'
import { shouldStartWithEngine } from './restart-policy.ts'

/** How many are started at once; more only take the processors from each other. */
const AT_ONCE = 4

/**
 * What a host's reboot, or an engine's, asks of the containers that do not run: those that their policy wants are started,
 * after the containers that they stand on; those that are removed after their end are removed.
 *
 * @see `docker run --restart`, `--rm`
 */
export async function startByPolicy(context: ContainersContext): Promise<void> {
  const wanted = new Map<string, Container>()
  for (const container of context.table.all()) {
    const { error, status, startedAt } = container.state
    if (container.hasShim || container.restartTimer) continue
    const { AutoRemove, RestartPolicy } = container.document.hostConfig
    // one whose first start has failed is over, too
    const isOver = startedAt === NEVER ? error !== '' : status === 'exited'
    if (AutoRemove === true && isOver) await discard(context, container)
    else if (startedAt === NEVER || (status !== 'exited' && status !== 'restarting')) continue
    else if (shouldStartWithEngine(RestartPolicy, container.state))
      wanted.set(container.id, container)
    else if (status === 'restarting')
      await container.recordState({ status: 'exited' }, context.warn)
  }
  const queue = inOrder(context, wanted)
  const started = new Map<string, Promise<void>>()
  const next = async (): Promise<void> => {
    for (let container = queue.shift(); container; container = queue.shift()) {
      // those it stands on come before it in the queue, so their starts are under way
      const before = neededBy(context, container).flatMap(({ id }) => started.get(id) ?? [])
      const work = Promise.all(before).then(() => start(context, container))
      started.set(container.id, work)
      await work
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, next))
}

async function start(context: ContainersContext, container: Container): Promise<void> {
  try {
    await container.lock.run(async () => {
      if (context.closing || container.removed || container.hasShim) return
      if (container.status !== 'exited' && container.status !== 'restarting') return
      await context.launch(container, { restartCount: 0 })
    })
  } catch (error) {
    context.warn(`could not start container ${container.id} again`, error)
  }
}

async function discard(context: ContainersContext, container: Container): Promise<void> {
  try {
    await container.lock.run(() => removeHeld(context, container, { volumes: true }))
  } catch (error) {
    context.warn(`could not remove container ${container.id}`, error)
  }
}

/** Those that others stand on before them. */
function inOrder(context: ContainersContext, wanted: Map<string, Container>): Container[] {
  const order = new Set<Container>()
  const visiting = new Set<Container>()
  const visit = (container: Container): void => {
    if (order.has(container) || visiting.has(container)) return
    visiting.add(container)
    for (const other of neededBy(context, container)) if (wanted.has(other.id)) visit(other)
    order.add(container)
  }
  for (const container of wanted.values()) visit(container)
  return [...order]
}

/** Whose namespaces it joins, and what it is linked to. */
function neededBy(context: ContainersContext, container: Container): Container[] {
  const { IpcMode, Links, NetworkMode, PidMode } = container.document.hostConfig
  const joined = [IpcMode, NetworkMode, PidMode].flatMap(
    (mode) => /^container:(.+)$/.exec(mode ?? '')?.[1] ?? [],
  )
  const linked = (Links ?? []).map((link) => link.replace(/^\//, '').split(':')[0] ?? '')
  return [...joined, ...linked].flatMap((name) => context.table.find(name) ?? [])
}
