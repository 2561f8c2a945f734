import type { Cgroups } from '../cgroups/manager.ts'
import type { Events } from '../events/events.ts'
import type { LocalImages } from '../images/local-images.ts'
import type { Instance } from '../instance.ts'
import type { LocalNetworks } from '../networks/local-networks.ts'
import type { Trees } from '../store/trees.ts'
import type { LocalVolumes } from '../volumes/local-volumes.ts'
import type { Container } from './container.ts'
import type { LogKeeper } from './log-keeper.ts'
import type { ExecTable } from './exec-table.ts'
import type { Mutexes } from './mutex.ts'
import type { StatsSampler } from './stats.ts'
import type { ContainerTable } from './table.ts'

/** What the container verbs work with; put together in engine/index.ts. */
export interface ContainersContext {
  instance: Instance
  events: Events
  images: LocalImages
  volumes: LocalVolumes
  networks: LocalNetworks
  cgroups: Cgroups
  /** Copies of files in and out. */
  trees: Trees
  table: ContainerTable
  execs: ExecTable
  sampler: StatsSampler
  logs: LogKeeper
  /** By volume: one that several containers are made with at once is filled from the image once. */
  filling: Mutexes
  /** Warnings that belong to nobody's call: undo steps that failed, shims that vanished. */
  warn: (message: string, error?: unknown) => void
  /** Everything from a stopped container to a running one (start.ts); what ends a run also begins the next by it. */
  launch: (container: Container, counts: { restartCount: number }) => Promise<void>
  /** True once the engine is being closed: nothing is started again. */
  closing: boolean
}

/** Reports a container's event with the attributes Docker gives it. */
export function emitContainerEvent(
  context: ContainersContext,
  container: Container,
  action: string,
  attributes: Record<string, string> = {},
): void {
  const { config, id, name } = container.document
  context.events.emit('container', action, id, {
    ...config.Labels,
    image: config.Image ?? '',
    name,
    ...attributes,
  })
}

/** Tells that a container has taken up its volumes, or let go of them. */
export function emitVolumeEvents(
  context: ContainersContext,
  container: Container,
  action: 'mount' | 'unmount',
): void {
  for (const { Destination = '', Driver = 'local', Name, RW, Type } of container.document.mounts) {
    if (Type !== 'volume' || Name === undefined) continue
    context.events.emit('volume', action, Name, {
      container: container.id,
      driver: Driver,
      ...(action === 'mount'
        ? { destination: Destination, propagation: '', 'read/write': String(RW !== false) }
        : {}),
    })
  }
}
