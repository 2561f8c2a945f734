import path from 'node:path'
import type { OciMount } from '../types/oci-runtime.ts'

/** Below a container's run directory: where the shim mounts for another runtime what no path of the host stands for. */
export const PARTS = 'parts'

/**
 * The mounts of a container in words that every runtime knows: for parts of volumes and for images, binds of what the
 * shim has mounted at these places beforehand, in a mount namespace that only it and the runtime see.
 *
 * @returns mounts for the runtime, and for the shim (with the places as destinations), in the same order
 */
export function placeParts(
  mounts: OciMount[],
  runDir: string,
): { mounts: OciMount[]; placed: OciMount[] } {
  const placed: OciMount[] = []
  const plain = mounts.map((mount) => {
    const { part, ...rest } = mount
    if (!part) return rest
    const place = path.join(runDir, PARTS, String(placed.length))
    placed.push({ ...mount, destination: place })
    return { ...rest, source: place }
  })
  return { mounts: plain, placed }
}
