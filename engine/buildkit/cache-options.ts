import type { CacheExport, CacheImport } from '../contract/builds.ts'
import { clientContent } from './client-content.ts'
import { GrpcError } from './grpc-error.ts'
import type { Attributes } from './messages.ts'
import type { Session } from './session.ts'
import { truthOf } from './truth.ts'

/**
 * Reads what `--cache-from` asks for: `type=registry,ref=…` and `type=local,src=…`, of which the client tells the digest.
 *
 * @throws GrpcError in words, for other types
 */
export function cacheImport({ Attrs, Type }: Attributes): (session: Session) => CacheImport {
  const { digest = '', ref = '', src = '' } = Attrs
  const known = Type === 'registry' ? ['ref'] : ['src', 'digest', 'tag']
  for (const [key, value] of Object.entries(Attrs))
    if (['registry', 'local'].includes(Type) && !known.includes(key))
      throw new GrpcError('UNKNOWN', `cache option ${key}=${value} is not supported here`)
  if (Type === 'registry' && ref !== '') return () => ({ registry: ref })
  if (Type === 'local' && src !== '' && digest !== '')
    return (session) => ({ content: clientContent(session, `local:${src}`), digest })
  throw new GrpcError(
    'UNKNOWN',
    `cache of type ${Type}: only registry (ref=…) and local (src=…) are taken here`,
  )
}

const EXPORTS = new Map<string, readonly string[]>([
  ['inline', []],
  ['registry', ['ref']],
  ['local', ['dest', 'tag']],
])
const ALL = ['mode', 'image-manifest', 'oci-mediatypes', 'compression', 'ignore-error']

/**
 * Reads what `--cache-to` asks for: `inline`, which every image has anyway, `registry` and `local`.
 *
 * @param response gets what the client writes into the directory's index
 * @throws GrpcError in words, for what is not known
 */
export function cacheExport(
  { Attrs, Type }: Attributes,
  response: Record<string, string>,
): ((session: Session) => CacheExport) | undefined {
  const known = EXPORTS.get(Type)
  if (!known)
    throw new GrpcError(
      'UNKNOWN',
      `cache exports of type ${Type} are not supported here, only inline, registry and local`,
    )
  for (const [key, value] of Object.entries(Attrs))
    if (![...known, ...ALL].includes(key))
      throw new GrpcError('UNKNOWN', `cache option ${key}=${value} is not supported here`)
  // every image says what steps it was built by: it is its own cache
  if (Type === 'inline') return undefined
  const truth = (key: string, usual: boolean): boolean =>
    truthOf(`cache option ${key}`, Attrs[key] ?? String(usual))
  const { compression = 'gzip', mode = 'min', dest = '', ref = '' } = Attrs
  if (mode !== 'min' && mode !== 'max')
    throw new GrpcError('UNKNOWN', `unknown cache export mode ${mode}`)
  if (compression !== 'gzip' && compression !== 'uncompressed')
    throw new GrpcError(
      'UNKNOWN',
      `cache option compression=${compression} is not supported here, only gzip and uncompressed`,
    )
  if (!truth('oci-mediatypes', true))
    throw new GrpcError('UNKNOWN', 'caches have media types of OCI (oci-mediatypes=true)')
  if ((Type === 'registry' ? ref : dest) === '')
    throw new GrpcError('UNKNOWN', `cache export of type ${Type} needs a place to go to`)
  const asIndex = !truth('image-manifest', true)
  const ignoreErrors = truth('ignore-error', false)
  // a build for several platforms exports once for each
  let after: string | undefined
  return (session) => ({
    ...(after === undefined ? {} : { after }),
    to:
      Type === 'registry'
        ? { registry: ref }
        : { content: clientContent(session, `local:${dest}`) },
    mode,
    asIndex,
    isCompressed: compression === 'gzip',
    ignoreErrors,
    done: (manifest) => {
      after = manifest.digest
      if (Type === 'local') response['cache.manifest'] = JSON.stringify(manifest)
    },
  })
}
