import fs from 'node:fs/promises'
import path from 'node:path'
import type { ContainerNetworkHooks, NetworkedContainer } from '../networks/sandbox.ts'
import { isMissing } from '../store/documents.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
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
  })
  return {
    find: (nameOrId) => {
      const container = context().table.find(nameOrId)
      return container && view(container)
    },
    save: async (id, networks, sandbox) => {
      const container = context().table.get(id)
      const before = container.state.sandbox
      await container.setDocument({ networks })
      if (!sandbox) return
      await container.setState({ sandbox })
      if (sandbox.hosts !== before?.hosts)
        await rewrite(path.join(container.dir, 'hosts'), sandbox.hosts)
      if (sandbox.resolvConf !== before?.resolvConf) {
        await rewrite(path.join(container.dir, 'resolv.conf'), sandbox.resolvConf)
      }
    },
  }
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
