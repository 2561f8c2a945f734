import fs from 'node:fs'
import path from 'node:path'

/** Where a program of that name would be found; the set-up of the tests unpacks some beside the system's. */
export function whichOnPath(program: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(':')
    .filter((dir) => dir !== '')
    .map((dir) => path.join(dir, program))
    .find((file) => fs.existsSync(file))
}

export function isOnPath(program: string): boolean {
  return whichOnPath(program) !== undefined
}
