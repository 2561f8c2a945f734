import { ConflictError, InvalidParameterError, withPrefix } from '../errors.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { emitContainerEvent } from './context.ts'
import { parseContainerName } from './names.ts'

/** @throws CONFLICT when the name is taken or the container is being removed @see POST /containers/{id}/rename */
export async function renameContainer(
  context: ContainersContext,
  container: Container,
  to: string,
): Promise<void> {
  if (to === '') throw new InvalidParameterError('Neither old nor new names may be empty')
  // Docker's words name it with its slash
  const name = newName(() => parseContainerName(`/${to.replace(/^\//, '')}`))
  const oldName = container.name
  if (name === oldName)
    throw new InvalidParameterError('Renaming a container with the same name as its current name')
  await container.lock.run(async () => {
    if (container.isBeingRemoved || ['removing', 'dead'].includes(container.status))
      throw new ConflictError('container is marked for removal and cannot be renamed')
    newName(() => context.table.reserveName(name, container.id))
    try {
      await container.setDocument({ name })
    } catch (error) {
      context.table.releaseName(name, container.id)
      throw error
    }
    context.table.releaseName(oldName, container.id)
    await context.networks.sandboxes.renamed(container.id, name)
  })
  emitContainerEvent(context, container, 'rename', { oldName: `/${oldName}` })
}

function newName<T>(find: () => T): T {
  try {
    return find()
  } catch (error) {
    throw withPrefix('Error when allocating new name', error)
  }
}
