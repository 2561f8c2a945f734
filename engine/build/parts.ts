import type { Cgroups } from '../cgroups/cgroup.ts'
import type { Events } from '../events/events.ts'
import type { LocalImages } from '../images/local-images.ts'
import type { Instance } from '../instance.ts'
import type { LocalNetworks } from '../networks/local-networks.ts'
import type { Trees } from '../store/trees.ts'
import type { BuildCache } from './cache.ts'
import type { CacheMounts } from './cache-mounts.ts'
import type { KeptContexts } from './kept-contexts.ts'
import type { Slots } from './slots.ts'
import type { StepsUnderWay } from './steps-under-way.ts'

/** What builds work with; put together in engine/index.ts. */
export interface BuilderParts {
  instance: Instance
  events: Events
  images: LocalImages
  networks: LocalNetworks
  cgroups: Cgroups
  trees: Trees
  cache: BuildCache
  cacheMounts: CacheMounts
  keptContexts: KeptContexts
  /** Of processes: a Dockerfile may have a thousand stages. */
  slots: Slots
  underWay: StepsUnderWay
  warn: (message: string, error?: unknown) => void
}
