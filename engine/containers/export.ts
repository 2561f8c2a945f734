import type { Readable } from 'node:stream'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { emitContainerEvent } from './context.ts'
import { viewRoot } from './view.ts'

/**
 * The container's root file system as an archive, mount points in it empty.
 *
 * @see GET /containers/{id}/export
 */
export async function exportContainer(
  context: ContainersContext,
  container: Container,
): Promise<Readable> {
  const view = await viewRoot(context, container)
  const tar = context.trees.readAll(view.root, { ids: view.ids }, view.close)
  emitContainerEvent(context, container, 'export')
  return tar
}
