/** What the layers of an image hold. @see engine/contract.ts for the conventions */

/** Layers bottom first. Everything but directories counts as a file. */
export interface ImageLayers {
  /** `sha256:…` of the image. */
  id: string
  /** Of all layers unpacked. */
  sizeBytes: number
  /** Of files that are in a layer, though a later one overwrote or removed them. */
  wastedBytes: number
  /** The largest of these. */
  wasted: WastedFile[]
  layers: ImageLayerSummary[]
}

export interface ImageLayerSummary {
  chainId: string
  diffId: string
  /** The history's words for what made it; empty when it has none. */
  instruction: string
  /** RFC 3339; empty when unknown. */
  created: string
  /** Unpacked. */
  sizeBytes: number
  /** Of its archive as it is kept, maybe compressed. */
  archiveBytes: number
  added: number
  modified: number
  removed: number
  /** Of its files, those that later layers overwrote or removed. */
  wastedBytes: number
}

export interface WastedFile {
  path: string
  sizeBytes: number
  /** Number of the layer that has it, and of the one that overwrote or removed it. */
  layer: number
  hiddenBy: number
}

/** At most 1000 at a time. */
export interface LayerPage {
  offset?: number
  limit?: number
}

export interface LayerDirectoryListing {
  /** Directories first, in the order of names. */
  files: LayerFile[]
  total: number
}

export interface LayerFile {
  /** Text; bytes that are no UTF-8 are U+FFFD. */
  name: string
  kind: 'directory' | 'file' | 'link' | 'special'
  /** Of a directory, modified: the layer has it and those below have it too. */
  mark: 'added' | 'modified' | 'removed'
  /** Of a regular file; of one that is removed, what it had. */
  sizeBytes: number
  /** Permission bits, `0o7777` at most. */
  mode: number
  uid: number
  gid: number
  /** Seconds since the epoch. */
  modified: number
  hardLinks: number
  linkTarget?: string
  /** Of what it takes the place of, where that is no directory. */
  previousBytes?: number
  /** Of a directory: changes in it and below, in files and their bytes. */
  within?: {
    added: number
    modified: number
    removed: number
    sizeBytes: number
    hiddenBytes: number
  }
}
