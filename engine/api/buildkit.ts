import { buildkitMethods } from '../buildkit/control.ts'
import { GrpcError } from '../buildkit/grpc-error.ts'
import { serveGrpc } from '../buildkit/grpc-server.ts'
import type { Shared } from '../buildkit/solve.ts'
import type { Engine } from '../contract.ts'
import { InvalidParameterError } from '../errors.ts'
import type { Route } from './router.ts'

/**
 * BuildKit's doors: the connection becomes HTTP/2, over which a client calls us (`/grpc`) or we call it (`/session`).
 *
 * @see POST /session, Docker Engine API 1.56
 */
export function buildkitRoutes(engine: Engine, shared: Shared): Route[] {
  return [
    {
      method: 'POST',
      path: '/grpc',
      handle: async (call) => {
        await serveGrpc(call.upgrade('h2c'), buildkitMethods(engine, shared))
      },
    },
    {
      method: 'POST',
      path: '/session',
      handle: async (call) => {
        const { headers } = call
        call.checkUpgrade('h2c')
        const id = checked(() => shared.sessions.check(headers))
        await shared.sessions.serve(id, headers, call.upgrade('h2c'))
      },
    },
  ]
}

function checked<T>(check: () => T): T {
  try {
    return check()
  } catch (error) {
    if (error instanceof GrpcError) throw new InvalidParameterError(error.message, { cause: error })
    throw error
  }
}
