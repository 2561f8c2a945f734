import { chmod, chown, lstat, mkdir, readFile, unlink } from 'node:fs/promises'
import type { Server } from 'node:http'
import net from 'node:net'
import path from 'node:path'
import { ConflictError, EngineError } from '../errors.ts'

/**
 * Makes the server listen at a unix socket path that may still carry a dead process's socket file.
 *
 * @returns what takes the socket file away again
 * @throws CONFLICT when somebody listens there, or when the path is something other than a socket
 */
export async function claimSocketPath(
  server: Server,
  socketPath: string,
): Promise<() => Promise<void>> {
  await mkdir(path.dirname(socketPath), { recursive: true, mode: 0o755 })
  const stat = await lstat(socketPath).catch(absent)
  if (stat !== undefined) {
    if (!stat.isSocket()) throw new ConflictError(`${socketPath} is there already and is no socket`)
    if (await answers(socketPath)) throw new ConflictError(`another process serves ${socketPath}`)
    await unlink(socketPath).catch(absent)
  }
  // Nobody may connect between bind and chmod.
  const umask = process.umask(0o177)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(socketPath, () => {
        server.off('error', reject)
        resolve()
      })
    })
  } catch (error) {
    throw new EngineError('SYSTEM', `cannot listen on ${socketPath}: ${(error as Error).message}`, {
      cause: error,
    })
  } finally {
    process.umask(umask)
  }
  await chown(socketPath, 0, await dockerGroup())
  await chmod(socketPath, 0o660)
  const { ino } = await lstat(socketPath)
  return async () => {
    const now = await lstat(socketPath).catch(absent)
    // Node's close removes the file itself; one of a later process is not ours to remove.
    if (now?.ino === ino) await unlink(socketPath).catch(absent)
  }
}

async function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(socketPath)
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // ECONNREFUSED and ENOENT mean that nobody listens; anything else (EAGAIN, EACCES) that somebody may.
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT')
    })
  })
}

/** The number of the group `docker`, or root's. */
async function dockerGroup(): Promise<number> {
  const groups = await readFile('/etc/group', 'utf8').catch(() => '')
  const line = groups.split('\n').find((entry) => entry.startsWith('docker:'))
  const gid = Number(line?.split(':')[2])
  return Number.isSafeInteger(gid) ? gid : 0
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined
  throw error
}
