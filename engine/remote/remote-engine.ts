import type { Engine } from '../contract.ts'
import { RemoteBuilds } from './builds.ts'
import { RemoteContainers } from './containers.ts'
import { RemoteExecs } from './execs.ts'
import { RemoteImages } from './images.ts'
import { RemoteNetworks } from './networks.ts'
import { RemoteDistribution } from './distribution.ts'
import { RemoteRegistry } from './registry.ts'
import { RemoteSystem } from './system.ts'
import { Transport } from './transport.ts'
import { RemoteVolumes } from './volumes.ts'

/**
 * The contract over any Docker API endpoint: dockerd, podman, another Gantry.
 *
 * @param options.url `unix:///path` or `http://host[:port]`
 * @throws INVALID_PARAMETER for another URL, UNAVAILABLE when nobody answers there or no API version is common
 */
export async function openRemoteEngine(options: { url: string }): Promise<Engine> {
  const transport = new Transport(options.url)
  try {
    await transport.negotiate()
  } catch (error) {
    transport.close()
    throw error
  }
  const engine: Engine = {
    system: new RemoteSystem(transport),
    containers: new RemoteContainers(transport),
    execs: new RemoteExecs(transport),
    images: new RemoteImages(transport),
    builds: new RemoteBuilds(transport),
    networks: new RemoteNetworks(transport),
    volumes: new RemoteVolumes(transport),
    registry: new RemoteRegistry(transport.url),
    distribution: new RemoteDistribution(transport.url),
    // the endpoint knows its own callers: to it, everybody here is whoever owns this connection
    as: () => engine,
    close: () => {
      transport.close()
      return Promise.resolve()
    },
  }
  return engine
}
