import type { Engine } from '../contract.ts'
import { errorCode } from '../errors.ts'
import { formatPlatform, hostPlatform } from '../oci/platform.ts'
import type { BuildkitVersion, WorkerRecord } from './messages.ts'

/** What this engine calls itself where BuildKit's daemon tells its version. */
export async function versionOf(engine: Engine): Promise<BuildkitVersion> {
  const { GitCommit = '', Version = '' } = await engine.system.version()
  return { package: 'gantry', version: `v${Version.replace(/^v/, '')}`, revision: GitCommit }
}

/** The one worker: this engine, and what it tells clients of itself. */
export async function worker(engine: Engine): Promise<WorkerRecord> {
  const { ID = '', Name = '' } = await engine.system.info()
  const { architecture, os, variant = '' } = hostPlatform()
  return {
    ID,
    Labels: {
      'org.mobyproject.buildkit.worker.hostname': Name,
      'org.mobyproject.buildkit.worker.executor': 'gantry',
      'org.mobyproject.buildkit.worker.platform': formatPlatform(hostPlatform()),
      // buildx takes a worker without one for a Docker that can neither export caches nor build for several platforms
      'org.mobyproject.buildkit.worker.snapshotter': 'overlayfs',
      ...(await hostGateway(engine)),
    },
    platforms: [{ Architecture: architecture, OS: os, Variant: variant }],
    BuildkitVersion: await versionOf(engine),
  }
}

/** The address that `host-gateway` means in `--add-host`; clients put it in themselves. */
async function hostGateway(engine: Engine): Promise<Record<string, string>> {
  try {
    const { IPAM } = await engine.networks.inspect('bridge')
    const ip = IPAM?.Config?.[0]?.Gateway
    return ip === undefined ? {} : { 'org.mobyproject.buildkit.worker.moby.host-gateway-ip': ip }
  } catch (error) {
    // an engine without a default bridge
    if (errorCode(error) === 'NOT_FOUND') return {}
    throw error
  }
}
