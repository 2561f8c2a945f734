import type { UnpackLimits } from '../limits.ts'
import type { Packed } from '../write-layer.ts'

/** What a layer is put together from, one after the other. */
export type ComposePart =
  { kind: 'directory'; path: string; mode: number; owner: Owner } | ({ kind: 'copy' } & CopyPart)

export interface CopyPart {
  /** Layers of the tree that is copied from, topmost first. */
  from: string[]
  /** Paths or patterns in it. Of a directory its contents are copied. */
  sources: string[]
  /** Files that are given by their content. */
  files: { name: string; content: string }[]
  /** Absolute; a slash at its end makes it a directory. */
  destination: string
  /** undefined: as in the source. */
  owner: { uid: number; gid: number } | undefined
  /** For `parseModeChange`. */
  chmod: string | undefined
  excludes: string[]
  /** Keep the paths of the sources, from a `/./` in them on. */
  parents: boolean
  /** Archives are unpacked. */
  unpack: boolean
  /** Do not look at what is below: links there are not followed, and directories are made anew. */
  link: boolean
  /** Other parts bring more to the same destination. */
  isOneOfSeveral: boolean
}

export interface ComposeJob {
  /** Trees below the layer, topmost first. */
  lower: string[]
  parts: ComposePart[]
  /** Nothing is younger than this, in seconds; what has no time of its own gets it. */
  epochSeconds: number | undefined
  /** Of each archive that is unpacked. */
  limits: UnpackLimits
  /** Where to, as PackJob has it; undefined: only the digest is wanted. */
  output: { blob: string; directory: string } | undefined
}

export interface Composed {
  /** Of all that the layer holds, but for times. */
  digest: string
  packed: Packed | undefined
}

export interface Owner {
  uid: number
  gid: number
}

/** A source's contents into the root, as they are. */
export function plainCopy(from: string[], source: string): CopyPart {
  return {
    from,
    sources: [source],
    files: [],
    destination: '/',
    owner: undefined,
    chmod: undefined,
    excludes: [],
    parents: false,
    unpack: false,
    link: false,
    isOneOfSeveral: false,
  }
}
