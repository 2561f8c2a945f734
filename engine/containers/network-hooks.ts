import type { ContainerNetworkHooks, NetworkedContainer } from '../networks/sandbox.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { contentOf, NETWORK_FILES, writeNetworkFiles } from './network-files.ts'
import { sandboxRequestOf } from './sandbox-request.ts'
import { isRunning } from './state.ts'

/** What networks may ask and write of containers; handed down so that networks need not know them. */
export function networkHooks(context: () => ContainersContext): ContainerNetworkHooks {
  const view = (container: Container): NetworkedContainer => ({
    id: container.id,
    name: container.name,
    running: isRunning(container.status),
    request: sandboxRequestOf(context(), container),
    ...(container.state.sandbox ? { sandbox: container.state.sandbox } : {}),
    isChanging: container.state.sandboxChanging ?? false,
  })
  return {
    find: (nameOrId) => {
      const container = context().table.find(nameOrId)
      return container && view(container)
    },
    begin: async (id) => {
      await context().table.get(id).setState({ sandboxChanging: true })
    },
    save: async (id, networks, sandbox) => {
      const container = context().table.get(id)
      const before = container.state.sandbox
      await container.setDocument({ networks })
      if (!sandbox) return
      const filesBehind = NETWORK_FILES.filter(
        (file) => !before || contentOf(sandbox, file) !== contentOf(before, file),
      )
      if (filesBehind.length === 0) {
        await container.setState({ sandbox, sandboxChanging: false })
        return
      }
      // with what is to be written: an engine that is killed before it is leaves that to the next one
      await container.setState({ sandbox, sandboxChanging: false, filesBehind })
      await writeNetworkFiles(container.dir, sandbox, filesBehind)
      await container.recordState({ filesBehind: [] }, context().warn)
    },
  }
}
