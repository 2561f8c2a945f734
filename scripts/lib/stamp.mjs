// Whether something has to be made again: a hash over the content of what it is made from, kept beside it.
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { ROOT } from './exec.mjs'

/**
 * @param inputs files and directories below the root; what is missing counts as empty
 * @param extra texts that count too (versions)
 */
export function contentStamp(inputs, extra = []) {
  const hash = createHash('sha256')
  for (const text of extra) hash.update(`${text}\0`)
  for (const input of inputs) {
    for (const file of filesOf(path.join(ROOT, input))) {
      hash.update(`${path.relative(ROOT, file)}\0`)
      hash.update(fs.readFileSync(file))
      hash.update('\0')
    }
  }
  return hash.digest('hex')
}

/** Runs `work` unless `file` says it was done for this stamp. */
export async function once(file, stamp, work) {
  const at = path.join(ROOT, file)
  if (fs.existsSync(at) && fs.readFileSync(at, 'utf8') === stamp) return false
  // While it is being made it counts as not made.
  fs.rmSync(at, { force: true })
  await work()
  fs.mkdirSync(path.dirname(at), { recursive: true })
  fs.writeFileSync(at, stamp)
  return true
}

function filesOf(at) {
  let stat
  try {
    stat = fs.statSync(at)
  } catch {
    return []
  }
  if (!stat.isDirectory()) return [at]
  return fs
    .readdirSync(at)
    .sort()
    .flatMap((name) =>
      name === 'node_modules' || name.startsWith('.') ? [] : filesOf(path.join(at, name)),
    )
}
