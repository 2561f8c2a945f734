import { errorCode } from '../errors.ts'
import { changedLimits } from '../runtime/resources.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { writeNetworkFiles } from './network-files.ts'

/**
 * Brings a container that runs to what its documents say, where the engine before us was killed in the middle of a change.
 * Each step does nothing where all is as it should be; one that fails is told of, and the others still run.
 */
export async function finishCutShort(
  context: ContainersContext,
  container: Container,
): Promise<void> {
  const steps: [what: string, run: () => Promise<void>][] = [
    ['its pause', () => settlePause(context, container)],
    ['its limits', () => settleUpdate(context, container)],
    ['its names of the network', () => settleFiles(context, container)],
  ]
  for (const [what, run] of steps) {
    try {
      await run()
    } catch (error) {
      context.warn(`container ${container.id} may not have ${what} as its documents say`, error)
    }
  }
}

/** Processes are frozen or thawed before that is written down: of an engine killed in between the kernel knows alone. */
async function settlePause(context: ContainersContext, container: Container): Promise<void> {
  const { cgroup, state } = container
  try {
    if (container.status === 'paused' && !state.pausedForCommit) await cgroup?.freeze()
    else await cgroup?.thaw()
  } catch (error) {
    // somebody has taken its cgroup away
    if (errorCode(error) !== 'NOT_FOUND') throw error
  }
  // whoever committed it is gone
  if (container.status === 'paused' && state.pausedForCommit)
    await container.recordState({ status: 'running', pausedForCommit: false }, context.warn)
}

/** An update that was under way is carried out: what it is to lead to is known, of limits of before not all can be said. */
async function settleUpdate(context: ContainersContext, container: Container): Promise<void> {
  const { updatingTo } = container.state
  if (!updatingTo) return
  try {
    const before = container.document.hostConfig
    const takeBack = container.cgroup?.update(changedLimits(before, updatingTo))
    try {
      await container.setDocument({ hostConfig: updatingTo })
    } catch (error) {
      takeBack?.()
      throw error
    }
  } finally {
    await container.recordState({ updatingTo: null }, context.warn)
  }
}

async function settleFiles(context: ContainersContext, container: Container): Promise<void> {
  const { filesBehind = [], sandbox } = container.state
  if (filesBehind.length === 0) return
  if (sandbox) await writeNetworkFiles(container.dir, sandbox, filesBehind)
  await container.recordState({ filesBehind: [] }, context.warn)
}
