import fs from 'node:fs'
import type { Cgroup } from '../cgroups/manager.ts'
import { ConflictError } from '../errors.ts'
import { findInRoot } from '../native/fs.ts'
import { compileSeccomp, seccompProfileFor } from '../runtime/seccomp.ts'
import type { Shim } from '../runtime/shim.ts'
import { resolveUser, type ResolvedUser } from '../runtime/user.ts'
import type { HostConfig } from '../types/docker.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'

/**
 * The running parts of a container.
 *
 * @throws CONFLICT when it has none, in Docker's words for the verb
 * @throws UNAVAILABLE while its shim does not answer
 */
export function requireRunning(
  container: Container,
  verb: 'exec' | 'other' = 'other',
  /** What the client calls it. */
  name = container.id,
): { shim: Shim; cgroup: Cgroup } {
  const { cgroup, id, shim, silentShim, status } = container
  if (silentShim) throw silentShim.refusal
  if (status === 'paused' && verb === 'exec') {
    throw new ConflictError(`Container ${name} is paused, unpause the container before exec`)
  }
  if (status === 'restarting') {
    throw new ConflictError(`Container ${id} is restarting, wait until the container is running`)
  }
  if (!shim || !cgroup || (status !== 'running' && status !== 'paused')) {
    throw new ConflictError(`container ${id} is not running`)
  }
  return { shim, cgroup }
}

const compiled = new Map<string, Buffer | undefined>()
const MOST_COMPILED = 64

/** The seccomp filter of a container's processes, compiled once for all that share a profile. */
export function filterOf(container: Container, privileged: boolean): { seccompFilter?: Buffer } {
  const hostConfig: HostConfig = privileged
    ? { ...container.document.hostConfig, Privileged: true }
    : container.document.hostConfig
  const { CapAdd, CapDrop, Privileged, SecurityOpt } = hostConfig
  const key = JSON.stringify([CapAdd, CapDrop, Privileged, SecurityOpt])
  if (!compiled.has(key)) {
    const profile = seccompProfileFor(hostConfig)
    // profiles given inline may be many: forget the oldest
    if (compiled.size >= MOST_COMPILED) compiled.delete(compiled.keys().next().value ?? '')
    compiled.set(key, profile ? compileSeccomp(profile) : undefined)
  }
  const seccompFilter = compiled.get(key)
  return seccompFilter ? { seccompFilter } : {}
}

const LARGEST_USER_FILE = 4 << 20

/** Finds a user in the passwd and group of a running container's own root. */
export async function userInRunning(
  context: ContainersContext,
  container: Container,
  user: string,
): Promise<ResolvedUser> {
  const groups = container.document.hostConfig.GroupAdd ?? []
  if (container.shim?.sandboxed) {
    const { snapshots } = context.images
    return resolveUser(user, groups, (file) => snapshots.readFile(container.id, file))
  }
  const root = openRoot(container)
  try {
    return await resolveUser(user, groups, (file) => Promise.resolve(readInRoot(root, file)))
  } finally {
    fs.closeSync(root)
  }
}

/** @throws CONFLICT when its init has ended, which the engine may not know yet */
function openRoot(container: Container): number {
  const { O_DIRECTORY, O_RDONLY } = fs.constants
  try {
    return fs.openSync(`/proc/${String(container.state.pid)}/root`, O_RDONLY | O_DIRECTORY)
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? ''))
      throw new ConflictError(`container ${container.id} is not running`, { cause: error })
    throw error
  }
}

/** A file of a container's root, by a descriptor of it; undefined when there is none. */
export function readInRoot(root: number, file: string): Buffer | undefined {
  const fd = findInRoot(root, file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK)
  if (fd === undefined) return undefined
  try {
    const { size } = fs.fstatSync(fd)
    const buffer = Buffer.alloc(Math.min(size, LARGEST_USER_FILE))
    return buffer.subarray(0, fs.readSync(fd, buffer, 0, buffer.length, 0))
  } finally {
    fs.closeSync(fd)
  }
}
