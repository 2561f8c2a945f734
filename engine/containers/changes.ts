import path from 'node:path'
import type { WritableLayers } from '../store/upper-marks.ts'
import type { FilesystemChange } from '../types/docker.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'

/**
 * What the container's files differ in from its image's, read from its layers whether it runs or not.
 *
 * @see GET /containers/{id}/changes
 */
export async function containerChanges(
  context: ContainersContext,
  container: Container,
): Promise<FilesystemChange[]> {
  const { lower, upper } = writableLayers(context, container)
  return await context.trees.changes(upper, lower)
}

/** The directories of its layers, by themselves. */
export function writableLayers(context: ContainersContext, { id }: Container): WritableLayers {
  const { layersRoot, lower, upper } = context.images.snapshots.overlay(id)
  return { upper, lower: lower.map((name) => path.join(layersRoot, name)) }
}
