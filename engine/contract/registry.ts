/** The registry that an engine is, out of its own store. @see engine/contract.ts for the conventions */
import type { Readable } from 'node:stream'

/**
 * The registry that an engine is: what is pushed to it lies in the engine's own store, and an image that is tagged
 * there is an image of the engine. A `reference` is a tag or a digest. Failures are `RegistryRefusal`s with the
 * specification's codes (registry-server/refusal.ts).
 *
 * @see distribution-spec 1.1
 */
export interface RegistryEngine {
  /** Names of repositories that have something in them, sorted. */
  repositories(page?: RegistryPage): Promise<RegistryNames>
  /** @throws NAME_UNKNOWN */
  tags(repository: string, page?: RegistryPage): Promise<RegistryNames>
  /**
   * Byte for byte as pushed.
   *
   * @param options.isToStay who asks by digest is likely to push an index that names it: for some minutes no rule takes it
   * @throws NAME_UNKNOWN, MANIFEST_UNKNOWN
   */
  manifest(
    repository: string,
    reference: string,
    options?: { isToStay?: boolean },
  ): Promise<RegistryManifest>
  /**
   * Takes a manifest whose blobs are in the repository. Returns once it would survive a power cut and, under a tag, is
   * an image of the engine where it can be one.
   *
   * @throws MANIFEST_INVALID, MANIFEST_BLOB_UNKNOWN, DIGEST_INVALID; SIZE_INVALID when it says another size of a part than
   * that has; DENIED when its condition does not hold
   */
  putManifest(
    repository: string,
    reference: string,
    manifest: RegistryPush,
  ): Promise<{ digest: string; subject?: string }>
  /**
   * By digest with its tags, by tag the tag alone.
   *
   * @throws UNSUPPORTED for a manifest that an index here needs; DENIED when the condition does not hold
   */
  deleteManifest(
    repository: string,
    reference: string,
    condition?: RegistryCondition,
  ): Promise<void>
  /**
   * Takes a tag away with all that nothing else here needs: its manifest, an index's parts, and what is about them. What a
   * container stands on stays.
   *
   * @returns as collectGarbage
   * @throws NAME_UNKNOWN, MANIFEST_UNKNOWN
   */
  removeTag(repository: string, tag: string): Promise<{ removed: string[] }>
  /** Manifests that are about another, which need not be there. @throws NAME_UNKNOWN */
  referrers(repository: string, digest: string, artifactType?: string): Promise<RegistryReferrer[]>
  /**
   * @param options.isToStay who asks is likely to leave it out of a push because it is here: for some minutes a manifest
   * may name it even if it is deleted with the last one that did
   * @throws NAME_UNKNOWN, BLOB_UNKNOWN
   */
  statBlob(
    repository: string,
    digest: string,
    options?: { isToStay?: boolean },
  ): Promise<{ size: number }>
  /** The range gives its first and its last byte. */
  readBlob(
    repository: string,
    digest: string,
    range?: { start: number; end: number },
  ): Promise<Readable>
  /** @throws UNSUPPORTED for one that a manifest here needs */
  deleteBlob(repository: string, digest: string): Promise<void>
  /**
   * Takes a blob over from another repository, from any when none is named.
   *
   * @returns false when there is none
   */
  mountBlob(repository: string, digest: string, from?: string): Promise<boolean>
  /** @returns the upload's ID */
  beginUpload(repository: string): Promise<string>
  /** Bytes received. @throws BLOB_UPLOAD_UNKNOWN */
  uploadSize(repository: string, upload: string): Promise<number>
  /**
   * Takes the next bytes of an upload; what came before a client broke off counts. The range is their first and last
   * place in the blob, where the client tells it.
   *
   * @returns bytes received in all
   * @throws BLOB_UPLOAD_INVALID when they do not follow what is there, SIZE_INVALID
   */
  appendUpload(
    repository: string,
    upload: string,
    body: Readable,
    range?: { start: number; end: number },
  ): Promise<number>
  /** Makes it a blob of the repository. @throws DIGEST_INVALID, which ends it, too */
  finishUpload(repository: string, upload: string, digest: string): Promise<void>
  cancelUpload(repository: string, upload: string): Promise<void>
  settings(): Promise<RegistrySettings>
  /** In force at the next push to a repository, and within minutes everywhere. @throws INVALID_PARAMETER */
  setSettings(settings: RegistrySettings): Promise<void>
  /**
   * Applies the rules of retention everywhere, and lets go of blobs that pushes left behind a day ago or earlier. Never
   * takes what a container needs.
   *
   * @returns `repository:tag` and `repository@digest` of what went
   */
  collectGarbage(): Promise<{ removed: string[] }>
  /**
   * What `collectGarbage` would take now, under these settings or the ones in force; nothing is changed.
   *
   * @throws INVALID_PARAMETER
   */
  planCollection(settings?: RegistrySettings): Promise<RegistryPlan>
  usage(): Promise<RegistryUsage>
  /** @throws NAME_UNKNOWN, MANIFEST_UNKNOWN */
  describe(repository: string, reference: string): Promise<RegistryImage>
}

