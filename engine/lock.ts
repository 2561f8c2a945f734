import { createHash } from 'node:crypto'
import net from 'node:net'
import { ConflictError } from './errors.ts'
import type { Instance } from './instance.ts'

/**
 * Makes sure that one program at a time works on an instance's roots. The lock is a listening socket with an abstract
 * name: the kernel gives it to one, and takes it back when its process dies in whatever way.
 *
 * @returns what lets go of it
 * @throws CONFLICT when another program holds it
 * @see unix(7), "Abstract sockets"
 */
export async function lockInstance(instance: Instance): Promise<() => void> {
  const servers: net.Server[] = []
  const release = (): void => {
    for (const server of servers) server.close()
  }
  for (const [what, root] of Object.entries({
    GANTRY_DATA: instance.dataRoot,
    GANTRY_RUN: instance.runRoot,
  })) {
    const server = net.createServer((socket) => socket.destroy())
    server.unref()
    const name = createHash('sha256').update(`${what} ${root}`).digest('hex').slice(0, 32)
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(`\0gantry-${name}`, resolve)
      })
    } catch (error) {
      release()
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
      throw new ConflictError(
        `another Gantry is working on ${root}: stop it, or give this one roots of its own with GANTRY_DATA and GANTRY_RUN`,
        { cause: error },
      )
    }
    servers.push(server)
  }
  return release
}
