import type { VolumeEngine } from '../contract/volumes.ts'
import { InvalidParameterError } from '../errors.ts'
import { volumeCreateBody } from './object-bodies.ts'
import { route } from './router.ts'
import type { Route } from './router.ts'
import { filters, flag } from './values.ts'

export function volumeRoutes(volumes: VolumeEngine): Route[] {
  return [
    route({
      method: 'GET',
      path: '/volumes',
      query: { filters },
      handle: async (call, query) => {
        call.send(200, await volumes.list(query.filters))
      },
    }),
    {
      method: 'POST',
      path: '/volumes/create',
      handle: async (call) => {
        const { ClusterVolumeSpec, ...config } = await call.json(volumeCreateBody, {
          optional: true,
        })
        if (ClusterVolumeSpec !== undefined)
          throw new InvalidParameterError('ClusterVolumeSpec: cluster volumes')
        call.send(201, await volumes.create(config))
      },
    },
    route({
      method: 'POST',
      path: '/volumes/prune',
      query: { filters },
      handle: async (call, query) => {
        const given = query.filters ?? {}
        // Before 1.42 a prune took every unused volume; such clients expect that and know no `all`.
        const asked = call.speaks('1.42') ? given : { ...given, all: ['true'] }
        call.send(200, await volumes.prune(asked))
      },
    }),
    {
      method: 'GET',
      path: '/volumes/:name',
      handle: async (call) => {
        call.send(200, await volumes.inspect(call.param('name')))
      },
    },
    route({
      method: 'DELETE',
      path: '/volumes/:name',
      query: { force: flag },
      handle: async (call, options) => {
        await volumes.remove(call.param('name'), options)
        call.send(204)
      },
    }),
  ]
}
