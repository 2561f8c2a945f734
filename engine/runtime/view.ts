import fs from 'node:fs'
import net from 'node:net'
import { EngineError } from '../errors.ts'
import { errnoName, shimPath } from '../native/addon.ts'
import { O_PATH } from '../native/fs.ts'
import { closeFd } from '../native/process.ts'
import { socketPair, spawnDetached } from '../native/spawn.ts'
import type { OciMount } from '../types/oci-runtime.ts'
import { encodeViewPlan } from './plan.ts'
import { readFailure, Saying } from './shim-protocol.ts'
import { ask } from './shim-socket.ts'
import { nullDevice, shimExecutable } from './shim-program.ts'
import type { LaunchOptions } from './launch-options.ts'

export interface ViewOptions {
  /** The container's runtime directory: tells in `ps` whose view it is. */
  runDir: string
  rootfs: LaunchOptions['rootfs']
  /** Parents before children. What has gone from the host is left out: the rest can still be saved. */
  mounts: OciMount[]
  readonly: boolean
  /** Made when it is not there, as at a start. */
  workingDir?: string | undefined
}

/** A mount namespace that is held by nothing but its descriptors. */
export interface View {
  /** O_PATH descriptor of its root directory. */
  root: number
  /** Descriptor of the namespace itself. */
  namespace: number
  close(): void
}

/**
 * Mounts a container's root with its volumes, without running anything, in a mount namespace of its own. When it is closed,
 * or this process ends in whatever way, all of it is gone.
 *
 * @throws SYSTEM naming the step that failed
 */
export async function openView(options: ViewOptions): Promise<View> {
  const plan = encodeViewPlan(options)
  const [ours, theirs] = socketPair()
  const socket = new net.Socket({ fd: ours, readable: true, writable: true })
  try {
    try {
      const nothing = nullDevice()
      spawnDetached(
        shimExecutable(),
        [shimPath(), '--view', options.runDir],
        [nothing, nothing, nothing, theirs],
        () => undefined,
      ).unref()
    } finally {
      closeFd(theirs)
    }
    const answer = await ask(socket, plan)
    if (answer.kind !== Saying.ok) {
      const { errno, path, step } = readFailure(answer.payload)
      throw new EngineError('SYSTEM', `cannot ${step} ${path}: ${errnoName(errno)}`)
    }
    // our own child, not collected before it ends, and it waits for us: the number is its
    return holdNamespace(`/proc/${String(answer.payload.u32())}`)
  } finally {
    socket.destroy()
  }
}

/**
 * Holds the mounts of a process, so that they stay when it ends.
 *
 * @param process its directory in /proc
 */
export function holdNamespace(process: string): View {
  const namespace = fs.openSync(`${process}/ns/mnt`, fs.constants.O_RDONLY)
  try {
    const root = fs.openSync(`${process}/root`, O_PATH | fs.constants.O_DIRECTORY)
    const close = (): void => {
      fs.closeSync(root)
      fs.closeSync(namespace)
    }
    return { root, namespace, close }
  } catch (error) {
    fs.closeSync(namespace)
    throw error
  }
}
