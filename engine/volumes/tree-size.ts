import fs from 'node:fs/promises'
import path from 'node:path'
import { isMissing } from '../store/documents.ts'

/** Bytes of all files below a directory, hard links once; what vanishes meanwhile counts nothing. */
export async function sizeOfTree(root: string): Promise<number> {
  const seen = new Set<string>()
  let total = 0
  const pending = [root]
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    const names = await fs.readdir(directory).catch(vanished)
    for (const name of names ?? []) {
      const file = path.join(directory, name)
      const stat = await fs.lstat(file).catch(vanished)
      if (stat === undefined) continue
      if (stat.isDirectory()) {
        pending.push(file)
        continue
      }
      if (stat.nlink > 1) {
        const identity = `${String(stat.dev)}:${String(stat.ino)}`
        if (seen.has(identity)) continue
        seen.add(identity)
      }
      total += stat.size
    }
  }
  return total
}

function vanished(error: NodeJS.ErrnoException): undefined {
  if (isMissing(error) || error.code === 'ENOTDIR') return undefined
  throw error
}
