import { route } from './router.ts'
import { filters, flag, integer } from './values.ts'

/**
 * What `docker system prune` asks of a builder: there is none here, so its cache is empty, whatever of it is to be kept.
 *
 * @see POST /build/prune
 */
export const buildCacheRoutes = [
  route({
    method: 'POST',
    path: '/build/prune',
    query: {
      all: flag,
      filters,
      'reserved-space': integer,
      'max-used-space': integer,
      'min-free-space': integer,
      /** What `reserved-space` was called until 1.48. */
      'keep-storage': integer,
    },
    handle: (call) => {
      call.send(200, { CachesDeleted: null, SpaceReclaimed: 0 })
      return Promise.resolve()
    },
  }),
]
