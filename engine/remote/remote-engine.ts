import { BuildHistory } from '../build/history/history.ts'
import { attributable } from '../caller.ts'
import type { Engine } from '../contract.ts'
import { BuildRecords } from './build-records.ts'
import { RemoteBuilds } from './builds.ts'
import { RemoteContainers } from './containers.ts'
import { RemoteExecs } from './execs.ts'
import { RemoteFiles } from './files.ts'
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
 * @param options.records a directory for what the other side has no place for: records of builds that are asked for here
 * @throws INVALID_PARAMETER for another URL, UNAVAILABLE when nobody answers there or no API version is common
 */
export async function openRemoteEngine(options: {
  url: string
  records?: string
}): Promise<Engine> {
  const transport = new Transport(options.url)
  try {
    await transport.negotiate()
  } catch (error) {
    transport.close()
    throw error
  }
  const records =
    options.records === undefined
      ? undefined
      : new BuildRecords(
          new BuildHistory(options.records, (message, error) => console.warn(message, error)),
        )
  const images = new RemoteImages(transport)
  const containers = new RemoteContainers(transport)
  // the endpoint knows its own callers: to it, everybody here is whoever owns this connection; records here tell them apart
  return attributable({
    system: new RemoteSystem(transport),
    containers,
    files: new RemoteFiles(containers),
    execs: new RemoteExecs(transport),
    images,
    builds: new RemoteBuilds(transport, records),
    networks: new RemoteNetworks(transport),
    volumes: new RemoteVolumes(transport),
    registry: new RemoteRegistry(transport.url),
    distribution: new RemoteDistribution(transport.url, images),
    close: async () => {
      await records?.close()
      transport.close()
    },
  })
}
