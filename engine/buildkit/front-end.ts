import { isDockerfileFrontEnd } from '../dockerfile/front-end.ts'
import { GrpcError } from './grpc-error.ts'

/**
 * The front end that is asked for, which is ours: `dockerfile.v0`, or an image of it, which a client names when it is told
 * BUILDKIT_SYNTAX.
 *
 * @throws GrpcError naming another
 */
export function ownFrontEnd(
  frontend: string,
  attrs: Readonly<Record<string, string>>,
): { frontend: string; attrs: Record<string, string> } {
  if (frontend === 'dockerfile.v0') return { frontend, attrs: { ...attrs } }
  if (frontend === '')
    throw new GrpcError(
      'UNKNOWN',
      'only Dockerfiles are built here (frontend dockerfile.v0), no LLB definitions',
    )
  const { cmdline: _cmdline, source = '', ...others } = attrs
  if (frontend === 'gateway.v0' && isDockerfileFrontEnd(source))
    return { frontend: 'dockerfile.v0', attrs: others }
  const name = source === '' ? frontend : source
  throw new GrpcError('UNKNOWN', `frontend ${name} is not run here, only dockerfile.v0`)
}
