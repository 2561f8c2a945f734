import { Duplex, Readable } from 'node:stream'
import type { SshAgent } from '../contract/builds.ts'
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

/** How to reach an ssh agent of the client; undefined when it has none of that name. */
export async function getAgent(
  session: Session,
  id: string,
  signal: AbortSignal,
): Promise<SshAgent | undefined> {
  const method = '/moby.sshforward.v1.SSH/CheckAgent'
  if (!session.supports(method)) return undefined
  await session.client.unary(method, CHECK_AGENT_REQUEST, EMPTY, { ID: id }, { signal })
  return () => openAgent(session, id, signal)
}

/** What is written goes to the agent as messages of any size, and what it says is read. */
function openAgent(session: Session, id: string, signal: AbortSignal): Duplex {
  const stream = session.client.stream('/moby.sshforward.v1.SSH/ForwardAgent', {
    metadata: metadataOf({ 'buildkit.ssh.id': [id] }),
    signal,
  })
  const answers = stream.messages()
  const agent = new Duplex({
    read: () => {
      answers
        .next()
        .then(({ done, value }) => agent.push(done === true ? null : BYTES.decode(value).data))
        // what it says may be malformed, too
        .catch((error: unknown) => agent.destroy(error as Error))
    },
    write: (data: Buffer, _encoding, done) => {
      stream.send(BYTES.encode({ data })).then(() => done(), done)
    },
    final: (done) => {
      stream.end()
      done()
    },
    destroy: (error, done) => {
      stream.cancel()
      done(error)
    },
  })
  return agent
}
