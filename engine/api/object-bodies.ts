import { z } from 'zod'
import type { NetworkCreateConfig } from '../contract.ts'
import type {
  AuthConfig,
  NetworkConnectRequest,
  NetworkDisconnectRequest,
  VolumeCreateRequest,
} from '../types/docker.ts'
import { endpointSettings } from './container-bodies.ts'
import { bool, maybe, text, textMap } from './fields.ts'
import type { Complete } from './fields.ts'

const networkFields = {
  Name: z.string(),
  Driver: text,
  Scope: text,
  Internal: bool,
  Attachable: bool,
  Ingress: bool,
  ConfigOnly: bool,
  EnableIPv4: bool,
  EnableIPv6: bool,
  IPAM: maybe(
    z.object({
      Driver: text,
      Config: maybe(
        z.array(
          z.object({ Subnet: text, IPRange: text, Gateway: text, AuxiliaryAddresses: textMap }),
        ),
      ),
      Options: textMap,
    }),
  ),
  Options: textMap,
  Labels: textMap,
}

export const networkCreateBody = z.object({
  ...networkFields,
  ConfigFrom: maybe(z.object({ Network: text })),
})

export const connectBody = z
  .object({ Container: z.string(), EndpointConfig: maybe(endpointSettings) })
  .transform((request): NetworkConnectRequest => request)

export const disconnectBody = z
  .object({ Container: z.string(), Force: bool })
  .transform((request): NetworkDisconnectRequest => request)

const volumeFields = { Name: text, Driver: text, DriverOpts: textMap, Labels: textMap }

export const volumeCreateBody = z.object({
  ...volumeFields,
  ClusterVolumeSpec: maybe(z.record(z.string(), z.unknown())),
})

export const authConfig = z
  .object({
    username: text,
    password: text,
    serveraddress: text,
    /** `user:password` in base64, how the CLI's file keeps it. */
    auth: text,
    identitytoken: text,
    registrytoken: text,
  })
  .transform(
    ({
      auth,
      identitytoken: _identity,
      registrytoken: _registry,
      ...config
    }): AuthConfig | undefined => {
      if (config.username === undefined && auth) {
        const decoded = Buffer.from(auth, 'base64').toString()
        const colon = decoded.indexOf(':')
        return { ...config, username: decoded.slice(0, colon), password: decoded.slice(colon + 1) }
      }
      return config.username ? config : undefined
    },
  )

type Complaints = [
  Complete<NetworkCreateConfig, typeof networkFields>,
  Complete<Omit<VolumeCreateRequest, 'ClusterVolumeSpec'>, typeof volumeFields>,
]
void ([true, true] satisfies Complaints)
