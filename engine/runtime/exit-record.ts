import fs from 'node:fs/promises'
import { dateOf } from './shim-protocol.ts'

/** How a container ended, as its shim wrote it down. */
export interface ExitRecord {
  code: number
  at: Date
}

/** What the shim wrote when the container ended; null when it has not, or the shim was killed. */
export async function readExitRecord(exitPath: string): Promise<ExitRecord | null> {
  const text = await fs.readFile(exitPath, 'utf8').catch(() => '')
  const match = /^(\d+) (\d+)\.(\d{9})\n$/.exec(text)
  if (!match) return null
  const [, code = '', seconds = '', nanos = ''] = match
  return { code: Number(code), at: dateOf(BigInt(seconds), Number(nanos)) }
}
