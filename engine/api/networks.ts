import type { NetworkEngine } from '../contract/networks.ts'
import { InvalidParameterError } from '../errors.ts'
import { connectBody, disconnectBody, networkCreateBody } from './object-bodies.ts'
import { route } from './router.ts'
import type { Route } from './router.ts'
import { networkFor, networksFor } from './versions/network-answers.ts'
import { filters, flag, word } from './values.ts'

export function networkRoutes(networks: NetworkEngine): Route[] {
  const list = (path: string): Route =>
    route({
      method: 'GET',
      path,
      query: { filters },
      handle: async (call, query) => {
        call.send(200, networksFor(call, await networks.list(query.filters)))
      },
    })
  return [
    list('/networks'),
    list('/networks/'),
    route({
      method: 'GET',
      path: '/networks/:id',
      query: { verbose: flag, scope: word },
      handle: async (call, options) => {
        call.send(200, networkFor(call, await networks.inspect(call.param('id'), options)))
      },
    }),
    {
      method: 'POST',
      path: '/networks/create',
      handle: async (call) => {
        const { ConfigFrom, ...config } = await call.json(networkCreateBody)
        if (ConfigFrom?.Network)
          throw new InvalidParameterError('ConfigFrom: configuration-only networks')
        if (!call.speaks('1.48')) delete config.EnableIPv4
        call.send(201, await networks.create(config))
      },
    },
    route({
      method: 'POST',
      path: '/networks/prune',
      query: { filters },
      handle: async (call, query) => {
        call.send(200, await networks.prune(query.filters))
      },
    }),
    {
      method: 'POST',
      path: '/networks/:id/connect',
      handle: async (call) => {
        const request = await call.json(connectBody)
        // Docker read it here since 1.54 only, and gave an address of its own before.
        if (!call.speaks('1.54')) delete request.EndpointConfig?.MacAddress
        await networks.connect(call.param('id'), request)
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
