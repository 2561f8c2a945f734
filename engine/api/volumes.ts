import { z } from 'zod'
import type { VolumeEngine } from '../contract.ts'
import { NotImplementedError } from '../errors.ts'
import { volumeCreateBody } from './object-bodies.ts'
import type { Route } from './router.ts'
import { filters, flag } from './values.ts'

export function volumeRoutes(volumes: VolumeEngine): Route[] {
  return [
    {
      method: 'GET',
      path: '/volumes',
      handle: async (call) => {
        call.send(200, await volumes.list(call.query(z.object({ filters })).filters))
      },
    },
    {
      method: 'POST',
      path: '/volumes/create',
      handle: async (call) => {
        const { ClusterVolumeSpec, ...config } = await call.json(volumeCreateBody)
        if (ClusterVolumeSpec !== undefined)
          throw new NotImplementedError('ClusterVolumeSpec: cluster volumes')
        call.send(201, await volumes.create(config))
      },
    },
    {
      method: 'POST',
      path: '/volumes/prune',
      handle: async (call) => {
        const query = call.query(z.object({ filters })).filters ?? {}
        // Before 1.42 a prune took every unused volume; such clients expect that and know no `all`.
        const asked = call.speaks('1.42') ? query : { ...query, all: ['true'] }
        call.send(200, await volumes.prune(asked))
      },
    },
    {
      method: 'GET',
      path: '/volumes/:name',
      handle: async (call) => {
        call.send(200, await volumes.inspect(call.param('name')))
      },
    },
    {
      method: 'DELETE',
      path: '/volumes/:name',
      handle: async (call) => {
        await volumes.remove(call.param('name'), call.query(z.object({ force: flag })))
        call.send(204)
      },
    },
  ]
}
