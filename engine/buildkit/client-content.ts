import { randomBytes } from 'node:crypto'
import type { ClientContent } from '../contract/builds.ts'
import { GRPC_CODES, GrpcError } from './grpc-error.ts'
import type { GrpcStream } from './grpc-client.ts'
import {
  READ_CONTENT_REQUEST,
  READ_CONTENT_RESPONSE,
  WRITE_CONTENT_REQUEST,
  WRITE_CONTENT_RESPONSE,
} from './messages.ts'
import { metadataOf } from './metadata.ts'
import type { Session } from './session.ts'

const SERVICE = '/containerd.services.content.v1.Content'
const WRITE = 1
const COMMIT = 2
/** A client takes messages of some megabytes. */
const CHUNK = 1 << 20

/**
 * A directory of a client in OCI's layout, by containerd's content service over its session:
 *
 *     → Read(digest)                                     ← data …
 *     → Write(ref, total, expected, data)  ← offset      … → COMMIT  ← digest
 *
 * @param id of the directory, as the client chose it: `local:<path>`
 * @see containerd api/services/content/v1/content.proto; moby/buildkit session/content
 */
export function clientContent(session: Session, id: string): ClientContent {
  const metadata = metadataOf({ 'buildkit-attachable-store-id': [id] })
  const open = (method: 'Read' | 'Write', signal: AbortSignal): GrpcStream => {
    if (!session.supports(`${SERVICE}/${method}`))
      throw new GrpcError('UNKNOWN', `the client does not offer ${id}`)
    return session.client.stream(`${SERVICE}/${method}`, { metadata, signal })
  }
  return {
    read: async function* (digest, signal) {
      const stream = open('Read', signal)
      try {
        await stream.send(READ_CONTENT_REQUEST.encode({ digest }))
        stream.end()
        for await (const message of stream.messages())
          yield READ_CONTENT_RESPONSE.decode(message).data
      } finally {
        stream.cancel()
      }
    },
    write: async (content, bytes, signal) => {
      const stream = open('Write', signal)
      try {
        await send(stream, content, bytes)
      } catch (error) {
        const isThere = error instanceof GrpcError && error.grpcCode === GRPC_CODES.ALREADY_EXISTS
        if (!isThere) throw error
      } finally {
        stream.cancel()
      }
    },
  }
}

async function send(
  stream: GrpcStream,
  { digest, size }: { digest: string; size: number },
  bytes: AsyncIterable<Uint8Array>,
): Promise<void> {
  const answers = stream.messages()
  const ref = `gantry-${randomBytes(8).toString('hex')}`
  const common = { ref, total: size, expected: digest }
  let offset = 0
  const say = async (action: number, data: Uint8Array): Promise<void> => {
    await stream.send(WRITE_CONTENT_REQUEST.encode({ ...common, action, offset, data }))
    const answer = await answers.next()
    if (answer.done === true) throw new GrpcError('UNKNOWN', `the client stopped taking ${digest}`)
    WRITE_CONTENT_RESPONSE.decode(answer.value)
    offset += data.length
  }
  for await (const chunk of bytes)
    for (let at = 0; at < chunk.length; at += CHUNK)
      await say(WRITE, chunk.subarray(at, at + CHUNK))
  await say(COMMIT, new Uint8Array(0))
  stream.end()
}
