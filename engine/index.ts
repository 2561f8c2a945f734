import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { LocalBuilds } from './build/builder.ts'
import { BuildCache } from './build/cache.ts'
import { CacheMounts } from './build/cache-mounts.ts'
import { KeptContexts } from './build/kept-contexts.ts'
import { Slots } from './build/slots.ts'
import { StepsUnderWay } from './build/steps-under-way.ts'
import { attributable } from './caller.ts'
import { openCgroups } from './cgroups/manager.ts'
import type { ContainersContext } from './containers/context.ts'
import { ExecTable } from './containers/exec-table.ts'
import { localFiles } from './containers/files.ts'
import { localContainers, localExecs } from './containers/local-containers.ts'
import { LogKeeper } from './containers/log-keeper.ts'
import { Mutexes } from './containers/mutex.ts'
import { networkHooks } from './containers/network-hooks.ts'
import { loadContainers, removeCutShort } from './containers/load.ts'
import { recoverContainers } from './containers/recover.ts'
import { launch } from './containers/start.ts'
import { isRunning } from './containers/state.ts'
import { readStats, StatsSampler } from './containers/stats.ts'
import { ContainerTable } from './containers/table.ts'
import type { Engine } from './contract.ts'
import type { ImageEngine } from './contract/images.ts'
import type { NetworkEngine } from './contract/networks.ts'
import type { VolumeEngine } from './contract/volumes.ts'
import type { BuildEngine } from './contract/builds.ts'
import type { RegistryEngine } from './contract/registry.ts'
import { errorMessage } from './errors.ts'
import { explainHostError, explainingHostErrors } from './host-errors.ts'
import { openEvents } from './events/events.ts'
import { openImages } from './images/local-images.ts'
import { blobsOf } from './images/image.ts'
import { type Instance, registriesOf } from './instance.ts'
import { LocalNetworks } from './networks/local-networks.ts'
import { openDistribution } from './registry/distribution.ts'
import { LocalRegistry } from './registry-server/local-registry.ts'
import { Uploads } from './registry-server/uploads.ts'
import { RepositoryTable } from './registry-server/repository-table.ts'
import { loadDefaultProfile } from './runtime/apparmor.ts'
import { Trees } from './store/trees.ts'
import { openSystem } from './system/system.ts'
import { SettingsDocument } from './registry-server/settings.ts'
import { LocalVolumes } from './volumes/local-volumes.ts'

export type { Engine } from './contract.ts'

/**
 * Opens the engine of this kernel: brings its stores to order, finds the containers that run, and starts those that
 * their restart policy wants.
 *
 * @throws SYSTEM when the kernel or the data directory do not allow it
 */
export async function openLocalEngine(
  instance: Instance,
  options: { warn?: (message: string) => void } = {},
): Promise<Engine> {
  try {
    return await openEngine(instance, options)
  } catch (error) {
    throw explainHostError(error, instance)
  }
}

async function openEngine(
  instance: Instance,
  options: { warn?: (message: string) => void },
): Promise<Engine> {
  const report = options.warn ?? ((message) => console.warn(message))
  const warn = (message: string, error?: unknown): void => {
    report(error === undefined ? message : `${message}: ${errorMessage(error)}`)
  }
  await fs.mkdir(instance.dataRoot, { recursive: true, mode: 0o711 })
  await fs.mkdir(path.join(instance.runRoot, 'c'), { recursive: true, mode: 0o711 })

  const table = new ContainerTable(instance)
  const { cutShort, damaged } = await loadContainers({ table, warn })
  const events = await openEvents({ dir: path.join(instance.dataRoot, 'events') })
  const cgroups = openCgroups({
    parent: instance.cgroupParent,
    madeFile: path.join(instance.runRoot, 'cgroup-parents'),
  })
  const cache = await BuildCache.open(instance.dataRoot)
  const repositories = await RepositoryTable.open(instance.dataRoot, warn)
  const trees = new Trees()
  const images = await openImages({
    instance,
    events,
    trees,
    warn,
    kept: () => [...cache.layers(), ...repositories.kept()],
    usedBy: (imageId) =>
      table
        .all()
        .filter(({ document }) => {
          const isMounted = document.mounts.some(
            (mount) => mount.Type === 'image' && mount.Source === imageId,
          )
          return document.imageId === imageId || isMounted
        })
        .map((container) => ({
          id: container.id,
          running: isRunning(container.status),
        })),
  })
  const volumes = await LocalVolumes.open({
    instance,
    events,
    warn,
    usedBy: (name) =>
      table
        .all()
        .filter(({ document, status }) => {
          const isMounted = document.mounts.some(
            (mount) => mount.Type === 'volume' && mount.Name === name,
          )
          return status !== 'removing' && isMounted
        })
        .map((container) => container.id),
  })
  const late: { context?: ContainersContext } = {}
  const networks = await LocalNetworks.open({
    instance,
    events,
    containers: networkHooks(() => {
      if (!late.context) throw new Error('the engine is not open yet')
      return late.context
    }),
    warn,
  })
  const context: ContainersContext = {
    instance,
    events,
    images,
    volumes,
    networks,
    cgroups,
    trees,
    table,
    execs: new ExecTable(),
    sampler: new StatsSampler(
      (container, previous) => readStats(context, container, previous),
      warn,
    ),
    logs: new LogKeeper(instance, warn),
    filling: new Mutexes(),
    warn,
    launch: (container, counts) => launch(context, container, counts),
    closing: false,
  }
  late.context = context
  await removeCutShort(context, cutShort)
  await loadDefaultProfile().catch((error: unknown) => {
    warn('containers run without the default AppArmor profile', error)
  })
  await recoverContainers(context, damaged)

  const builds = await LocalBuilds.open({
    instance,
    events,
    images,
    networks,
    cgroups,
    trees,
    cache,
    cacheMounts: await CacheMounts.open(instance.dataRoot),
    keptContexts: await KeptContexts.open(instance.dataRoot),
    underWay: new StepsUnderWay(),
    slots: new Slots(Math.max(4, 2 * os.availableParallelism())),
    warn,
  })
  const registry = LocalRegistry.open({
    uploads: await Uploads.open(instance.dataRoot),
    store: images.store,
    repositories,
    settings: await SettingsDocument.open(instance.dataRoot, warn),
    neededElsewhere: function* () {
      for (const { document } of images.store.all()) yield* blobsOf(document)
      for (const { blob } of cache.layers()) yield blob.digest
    },
    warn,
  })
  const containers = localContainers(context)
  const clear = <T extends object>(slice: T): T => explainingHostErrors(slice, instance)
  const system = openSystem({
    instance,
    events,
    containers,
    images,
    volumes,
    networks,
    cgroups,
    builds,
    registry,
  })
  return attributable({
    containers: clear(containers),
    files: clear(localFiles(context)),
    execs: clear(localExecs(context)),
    images: clear<ImageEngine>(images),
    builds: clear<BuildEngine>(builds),
    networks: clear<NetworkEngine>(networks),
    volumes: clear<VolumeEngine>(volumes),
    registry: clear<RegistryEngine>(registry),
    distribution: clear(openDistribution(registriesOf(instance))),
    system: clear(system),
    close: async () => {
      context.closing = true
      context.sampler.close()
      await builds.close()
      await registry.close()
      for (const container of table.all()) container.letGo()
      await trees.close()
      await context.logs.close()
      await networks.close()
      await images.close()
      await events.close()
    },
  })
}
