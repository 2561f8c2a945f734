import fs from 'node:fs'
import path from 'node:path'
import { InvalidParameterError } from '../errors.ts'

/** The engine's own way of making containers, by gantry-shim alone. */
export const OWN_RUNTIME = 'gantry'

/** Another program that makes containers of OCI bundles. */
export interface OciRuntime {
  name: string
  /** Of its executable. */
  path: string
  /**
   * The processes of its containers are processes of this host, which take signals from it. Of others (gVisor's runsc)
   * the host only sees the sandbox.
   */
  hostProcesses: boolean
  /** On a hybrid host it enters the cgroup of the v2 tree too, where runc enters those of v1 alone. */
  entersUnified: boolean
}

/** Listed when found; further ones by GANTRY_RUNTIMES. */
const KNOWN = ['runc', 'crun', 'runsc']
/** By the name of the executable; others are taken for runc, but with containers that the host cannot look into. */
const TRAITS: Record<string, Pick<OciRuntime, 'hostProcesses' | 'entersUnified'>> = {
  runc: { hostProcesses: true, entersUnified: false },
  crun: { hostProcesses: true, entersUnified: true },
}
/** What containerd, and so Docker, calls runc too. */
const RUNC_NAMES = ['runc', 'io.containerd.runc.v2']
const DIRECTORIES = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

/**
 * The runtimes of this host beside our own, as it is now: one that is installed while the engine runs is there at once.
 *
 * @param configured paths by name, from GANTRY_RUNTIMES
 */
export function installedRuntimes(configured: Record<string, string>): OciRuntime[] {
  const paths = new Map(Object.entries(configured).filter(([, file]) => isExecutable(file)))
  for (const name of KNOWN) {
    const found = name in configured ? undefined : find(name)
    if (found !== undefined) paths.set(name, found)
  }
  const runc = paths.get('runc')
  for (const name of RUNC_NAMES) if (runc !== undefined && !paths.has(name)) paths.set(name, runc)
  return [...paths].map(([name, file]) => ({
    name,
    path: file,
    ...(TRAITS[path.basename(file)] ?? { hostProcesses: false, entersUnified: false }),
  }))
}

/**
 * Which runtime a new container is to have.
 *
 * Every container that was made by Docker says `runc`, and clients copy that to new ones. Where runc is not installed
 * they get our own, which isolates as runc does, and the record and a warning say so. Any other name that is not there
 * is refused: whoever asks for it wants something that we are not.
 *
 * @param asked HostConfig.Runtime; empty is our own
 * @throws INVALID_PARAMETER in Docker's words
 */
export function chooseRuntime(
  asked: string,
  configured: Record<string, string>,
): { name: string; warnings: string[] } {
  if (asked === '' || asked === OWN_RUNTIME) return { name: OWN_RUNTIME, warnings: [] }
  if (installedRuntimes(configured).some(({ name }) => name === asked))
    return { name: asked, warnings: [] }
  if (!RUNC_NAMES.includes(asked))
    throw new InvalidParameterError(`unknown or invalid runtime name: ${asked}`)
  return {
    name: OWN_RUNTIME,
    warnings: [
      `The runtime ${asked} is not installed on this host; the container gets Gantry's own (${OWN_RUNTIME}).`,
    ],
  }
}

/**
 * The runtime of a container that is being started; undefined is our own.
 *
 * @param name as chooseRuntime gave it
 * @throws INVALID_PARAMETER when it has gone from this host since
 */
export function runtimeNamed(
  name: string,
  configured: Record<string, string>,
): OciRuntime | undefined {
  if (name === '' || name === OWN_RUNTIME) return undefined
  const found = installedRuntimes(configured).find((runtime) => runtime.name === name)
  if (found) return found
  throw new InvalidParameterError(
    `the container's runtime "${name}" is not installed on this host any more: install it again, or make the container anew with another one`,
  )
}

function find(name: string): string | undefined {
  const directories = [
    ...(process.env.PATH ?? '').split(':').filter(path.isAbsolute),
    ...DIRECTORIES,
  ]
  return directories.map((directory) => path.join(directory, name)).find(isExecutable)
}

function isExecutable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK)
    return fs.statSync(file).isFile()
  } catch {
    // not there, or not to be run
    return false
  }
}
