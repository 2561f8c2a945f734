import fs from 'node:fs'
import { shimPath } from '../native/addon.ts'
import { openExecutable } from '../native/spawn.ts'

let executable: number | undefined
let nothing: number | undefined

/** Opened once: a shim that is replaced on disk by an upgrade is the next engine's. */
export function shimExecutable(): number {
  return (executable ??= openExecutable(shimPath()))
}

export function nullDevice(): number {
  return (nothing ??= fs.openSync('/dev/null', 'r+'))
}
