/**
 * The contract: what an engine can do, in the Docker Engine API's own types.
 *
 * Everything above it (the Docker API server, the console, later compose and clusters) uses only this interface;
 * access control and audit are decorators of it; a remote engine is the same interface over another Docker API
 * endpoint. It is cut into slices by noun, so that each user takes only what it needs.
 *
 * Conventions
 * - A container, image or network is named by full ID, unambiguous ID prefix, or name (with or without a leading `/`).
 * - Methods reject with an EngineError; its `code` tells the kind (engine/errors.ts).
 * - Endless work takes an AbortSignal and ends quietly (iterator done, stream destroyed) when it fires.
 * - Byte streams follow Docker's raw stream: with a TTY plain bytes, without one frames of
 *   `[u8 type (1 stdout, 2 stderr), 0, 0, 0, u32be length]` + payload.
 */
import type { BuildEngine } from './contract/builds.ts'
import type { ContainerEngine } from './contract/containers.ts'
import type { DistributionEngine } from './contract/distribution.ts'
import type { ExecEngine } from './contract/execs.ts'
import type { FileEngine } from './contract/files.ts'
import type { ImageEngine } from './contract/images.ts'
import type { NetworkEngine } from './contract/networks.ts'
import type { RegistryEngine } from './contract/registry.ts'
import type { SystemEngine } from './contract/system.ts'
import type { VolumeEngine } from './contract/volumes.ts'

/** What opened an engine wants closed. */
export interface Engine {
  readonly system: SystemEngine
  readonly containers: ContainerEngine
  readonly files: FileEngine
  readonly execs: ExecEngine
  readonly images: ImageEngine
  readonly builds: BuildEngine
  readonly networks: NetworkEngine
  readonly volumes: VolumeEngine
  readonly registry: RegistryEngine
  readonly distribution: DistributionEngine
  /**
   * The same engine on somebody's behalf: what is made or caused through it carries the caller's name (inspect's
   * `Gantry.CreatedBy`, the events' `gantry.by`). Cheap to make; not to be closed by itself. Every door of the engine
   * goes through it; access control and audit are decorators that know their caller by it.
   */
  as(caller: Caller): Engine
  /** Lets go of everything held in this process. Containers keep running. */
  close(): Promise<void>
}

/** Who asks: by which door somebody came, or why the engine acts by itself. */
export type Caller =
  | {
      kind: 'socket'
      /** By the host's passwd, else the number. */
      name: string
      /** Of the process at the other end, by the kernel's word when it connected. */
      uid: number
      gid: number
      pid: number
      /** What that process calls itself: a hint. */
      command: string
    }
  | { kind: 'console'; name: string; userId: string }
  | { kind: 'system'; reason: string }
