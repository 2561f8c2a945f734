import { randomBytes } from 'node:crypto'
import fs from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import { pipeline } from 'node:stream'
import type { Duplex } from 'node:stream'
import type { SshAgent } from '../contract/builds.ts'

/**
 * A socket for one step that leads to an agent, with an owner and a mode of its own. It is where recovery sweeps what a
 * killed engine left.
 *
 * @returns its path, and what takes it away
 */
export async function forwardAgent(
  runRoot: string,
  agent: SshAgent,
  owner: { mode: number; uid: number; gid: number },
): Promise<{ socket: string; close: () => Promise<void> }> {
  const directory = path.join(runRoot, 'c', `ssh-${randomBytes(8).toString('hex')}`)
  const socket = path.join(directory, 's')
  await fs.mkdir(directory, { mode: 0o700 })
  const open = new Set<Duplex>()
  const server = net.createServer((client) => {
    let upstream: Duplex
    try {
      upstream = agent()
    } catch {
      // the agent is gone: whoever asks it sees its connection end
      client.destroy()
      return
    }
    for (const one of [client, upstream]) {
      open.add(one)
      one.once('close', () => open.delete(one))
    }
    // either end may go at any time: the other goes with it
    pipeline(client, upstream, client, () => undefined)
  })
  const close = async (): Promise<void> => {
    for (const one of open) one.destroy()
    server.close()
    await fs.rm(directory, { recursive: true, force: true })
  }
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(socket, resolve)
    })
    await fs.chown(socket, owner.uid, owner.gid)
    await fs.chmod(socket, owner.mode)
    return { socket, close }
  } catch (error) {
    await close()
    throw error
  }
}
