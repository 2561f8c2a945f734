import fs from 'node:fs'
import path from 'node:path'

/** Whether a program of that name would be found; the set-up of the tests unpacks some beside the system's. */
export function isOnPath(program: string): boolean {
  return (process.env.PATH ?? '')
    .split(':')
    .some((dir) => dir !== '' && fs.existsSync(path.join(dir, program)))
}
