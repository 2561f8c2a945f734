import fs from 'node:fs'
import path from 'node:path'
import { UnavailableError } from '../errors.ts'
import { shimPath } from '../native/addon.ts'
import { closeFd } from '../native/process.ts'
import { socketPair, spawnDetached } from '../native/spawn.ts'
import { OciBundle } from './bundle.ts'
import { ContainerLaunchError } from './launch-error.ts'
import type { LaunchOptions } from './launch-options.ts'
import { encodePlan } from './plan.ts'
import { withRuntimeWords } from './runtime-log.ts'
import { encodeRuntimePlan } from './runtime-plan.ts'
import { nullDevice, shimExecutable } from './shim-program.ts'
import { readFailure, Saying, type Message } from './shim-protocol.ts'
import { Shim } from './shim.ts'
import { WatchLink } from './watch-link.ts'

/**
 * Starts a container: writes its launch plan and runs gantry-shim with it, which outlives this process.
 *
 * @throws ContainerLaunchError when its process could not be started; nothing of it is left then
 */
export async function launchContainer(options: LaunchOptions): Promise<Shim> {
  const { runtime } = options
  const bundle = runtime && OciBundle.create({ ...options, runtime })
  const plan = bundle ? encodeRuntimePlan(options, bundle) : encodePlan(options)
  fs.rmSync(options.exitPath, { force: true })
  // it holds the environment, and so, often, secrets
  fs.writeFileSync(path.join(options.runDir, 'plan'), plan, { mode: 0o600 })
  const { answer, link, shimPid } = await runShim(options.runDir)
  if (answer.kind === Saying.error) {
    const failure = readFailure(answer.payload)
    throw new ContainerLaunchError(
      'container',
      bundle ? withRuntimeWords(failure, bundle.log) : failure,
      options.spec.process.args[0] ?? '',
    )
  }
  const snapshot = {
    pid: answer.payload.u32(),
    shimPid,
    exitPath: options.exitPath,
    execs: [],
    takesDescriptors: true,
    starting: [],
  }
  return new Shim(path.join(options.runDir, 's'), link, snapshot, bundle)
}

/**
 * Spawns the shim and awaits its first word: SAY_OK or SAY_ERROR. The pipe over which it comes goes on as the watch
 * connection, so that not even a container that ends at once can end unseen. After an error the shim is gone, and with
 * it all it had made.
 */
async function runShim(
  runDir: string,
): Promise<{ answer: Message; link: WatchLink; shimPid: number }> {
  const log = fs.openSync(path.join(runDir, 'shim.log'), 'a', 0o600)
  const [ours, theirs] = socketPair()
  const link = new WatchLink(ours)
  let isSpawned = false
  try {
    let gone: () => void = () => undefined
    const ended = new Promise<void>((resolve) => (gone = resolve))
    let child: ReturnType<typeof spawnDetached>
    try {
      child = spawnDetached(
        shimExecutable(),
        [shimPath(), runDir],
        [nullDevice(), nullDevice(), log, theirs],
        gone,
      )
      isSpawned = true
    } finally {
      // the shim has its own; as long as we hold it, its death does not end the link
      closeFd(theirs)
    }
    const answer = await link.answer()
    if (answer.kind === Saying.error) {
      link.close()
      await ended
    }
    // collected when it ends while we run, but not what keeps us running
    child.unref()
    return { answer, link, shimPid: child.pid }
  } catch (cause) {
    link.close()
    // the host's own words, when it could not even be spawned
    if (!isSpawned) throw cause
    throw new UnavailableError('gantry-shim died before the container was started', { cause })
  } finally {
    fs.closeSync(log)
  }
}