export interface RegistryPlan {
  tags: { repository: string; tag: string; digest: string; pushedAt: string }[]
  manifests: { repository: string; digest: string; pushedAt: string }[]
  /** That the registry would no longer need; an image of the engine may still. */
  bytes: number
}

/** What the registry holds; content that several repositories name counts in each, and once in the whole. */
export interface RegistryUsage {
  /** By name. */
  repositories: {
    name: string
    tags: number
    manifests: number
    bytes: number
    /** Of the last push, RFC 3339. */
    pushedAt: string
  }[]
  bytes: number
  /** Of these, those that neither an image of the engine nor the build cache needs. */
  onlyHere: { blobs: number; bytes: number }
  /** `used` is what the namespace holds, with what is being uploaded to it. */
  quotas: (RegistryQuota & { used: number })[]
}

/** What a tag or digest names. */
export interface RegistryImage {
  digest: string
  mediaType: string
  /** `other`: an artifact that is no image. */
  kind: 'image' | 'index' | 'other'
  /** `os/arch[/variant]` */
  platforms: string[]
  /** That `size` and `created` are of: this machine's where there is one; '' for none. */
  platform: string
  /** Bytes to download: config and layers; null when not known. */
  size: number | null
  /** RFC 3339; null when it does not say. */
  created: string | null
  artifactType?: string
}

/** What the registry deletes by itself, and how much it takes. Patterns are Go's path.Match, with `**` across slashes. */
export interface RegistrySettings {
  /** Manifests go that no tag, index or container needs for so many days after their push; null: they stay. */
  untaggedDays?: number | null
  retention?: RegistryRetention[]
  quotas?: RegistryQuota[]
}

/** Of the tags meant, those go that are neither among the last ones pushed nor younger than said. */
export interface RegistryRetention {
  repositories: string
  /** All unless set. */
  tags?: string
  /** Tags that are neither counted nor taken. */
  except?: string[]
  keepLast?: number
  olderThanDays?: number
}

/** For the repository of this name and all below it together; what several of them share counts once. */
export interface RegistryQuota {
  namespace: string
  bytes: number
}

export interface RegistryPage {
  /** At most so many. */
  count?: number
  /** Those that sort behind this one. */
  after?: string
}

export interface RegistryNames {
  names: string[]
  /** There are others behind them. */
  hasMore: boolean
}

export interface RegistryManifest {
  digest: string
  mediaType: string
  content: Buffer
}

/** A descriptor. @see image-spec descriptor.md */
export interface RegistryReferrer {
  mediaType: string
  digest: string
  size: number
  artifactType?: string
  annotations?: Record<string, string>
}

export interface RegistryPush {
  content: Buffer
  mediaType: string
  /** `host[:port]` by which the client reached the registry: the engine's image is named by it. */
  domain: string
  /** That are to name it as well as the reference, all at once. */
  tags?: string[]
  condition?: RegistryCondition
}

/**
 * What is to be so of the manifest that a reference names, or nothing is done: that its digest is one of these, or none of
 * these; `*`: that there is one, or none.
 */
export interface RegistryCondition {
  match?: '*' | string[]
  noneMatch?: '*' | string[]
}
