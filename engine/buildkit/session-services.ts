import { mkdtemp, rm, chmod } from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import type { RegistryCredentials } from '../contract/common.ts'
import { GRPC_CODES, GrpcError } from './grpc-error.ts'
import {
  BYTES,
  CHECK_AGENT_REQUEST,
  CREDENTIALS_REQUEST,
  CREDENTIALS_RESPONSE,
  EMPTY,
  GET_SECRET_REQUEST,
  GET_SECRET_RESPONSE,
} from './messages.ts'
import { metadataOf } from './metadata.ts'
import type { Session } from './session.ts'

/** What the client sends on its standard input, under a name it made up. */
export function pullUpload(session: Session, urlPath: string, signal: AbortSignal): Readable {
  const stream = session.client.stream('/moby.upload.v1.Upload/Pull', {
    metadata: metadataOf({ urlpath: [urlPath], urlhost: ['buildkit-session'] }),
    signal,
  })
  stream.end()
  return Readable.from(
    (async function* () {
      for await (const message of stream.messages()) yield BYTES.decode(message).data
    })(),
    { objectMode: false },
  )
}

/** A secret, or undefined when the client has none of that name. */
export async function getSecret(
  session: Session,
  id: string,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const method = '/moby.buildkit.secrets.v1.Secrets/GetSecret'
  if (!session.supports(method)) return undefined
  try {
    const { data } = await session.client.unary(
      method,
      GET_SECRET_REQUEST,
      GET_SECRET_RESPONSE,
      { ID: id },
      { signal },
    )
    return data
  } catch (error) {
    if (error instanceof GrpcError && error.grpcCode === GRPC_CODES.NOT_FOUND) return undefined
    throw error
  }
}

/** How clients call the registry of docker.io. */
const DOCKER_HUB = 'registry-1.docker.io'

/** What the client would sign in with at a registry. */
export async function getCredentials(
  session: Session,
  registry: string,
  signal: AbortSignal,
): Promise<RegistryCredentials | undefined> {
  const method = '/moby.filesync.v1.Auth/Credentials'
  if (!session.supports(method)) return undefined
  const { Secret, Username } = await session.client.unary(
    method,
    CREDENTIALS_REQUEST,
    CREDENTIALS_RESPONSE,
    { Host: registry === 'docker.io' ? DOCKER_HUB : registry },
    { signal },
  )
  if (Secret === '') return undefined
  return Username === ''
    ? { identitytoken: Secret }
    : { username: Username, password: Secret, serveraddress: registry }
}

/** Sockets on this host that lead to ssh agents of the client; each is there until `close`. */
export class AgentSockets {
  readonly #session: Session
  readonly #signal: AbortSignal
  readonly #open = new Map<string, Promise<string | undefined>>()
  readonly #closing: (() => Promise<void>)[] = []

  constructor(session: Session, signal: AbortSignal) {
    this.#session = session
    this.#signal = signal
  }

  /** Its path; undefined when the client has no such agent. */
  socket(id: string): Promise<string | undefined> {
    const known = this.#open.get(id) ?? this.#listen(id)
    this.#open.set(id, known)
    return known
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#open.values())
    for (const close of this.#closing.splice(0)) await close()
  }

  async #listen(id: string): Promise<string | undefined> {
    const method = '/moby.sshforward.v1.SSH/CheckAgent'
    if (!this.#session.supports(method)) return undefined
    await this.#session.client.unary(
      method,
      CHECK_AGENT_REQUEST,
      EMPTY,
      { ID: id },
      { signal: this.#signal },
    )
    const directory = await mkdtemp(path.join(os.tmpdir(), 'gantry-ssh-'))
    const file = path.join(directory, 'agent')
    const connections = new Set<net.Socket>()
    const server = net.createServer((connection) => {
      connections.add(connection)
      connection.once('close', () => connections.delete(connection))
      void this.#forward(id, connection)
    })
    this.#closing.push(async () => {
      for (const connection of connections) connection.destroy()
      await new Promise<void>((resolve) => {
        server.close(() => {
          resolve()
        })
      })
      await rm(directory, { recursive: true, force: true })
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(file, resolve)
    })
    await chmod(file, 0o600)
    return file
  }

  async #forward(id: string, connection: net.Socket): Promise<void> {
    connection.on('error', () => undefined)
    try {
      const stream = this.#session.client.stream('/moby.sshforward.v1.SSH/ForwardAgent', {
        metadata: metadataOf({ 'buildkit.ssh.id': [id] }),
        signal: this.#signal,
      })
      connection.once('close', () => {
        stream.cancel()
      })
      const outwards = (async () => {
        for await (const data of connection as AsyncIterable<Buffer>)
          await stream.send(BYTES.encode({ data }))
        stream.end()
      })()
      outwards.catch(() => undefined)
      for await (const message of stream.messages()) {
        if (!connection.write(BYTES.decode(message).data))
          await new Promise<void>((resolve) => {
            connection.once('drain', resolve)
            connection.once('close', resolve)
          })
      }
    } catch {
      // the agent is gone: whoever asked it sees its connection end
    }
    connection.end()
    connection.destroySoon()
  }
}
