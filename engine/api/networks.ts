import { z } from 'zod'
import type { NetworkEngine } from '../contract.ts'
import { NotImplementedError } from '../errors.ts'
import { connectBody, disconnectBody, networkCreateBody } from './object-bodies.ts'
import type { Route } from './router.ts'
import { filters, flag, word } from './values.ts'

export function networkRoutes(networks: NetworkEngine): Route[] {
  const list: Route['handle'] = async (call) => {
    call.send(200, await networks.list(call.query(z.object({ filters })).filters))
  }
  return [
    { method: 'GET', path: '/networks', handle: list },
    { method: 'GET', path: '/networks/', handle: list },
    {
      method: 'GET',
      path: '/networks/:id',
      handle: async (call) => {
        const options = call.query(z.object({ verbose: flag, scope: word }))
        call.send(200, await networks.inspect(call.param('id'), options))
      },
    },
    {
      method: 'POST',
      path: '/networks/create',
      handle: async (call) => {
        const { ConfigFrom, ...config } = await call.json(networkCreateBody)
        if (ConfigFrom?.Network)
          throw new NotImplementedError('ConfigFrom: configuration-only networks')
        call.send(201, await networks.create(config))
      },
    },
    {
      method: 'POST',
      path: '/networks/prune',
      handle: async (call) => {
        call.send(200, await networks.prune(call.query(z.object({ filters })).filters))
      },
    },
    {
      method: 'POST',
      path: '/networks/:id/connect',
      handle: async (call) => {
        await networks.connect(call.param('id'), await call.json(connectBody))
        call.send(200)
      },
    },
    {
      method: 'POST',
      path: '/networks/:id/disconnect',
      handle: async (call) => {
        await networks.disconnect(call.param('id'), await call.json(disconnectBody))
        call.send(200)
      },
    },
    {
      method: 'DELETE',
      path: '/networks/:id',
      handle: async (call) => {
        await networks.remove(call.param('id'))
        call.send(204)
      },
    },
  ]
}
