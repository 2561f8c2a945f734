import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { DIRECTORY } from '../native/fs.ts'
import type { TarHeader } from '../tar/header.ts'
import { TarParser } from '../tar/read.ts'
import { decompress } from './decompress.ts'
import { closeFound } from './merged.ts'
import { placeInMerged } from './merged-tree.ts'

export interface CompareJob {
  /** Files with the archives of two layers, compressed or not. */
  archives: [string, string]
  /** Trees below both, topmost first. */
  lower: string[]
}

/**
 * Whether two layers make the same of what is below them, times aside: each member is in both, but for directories that
 * one of them has only named as they are.
 *
 * Blocks: for worker threads.
 */
export async function haveSameContent({ archives, lower }: CompareJob): Promise<boolean> {
  const [one, other] = [await membersOf(archives[0]), await membersOf(archives[1])]
  const roots = lower.map((directory) => fs.openSync(directory, DIRECTORY))
  try {
    const isIn = (members: Members, [name, member]: [string, Member]): boolean => {
      const found = members.get(name)
      if (found) return found.signature === member.signature
      return member.directory !== undefined && isBelow(roots, name, member.directory)
    }
    return (
      [...one].every((entry) => isIn(other, entry)) && [...other].every((entry) => isIn(one, entry))
    )
  } finally {
    for (const fd of roots) fs.closeSync(fd)
  }
}

type Attributes = Pick<TarHeader, 'mode' | 'uid' | 'gid'>
interface Member {
  /** All of it, but for times. */
  signature: string
  directory: Attributes | undefined
}
type Members = Map<string, Member>

async function membersOf(file: string): Promise<Members> {
  const members: Members = new Map()
  let last: { header: TarHeader; hash: ReturnType<typeof createHash> } | undefined
  const parser = new TarParser({
    entry: (header) => {
      last = { header, hash: createHash('sha256') }
    },
    data: (chunk) => last?.hash.update(chunk),
    end: () => {
      if (!last) return
      const { deviceMajor, deviceMinor, gid, linkName, mode, name, size, type, uid } = last.header
      const xattrs = [...last.header.xattrs].map(([key, value]) => [key, value.toString('base64')])
      const signature = JSON.stringify([
        type, mode & 0o7777, uid, gid, size, linkName.replace(/^(\.?\/)+/, ''), deviceMajor, deviceMinor, xattrs.sort(), last.hash.digest('hex'),
      ]) // prettier-ignore
      members.set(name.replace(/^(\.?\/)+/, '').replace(/\/+$/, ''), {
        signature,
        directory: type === 'dir' ? { mode, uid, gid } : undefined,
      })
    },
  })
  const content = fs.createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>
  for await (const chunk of decompress(content)) parser.push(chunk)
  parser.end()
  return members
}

function isBelow(roots: readonly number[], name: string, wanted: Attributes): boolean {
  const { found, missing } = placeInMerged(roots, name)
  try {
    if (missing.length > 0 || found?.kind !== 'dir') return false
    const { gid, mode, uid } = found.stat
    return (mode & 0o7777) === (wanted.mode & 0o7777) && uid === wanted.uid && gid === wanted.gid
  } finally {
    closeFound(found)
  }
}
