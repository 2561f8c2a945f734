import { createReadStream } from 'node:fs'
import fs from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { attempt } from '../attempt.ts'
import { asCaller, currentCaller, system } from '../caller.ts'
import type { RegistryDiskUsage } from '../contract/system.ts'
import type {
  RegistryCondition,
  RegistryEngine,
  RegistryImage,
  RegistryManifest,
  RegistryNames,
  RegistryPage,
  RegistryPlan,
  RegistryPush,
  RegistryReferrer,
  RegistrySettings,
  RegistryUsage,
} from '../contract/registry.ts'
import type { ImageStore } from '../images/store.ts'
import { MAX_DOCUMENT_BYTES } from '../oci/manifest.ts'
import { algorithmOf, digestOf } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'
import { describeImage } from '../registry/describe.ts'
import { isMissing } from '../store/documents.ts'
import { failedPart } from './conditions.ts'
import { checkDigest, checkName, checkTag, parseTarget } from './names.ts'
import { checkParts } from './parts.ts'
import { readPushedManifest } from './pushed-manifest.ts'
import type { Part } from './pushed-manifest.ts'
import { Quota } from './quota.ts'
import { refuse, unmet } from './refusal.ts'
import type { ManifestRecord, Repository, RepositoryState } from './repository.ts'
import type { RepositoryTable } from './repository-table.ts'
import { imageAt, timeOfPush, userOf } from './records.ts'
import { parseSettings } from './settings.ts'
import type { SettingsDocument } from './settings.ts'
import { dropUnpacked, isUnsettled, settleTag } from './settle.ts'
import { nameAt } from './take-in.ts'
import { letGo, removeTag, tidyRepository } from './tidy.ts'
import type { Uploads } from './uploads.ts'
import { planOf, usageOf } from './usage.ts'

const TIDY_MS = 10 * 60_000
/** A host may be reached by several names; somebody who makes them up is not followed. */
const MAX_DOMAINS = 16

type Warn = (message: string, error?: unknown) => void

export interface RegistryParts {
  store: ImageStore
  repositories: RepositoryTable
  settings: SettingsDocument
  uploads: Uploads
  /** Digests of blobs that something else than the registry names: images, the build cache. */
  neededElsewhere: () => Iterable<string>
  warn: Warn
}

/** The registry of this engine, out of its own store. */
export class LocalRegistry implements RegistryEngine {
  readonly #store: ImageStore
  readonly #repositories: RepositoryTable
  readonly #warn: Warn
  readonly #uploads: Uploads
  readonly #settings: SettingsDocument
  readonly #quota: Quota
  readonly #neededElsewhere: () => Iterable<string>
  readonly #timer: NodeJS.Timeout
  #closed = false
  /** What is done that nobody asked for. */
  #work: Promise<void> = Promise.resolve()

