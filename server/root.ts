import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** The project's root: this module runs from server/ as well as bundled from dist/. */
export const PROJECT_ROOT = findRoot(path.dirname(fileURLToPath(import.meta.url)))

function findRoot(from: string): string {
  for (let at = from; ; at = path.dirname(at)) {
    if (fs.existsSync(path.join(at, 'prisma', 'migrations'))) return at
    if (at === path.dirname(at)) throw new Error(`no Gantry project found above ${from}`)
  }
}
