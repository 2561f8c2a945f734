import fs from 'node:fs/promises'
import path from 'node:path'
import type { Sandbox } from '../networks/sandbox.ts'
import { isMissing } from '../store/documents.ts'

/** What of a container's files in /etc its sandbox tells; each start writes them anew. */
export const NETWORK_FILES = ['hosts', 'resolv.conf'] as const
export type NetworkFile = (typeof NETWORK_FILES)[number]

export function contentOf(sandbox: Sandbox, file: NetworkFile): string {
  return file === 'hosts' ? sandbox.hosts : sandbox.resolvConf
}

/** Writes some of them again while the container runs. */
export async function writeNetworkFiles(
  dir: string,
  sandbox: Sandbox,
  files: readonly NetworkFile[],
): Promise<void> {
  for (const file of files) await rewrite(path.join(dir, file), contentOf(sandbox, file))
}

/** In place, for it is mounted inside; not at all when the container has a file of its own there. */
async function rewrite(file: string, content: string): Promise<void> {
  const handle = await fs.open(file, 'r+').catch((error: unknown) => {
    if (isMissing(error)) return undefined
    throw error
  })
  if (!handle) return
  try {
    const { bytesWritten } = await handle.write(content, 0)
    await handle.truncate(bytesWritten)
  } finally {
    await handle.close()
  }
}
