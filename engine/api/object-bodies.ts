import { z } from 'zod'
import type { NetworkCreateConfig } from '../contract/networks.ts'
import type { RegistryCredentials } from '../contract/common.ts'
import type {
  NetworkConnectRequest,
  NetworkDisconnectRequest,
  VolumeCreateRequest,
} from '../types/docker.ts'
import { endpointSettings } from './container-bodies.ts'
import { bool, maybe, struct, text, textMap } from './fields.ts'
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
    struct({
      Driver: text,
      Config: maybe(
        z.array(
          struct({ Subnet: text, IPRange: text, Gateway: text, AuxiliaryAddresses: textMap }),
        ),
      ),
      Options: textMap,
    }),
  ),
  Options: textMap,
  Labels: textMap,
}

export const networkCreateBody = struct({
  ...networkFields,
  ConfigFrom: maybe(struct({ Network: text })),
})

export const connectBody = struct({
  Container: z.string(),
  EndpointConfig: maybe(endpointSettings),
}).transform((request): NetworkConnectRequest => request)

export const disconnectBody = struct({ Container: z.string(), Force: bool }).transform(
  (request): NetworkDisconnectRequest => request,
)

const volumeFields = { Name: text, Driver: text, DriverOpts: textMap, Labels: textMap }

export const volumeCreateBody = struct({
  ...volumeFields,
  ClusterVolumeSpec: maybe(z.record(z.string(), z.unknown())),
})

export const authConfig = struct({
  username: text,
  password: text,
  serveraddress: text,
  /** `user:password` in base64, how the CLI's file keeps it. */
  auth: text,
  identitytoken: text,
  registrytoken: text,
}).transform(({ auth, ...config }): RegistryCredentials => {
  if (config.username !== undefined || !auth) return config
  const decoded = Buffer.from(auth, 'base64').toString()
  const colon = decoded.indexOf(':')
  return { ...config, username: decoded.slice(0, colon), password: decoded.slice(colon + 1) }
})

type Complaints = [
  Complete<NetworkCreateConfig, typeof networkFields>,
  Complete<Omit<VolumeCreateRequest, 'ClusterVolumeSpec'>, typeof volumeFields>,
]
void ([true, true] satisfies Complaints)