  private constructor(parts: RegistryParts) {
    const { neededElsewhere, repositories, settings, store, uploads, warn } = parts
    this.#neededElsewhere = neededElsewhere
    this.#store = store
    this.#repositories = repositories
    this.#settings = settings
    this.#warn = warn
    this.#uploads = uploads
    this.#quota = new Quota({ repositories, settings, uploads, blobs: store.blobs })
    this.#timer = setInterval(() => {
      this.#inBackground(async () => {
        await this.#uploads.sweep()
        await this.collectGarbage()
      })
    }, TIDY_MS)
    this.#timer.unref()
  }

  /** Goes on in the background with what a killed engine had not taken in as images yet. */
  static open(parts: RegistryParts): LocalRegistry {
    const registry = new LocalRegistry(parts)
    registry.#inBackground(() => registry.#settleAll())
    return registry
  }

  repositories(page: RegistryPage = {}): Promise<RegistryNames> {
    const names = this.#repositories
      .all()
      .filter(({ state }) => state.manifests.size > 0)
      .map(({ name }) => name)
    return Promise.resolve(pageOf(names, page))
  }

  async tags(repository: string, page: RegistryPage = {}): Promise<RegistryNames> {
    const { state } = await this.#get(repository)
    return pageOf([...state.tags.keys()], page)
  }

  async manifest(
    repository: string,
    reference: string,
    options: { isToStay?: boolean } = {},
  ): Promise<RegistryManifest> {
    const from = await this.#get(repository)
    const { digest, mediaType } = this.#find(from, reference)
    if (options.isToStay === true && digest === reference) from.touchManifest(digest)
    return { digest, mediaType, content: await this.#store.blobs.read(digest) }
  }

  async putManifest(
    repository: string,
    reference: string,
    { condition = {}, content, domain, mediaType, tags: more = [] }: RegistryPush,
  ): Promise<{ digest: string; subject?: string }> {
    const target = parseTarget(reference)
    const tags = new Set([...('tag' in target ? [target.tag] : []), ...more.map(checkTag)])
    if (content.length > MAX_DOCUMENT_BYTES)
      throw refuse('SIZE_INVALID', `a manifest may have ${MAX_DOCUMENT_BYTES} bytes`)
    const algorithm = 'digest' in target ? algorithmOf(target.digest) : 'sha256'
    const digest = digestOf(content, algorithm)
    if ('digest' in target && target.digest !== digest)
      throw refuse('DIGEST_INVALID', `the manifest that was sent has the digest ${digest}`)
    const { blobs, manifests, ...about } = readPushedManifest(content, mediaType)
    const into = this.#repositories.make(repository)
    const store = this.#store
    const before = new Map<string, Digest>()
    await store.leased(async (lease) => {
      lease.blobs.add(digest)
      await store.blobs.write(content, algorithm)
      await syncFile(store.blobs.pathOf(digest))
      await store.keeping(() =>
        into.change((state) => {
          checkCondition(condition, digestAt(state, target))
          checkParts(into, state, { blobs, manifests }, (part) =>
            store.blobs.has(part) ? this.#quota.sizeOf(part) : undefined,
          )
          const back = blobs.filter((each) => into.keptBack.has(each.digest))
          this.#quota.check(repository, [{ digest, size: content.length }, ...back])
          into.takeBack(back.map(digestIn))
          const now = { pushedAt: timeOfPush(state), pushedBy: currentCaller() }
          const image = state.manifests.get(digest)?.image
          if (state.domains.size < MAX_DOMAINS && nameAt(domain, repository, { digest }))
            state.domains.add(domain)
          state.manifests.set(digest, {
            ...about,
            blobs: blobs.map(digestIn),
            manifests: manifests.map(digestIn),
            digest,
            size: content.length,
            ...now,
            ...(image === undefined ? {} : { image }),
          })
          for (const tag of tags) {
            const image = imageAt(into, tag)
            if (image) before.set(tag, image)
            state.tags.set(tag, { tag, digest, ...now, unsettled: true })
          }
        }),
      )
    })
    if (tags.size > 0) {
      for (const tag of tags)
        await settleTag({ store, warn: this.#warn }, into, tag, before.get(tag))
      dropUnpacked(store, into.state, digest)
      if ((await this.#tidy(into)).length > 0) await store.collect()
    }
    return { digest, ...(about.subject === undefined ? {} : { subject: about.subject }) }
  }

  async deleteManifest(
    repository: string,
    reference: string,
    condition: RegistryCondition = {},
  ): Promise<void> {
    const from = await this.#get(repository)
    const { digest } = this.#find(from, reference)
    const target = parseTarget(reference)
    const { record, tags } = await from.change((state) => {
      checkCondition(condition, digestAt(state, target))
      return remove(state, target, digest)
    })
    await letGo(this.#store, from, {
      tags: tags.map((tag) => [tag, record]),
      manifests: 'digest' in target ? [record] : [],
    })
    await this.#store.collect()
  }

  async removeTag(repository: string, tag: string): Promise<{ removed: string[] }> {
    const removed = await removeTag(this.#store, await this.#get(repository), tag)
    await this.#store.collect()
    return { removed }
  }

  async referrers(
    repository: string,
    digest: string,
    artifactType?: string,
  ): Promise<RegistryReferrer[]> {
    checkDigest(digest)
    const { state } = await this.#get(repository)
    return [...state.manifests.values()]
      .filter((each) => each.subject === digest)
      .filter((each) => artifactType === undefined || each.artifactType === artifactType)
      .map((each) => ({
        mediaType: each.mediaType,
        digest: each.digest,
        size: each.size,
        ...(each.artifactType === undefined ? {} : { artifactType: each.artifactType }),
        ...(each.annotations === undefined ? {} : { annotations: each.annotations }),
      }))
  }

  async statBlob(
    repository: string,
    digest: string,
    options: { isToStay?: boolean } = {},
  ): Promise<{ size: number }> {
    const { file, from } = await this.#blobIn(repository, digest)
    if (options.isToStay === true) from.touch(digest)
    return { size: (await whileThere(() => fs.stat(file), digest)).size }
  }

  async readBlob(
    repository: string,
    digest: string,
    range?: { start: number; end: number },
  ): Promise<Readable> {
    const { file } = await this.#blobIn(repository, digest)
    // open before it returns: a deletion afterwards does not disturb whoever reads
    const handle = await whileThere(() => fs.open(file, 'r'), digest)
    return createReadStream('', { fd: handle, highWaterMark: 1 << 18, ...range })
  }

  async deleteBlob(repository: string, digest: string): Promise<void> {
    const { from } = await this.#blobIn(repository, digest)
    if (!(await from.unlink(digest, () => userOf(from.state, digest) === undefined)))
      throw inUse(userOf(from.state, digest))
    await this.#store.collect()
  }

  async mountBlob(repository: string, digest: string, from?: string): Promise<boolean> {
    checkName(repository)
    checkDigest(digest)
    const hasIt = (each: Repository): boolean => each.blobs.has(digest)
    return await this.#store.keeping(async () => {
      const sources =
        from === undefined
          ? this.#repositories.all()
          : [this.#repositories.find(from)].filter((each) => each !== undefined)
      if (!sources.some(hasIt) || !this.#store.blobs.has(digest)) return false
      this.#quota.check(repository, [{ digest, size: this.#quota.sizeOf(digest) }])
      await this.#repositories.make(repository).link(digest)
      return true
    })
  }

  async beginUpload(repository: string): Promise<string> {
    checkName(repository)
    this.#quota.admit(repository, 1)
    return await this.#uploads.begin(repository)
  }

  uploadSize(repository: string, upload: string): Promise<number> {
    return attempt(() => this.#uploads.sizeOf(repository, upload))
  }

  async appendUpload(
    repository: string,
    upload: string,
    body: Readable,
    range?: { start: number; end: number },
  ): Promise<number> {
    let refusal: unknown
    const accept = (bytes: number): void => {
      try {
        this.#quota.admit(repository, bytes)
      } catch (error) {
        refusal = error
        throw error
      }
    }
    try {
      return await this.#uploads.append(repository, upload, body, { range, accept })
    } catch (error) {
      // its client gives up, and what had come of it would take from the quota until it is swept
      if (refusal !== undefined)
        await this.#uploads.cancel(repository, upload).catch(() => undefined)
      throw error
    }
  }

  async finishUpload(repository: string, upload: string, digest: string): Promise<void> {
    checkDigest(digest)
    const { blobs } = this.#store
    await this.#store.leased(async (lease) => {
      lease.blobs.add(digest)
      await this.#uploads.finish(repository, upload, digest, async (file) => {
        // somebody else's push, or a pull, may have brought it meanwhile
        const isNew = !blobs.has(digest)
        if (isNew) await blobs.adopt(file, digest)
        await this.#store.keeping(async () => {
          // its bytes count as an upload's until this has ended
          this.#quota.check(repository, [{ digest, size: 0 }])
          await this.#repositories.make(repository).link(digest)
        })
        // a manifest that makes it a layer is likely to come; meanwhile others are received
        if (isNew) this.#store.layers.ahead.begin(blobs.pathOf(digest))
      })
    })
  }

  async cancelUpload(repository: string, upload: string): Promise<void> {
    await this.#uploads.cancel(repository, upload)
  }

  settings(): Promise<RegistrySettings> {
    return Promise.resolve(structuredClone(this.#settings.current) as RegistrySettings)
  }

  async setSettings(settings: RegistrySettings): Promise<void> {
    await this.#settings.replace(settings)
  }

  async collectGarbage(): Promise<{ removed: string[] }> {
    const removed: string[] = []
    for (const repository of this.#repositories.all()) {
      if (this.#closed) break
      removed.push(...(await this.#tidy(repository)))
    }
    await this.#store.collect()
    return { removed }
  }

  async planCollection(settings?: RegistrySettings): Promise<RegistryPlan> {
    const wanted = settings === undefined ? this.#settings.current : parseSettings(settings)
    const { bytes, manifests, tags } = this.#plan(wanted)
    return await Promise.resolve({ tags, manifests, bytes })
  }

  usage(): Promise<RegistryUsage> {
    const elsewhere = new Set(this.#neededElsewhere())
    const { current } = this.#settings
    return Promise.resolve(usageOf(this.#repositories.all(), current, this.#quota, elsewhere))
  }

  /** For `GET /system/df`. */
  diskUsage(): RegistryDiskUsage {
    const elsewhere = new Set(this.#neededElsewhere())
    const { current } = this.#settings
    const usage = usageOf(this.#repositories.all(), current, this.#quota, elsewhere)
    const going = [...this.#plan(current).content].filter((digest) => !elsewhere.has(digest))
    return {
      TotalCount: usage.repositories.length,
      TotalSize: usage.onlyHere.bytes,
      Reclaimable: this.#quota.bytesOf(new Set(going)),
    }
  }

  async describe(repository: string, reference: string): Promise<RegistryImage> {
    const blob = async (digest: string): Promise<Buffer> => {
      await this.#blobIn(repository, digest)
      return await this.#store.blobs.read(digest)
    }
    const manifest = (wanted: string): Promise<RegistryManifest> =>
      this.manifest(repository, wanted)
    return await describeImage({ manifest, blob }, reference)
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    await this.#work
    await this.#uploads.close()
  }

  #plan(settings: SettingsDocument['current']): ReturnType<typeof planOf> {
    const isUsed = (image: string): boolean => this.#store.users.of(image).length > 0
    return planOf(this.#repositories.all(), settings, this.#quota, isUsed)
  }

  /** @throws NAME_INVALID, NAME_UNKNOWN */
  #get(repository: string): Promise<Repository> {
    return attempt(() => this.#repositories.get(repository))
  }

  #find({ name, state }: Repository, reference: string): ManifestRecord {
    const digest = reference.includes(':')
      ? checkDigest(reference)
      : state.tags.get(reference)?.digest
    const found = digest === undefined ? undefined : state.manifests.get(digest)
    if (found && this.#store.blobs.has(found.digest)) return found
    throw refuse('MANIFEST_UNKNOWN', `no such manifest in ${name}`, { detail: { reference } })
  }

  async #blobIn(repository: string, digest: string): Promise<{ from: Repository; file: string }> {
    const from = await this.#get(repository)
    checkDigest(digest)
    if (!from.blobs.has(digest) || !this.#store.blobs.has(digest))
      throw refuse('BLOB_UNKNOWN', `no such blob in ${repository}`, { detail: { digest } })
    return { from, file: this.#store.blobs.pathOf(digest) }
  }

  async #tidy(repository: Repository): Promise<string[]> {
    return await tidyRepository(this.#store, this.#settings, repository)
  }

  #inBackground(work: () => Promise<void>): void {
    this.#work = this.#work
      .then(() => (this.#closed ? undefined : asCaller(system('registry'), work)))
      .catch((error: unknown) => {
        this.#warn('the registry could not be tidied', error)
      })
  }

  async #settleAll(): Promise<void> {
    for (const repository of this.#repositories.all()) {
      for (const tag of repository.state.tags.keys()) {
        if (this.#closed) return
        if (!isUnsettled(repository, tag)) continue
        await settleTag({ store: this.#store, warn: this.#warn }, repository, tag).catch(
          (error: unknown) => {
            this.#warn(`${repository.name}:${tag} could not be made an image of the engine`, error)
          },
        )
      }
    }
  }
}

type Target = ReturnType<typeof parseTarget>

function digestIn({ digest }: Part): Digest {
  return digest
}

/** Of the manifest that is there under a tag or by its digest. */
function digestAt({ manifests, tags }: RepositoryState, target: Target): string | undefined {
  if ('tag' in target) return tags.get(target.tag)?.digest
  return manifests.get(target.digest)?.digest
}

/** @throws DENIED, told as 412 */
function checkCondition(condition: RegistryCondition, digest: string | undefined): void {
  if (failedPart(condition, digest) === undefined) return
  throw unmet(digest)
}

/** @throws MANIFEST_UNKNOWN, UNSUPPORTED */
function remove(
  state: RepositoryState,
  target: Target,
  digest: Digest,
): { record: ManifestRecord; tags: string[] } {
  const record = state.manifests.get(digest)
  const tags = [...state.tags.values()]
    .filter((each) => each.digest === digest && (!('tag' in target) || each.tag === target.tag))
    .map(({ tag }) => tag)
  // deleted by somebody else, or moved, since it was looked up
  if (!record || ('tag' in target && tags.length === 0))
    throw refuse('MANIFEST_UNKNOWN', 'no such manifest')
  for (const tag of tags) state.tags.delete(tag)
  if ('digest' in target) {
    const user = userOf(state, digest)
    if (user !== undefined) throw inUse(user)
    state.manifests.delete(digest)
  }
  return { record, tags }
}

function inUse(user: string | undefined): Error {
  return refuse('UNSUPPORTED', `the manifest ${user ?? ''} needs it: delete that first`)
}

/** It may be deleted since it was looked up. @throws BLOB_UNKNOWN */
async function whileThere<T>(work: () => Promise<T>, digest: string): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isMissing(error)) throw error
    throw refuse('BLOB_UNKNOWN', 'the blob has just been deleted', { detail: { digest } })
  }
}

/** A page of names, in the order of their bytes. */
function pageOf(names: string[], { after, count }: RegistryPage): RegistryNames {
  const sorted = names.sort(byBytes).filter((name) => after === undefined || name > after)
  const page = sorted.slice(0, count ?? sorted.length)
  return { names: page, hasMore: page.length < sorted.length }
}

function byBytes(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

/** Its bytes on the disk, whatever happens. */
async function syncFile(file: string): Promise<void> {
  const handle = await fs.open(file, 'r+')
  try {
    await handle.datasync()
  } finally {
    await handle.close()
  }
}
