import { digestOf, isSha256 } from '../oci/digest.ts'
import { GrpcError } from './grpc-error.ts'
import { OP } from './messages.ts'
import type { Definition } from './messages.ts'

const SCHEME = 'gantry-image://'

/**
 * An image that was built, as a definition of LLB: a client can hand it over as the input of its next build (`contexts` of
 * `buildx bake` that are targets). It is one source and, as the end of any definition, what has it as its input.
 *
 * @see moby/buildkit solver/pb/ops.proto
 */
export function definitionOf(image: string): Definition {
  const source = OP.encode({ inputs: [], source: { identifier: `${SCHEME}${image}` } })
  const digest = digestOf(source)
  const end = OP.encode({ inputs: [{ digest, index: 0 }] })
  return { def: [source, end], metadata: { [digest]: {}, [digestOf(end)]: {} } }
}

/**
 * The image that a definition came from.
 *
 * @throws GrpcError for any other: none are carried out here
 */
export function imageIn({ def }: Definition): string {
  const [source, end, ...more] = def.map((bytes) => OP.decode(bytes))
  const { identifier = '' } = source?.source ?? {}
  const image = identifier.slice(SCHEME.length)
  const isOurs = identifier.startsWith(SCHEME) && end?.source === null && more.length === 0
  if (isOurs && isSha256(image)) return image
  throw new GrpcError('UNIMPLEMENTED', 'only Dockerfiles are built here, no LLB definitions')
}
