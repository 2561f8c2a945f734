import fs from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { SystemError, UnavailableError } from '../errors.ts'

/** A call of the addon: its result, or the negative errno. */
export type NativeCall = (...args: never[]) => number

/** Everything build/gantry.node exports; each family's own file (net.ts, mount.ts …) types what it uses. */
export type Native = Record<string, (...args: unknown[]) => unknown>

let directory: string | undefined
let loaded: Native | undefined

/**
 * The addon, loaded at its first use. Families view it through their own interface: `native<MountCalls>()`.
 *
 * @throws UNAVAILABLE when it was not compiled
 */
export function native<T = Native>(): T {
  loaded ??= load()
  return loaded as T
}

/** Full path of the gantry-shim executable. */
export function shimPath(): string {
  return path.join(buildDirectory(), 'gantry-shim')
}

/**
 * Passes a call's result on, or throws it.
 *
 * @throws SystemError (SYSTEM) naming the call, the errno and what it was about
 */
export function check(syscall: string, rc: number, about?: string): number {
  if (rc >= 0) return rc
  throw new SystemError(syscall, -rc, errnoName(-rc), about)
}

/** `ENOENT` for 2. */
export function errnoName(errno: number): string {
  names ??= new Map(Object.entries(os.constants.errno).map(([name, number]) => [number, name]))
  return names.get(errno) ?? `errno ${errno}`
}

let names: Map<number, string> | undefined

function load(): Native {
  const file = path.join(buildDirectory(), 'gantry.node')
  try {
    return createRequire(import.meta.url)(file) as Native
  } catch (cause) {
    throw new UnavailableError(`${file} cannot be loaded; compile it with: make -C engine/native`, {
      cause,
    })
  }
}

/**
 * engine/native/build, found upwards from this module: it may run from source, from a bundle in dist/ or inside a
 * worker thread. GANTRY_NATIVE names the directory outright.
 */
function buildDirectory(): string {
  if (directory !== undefined) return directory
  if (process.env['GANTRY_NATIVE']) return (directory = process.env['GANTRY_NATIVE'])
  const start = path.dirname(fileURLToPath(import.meta.url))
  for (let at = start; ; at = path.dirname(at)) {
    const candidate = path.join(at, 'engine/native/build')
    if (fs.existsSync(path.join(candidate, 'gantry.node'))) return (directory = candidate)
    if (at === path.dirname(at)) {
      throw new UnavailableError(
        `engine/native/build not found above ${start}; compile it with: make -C engine/native`,
      )
    }
  }
}
