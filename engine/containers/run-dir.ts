import { removeTree } from '../native/trees.ts'
import { OciBundle } from '../runtime/bundle.ts'
import { closeSharedMemory } from '../runtime/shared-memory.ts'

/** Has the OCI runtime that made a container, where another than ours did, let go of it; its processes are killed before. */
export async function deleteFromRuntime(runDir: string): Promise<void> {
  await OciBundle.open(runDir)?.delete()
}

/** Removes a container's runtime directory, with what is mounted in it. */
export async function removeRunDir(runDir: string): Promise<void> {
  closeSharedMemory(runDir)
  await removeTree(runDir)
}
