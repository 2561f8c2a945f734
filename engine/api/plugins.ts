import { NotFoundError } from '../errors.ts'
import { route, type Route } from './router.ts'
import { filters } from './values.ts'

/**
 * Managed plugins are not run here, so there are none: who lists them is told so, and who looks for anything by its name,
 * as `docker inspect` does, hears that no plugin has it. What would make one is absent.
 */
export const pluginRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/plugins',
    query: { filters },
    handle: (call) => {
      call.send(200, [])
      return Promise.resolve()
    },
  }),
  {
    method: 'GET',
    path: '/plugins/:name*/json',
    handle: (call) =>
      Promise.reject(new NotFoundError(`plugin ${JSON.stringify(call.param('name'))} not found`)),
  },
]
