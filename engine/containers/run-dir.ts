import fs from 'node:fs/promises'
import { closeSharedMemory } from '../runtime/shared-memory.ts'

/** Removes a container's runtime directory, with what is mounted in it. */
export async function removeRunDir(runDir: string): Promise<void> {
  closeSharedMemory(runDir)
  await fs.rm(runDir, { recursive: true, force: true })
}
