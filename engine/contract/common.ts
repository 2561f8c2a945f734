/** Words that several slices of the contract share. @see engine/contract.ts for the conventions */
import type { AuthConfig, CreateImageInfo, OCIDescriptor } from '../types/docker.ts'

/** Docker's filters: a name to the values any of which may match; `label`, `label!` values all have to. */
export type Filters = Record<string, string[]>

/** What clients send for a registry; the tokens are not in the API's description, but docker sends them. */
export type RegistryCredentials = AuthConfig & { identitytoken?: string; registrytoken?: string }

/** One line of the progress of a pull, load or import; `status` with `id` is a layer's state. */
export type ImageProgress = CreateImageInfo & {
  stream?: string
  /** The bar that a terminal shows: `[=====>     ]  1.2MB/3.4MB`. */
  progress?: string
  aux?: { ID?: string; Tag?: string; Digest?: string; Size?: number } & Partial<PushedInstead>
}

/** A push's note that only one image of an index went, because not all of the index is here. */
export interface PushedInstead {
  manifestPushedInsteadOfIndex: true
  originalIndex: OCIDescriptor
  selectedManifest: OCIDescriptor
}
