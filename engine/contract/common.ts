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

export interface TerminalSize {
  rows: number
  cols: number
}

/**
 * A client's connection that is waiting for a stream. An engine that can serves the stream on the connection itself:
 * nothing is copied on the way then, and the stream outlives the engine. Others leave it alone and return the stream.
 */
export interface ClientConnection {
  /**
   * Stops reading from it.
   *
   * @param tty whether the stream is a terminal's, which decides how it is framed
   * @returns undefined when the connection has to stay here
   */
  take(tty: boolean): TakenConnection | undefined
  /** It is served elsewhere: what is held of it here is let go. */
  letGo(): void
  /** It was taken for nothing, and is read here again. */
  giveBack(): void
}

export interface TakenConnection {
  /** To be handed on at once. */
  fd: number
  /** What the client is to be sent before the stream. */
  greeting: string
}
