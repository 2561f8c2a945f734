import type { ContainerNetworkHooks } from '../networks/sandbox.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { sandboxRequestOf } from './start.ts'
import { isRunning } from './state.ts'

/** What networks may ask and write of containers; handed down so that networks need not know them. */
export function networkHooks(context: () => ContainersContext): ContainerNetworkHooks {
  const view = (container: Container): ReturnType<ContainerNetworkHooks['all']>[number] => ({
    id: container.id,
    name: container.name,
    running: isRunning(container.status),
    request: sandboxRequestOf(context(), container),
    ...(container.state.sandbox ? { sandbox: container.state.sandbox } : {}),
  })
  return {
    find: (nameOrId) => {
      const container = context().table.find(nameOrId)
      return container && view(container)
    },
    all: () => context().table.all().map(view),
    save: async (id, networks, sandbox) => {
      const container = context().table.get(id)
      await container.setDocument({ networks })
      if (sandbox) await container.setState({ sandbox })
    },
  }
}
