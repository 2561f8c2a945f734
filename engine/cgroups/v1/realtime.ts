import fs from 'node:fs'
import { InvalidParameterError } from '../../errors.ts'
import type { OciResources } from '../../types/oci-runtime.ts'
import type { Controls } from '../controls.ts'
import { readControl, writeControl } from '../files.ts'

type Cpu = NonNullable<OciResources['cpu']>

const PERIOD = 'cpu.rt_period_us'
const RUNTIME = 'cpu.rt_runtime_us'

/**
 * Gives a cgroup its share of realtime scheduling. Written before any process enters: one that is realtime already may
 * not enter a group without a share.
 *
 * @see Documentation/scheduler/sched-rt-group.rst
 */
export function applyRealtime(controls: Controls, { realtimePeriod, realtimeRuntime }: Cpu): void {
  const writePeriod = (): void => {
    if (realtimePeriod !== undefined) controls.write(PERIOD, String(realtimePeriod))
  }
  const writeRuntime = (): void => {
    if (realtimeRuntime !== undefined) controls.write(RUNTIME, String(realtimeRuntime))
  }
  try {
    writePeriod()
    writeRuntime()
  } catch (error) {
    // their ratio may never be above what is left of the parent's, also between the two writes
    if (!(error instanceof InvalidParameterError) || realtimeRuntime === undefined) throw error
    writeRuntime()
    writePeriod()
  }
}

/**
 * Raises the shares of the engine's own cgroups above one that wants some: the kernel starts every group with none, and
 * gives nothing out that the group above does not have.
 *
 * @param parents those the engine may raise, the deepest first
 * @param directory of the cgroup that wants it
 */
export function grantRealtime(parents: string[], directory: string, wanted: Cpu): void {
  const own = shareOf(directory)
  let below = directory
  let share = ratio(wanted.realtimeRuntime ?? own.runtime, wanted.realtimePeriod ?? own.period)
  const raises: { file: string; runtime: number }[] = []
  for (const parent of parents) {
    share += othersShare(parent, below)
    const { period, runtime } = shareOf(parent)
    const needed = Math.ceil(share * period)
    if (needed > runtime) raises.push({ file: `${parent}/${RUNTIME}`, runtime: needed })
    share = Math.max(share, ratio(runtime, period))
    below = parent
  }
  for (const { file, runtime } of raises.reverse()) writeControl(file, String(runtime))
}

/** What the cgroups of `parent` have, but for one whose share is about to change. */
function othersShare(parent: string, except: string): number {
  return fs
    .readdirSync(parent, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && `${parent}/${entry.name}` !== except)
    .map((entry) => shareOf(`${parent}/${entry.name}`))
    .reduce((sum, { period, runtime }) => sum + ratio(runtime, period), 0)
}

function shareOf(directory: string): { period: number; runtime: number } {
  return {
    period: Number(readControl(`${directory}/${PERIOD}`) ?? 1),
    runtime: Number(readControl(`${directory}/${RUNTIME}`) ?? 0),
  }
}

function ratio(runtime: number, period: number): number {
  return Math.max(0, runtime) / Math.max(1, period)
}
