import type { RegistryCredentials } from '../contract/common.ts'
import type { DistributionEngine, RemoteRepository } from '../contract/distribution.ts'
import type { RegistryImage } from '../contract/registry.ts'
import { NotImplementedError } from '../errors.ts'
import { isIndex } from '../oci/media-types.ts'
import { formatPlatform } from '../oci/platform.ts'
import type { Platform } from '../oci/platform.ts'
import type { RemoteImages } from './images.ts'

/**
 * Of registries that another engine reaches, the Docker API tells what a name stands for, and nothing else: not what there is, nor
 * how the engine reaches it.
 */
export class RemoteDistribution implements DistributionEngine {
  readonly #url: string
  readonly #images: RemoteImages

  constructor(url: string, images: RemoteImages) {
    this.#url = url
    this.#images = images
  }

  readonly check = this.#absent('tries no registries')
  readonly access = this.#absent('does not tell how it reaches registries')
  readonly setAuthorities = this.#absent('takes no certificates')
  readonly catalog = this.#absent('does not list the repositories of registries')
  readonly tags = this.#absent('does not list the tags of repositories')
  readonly deleteManifest = this.#absent('deletes nothing from registries')

  /** @see GET /distribution/{name}/json, which says neither the size nor the age */
  async describe(
    { host, name }: RemoteRepository,
    reference: string,
    options: { auth?: RegistryCredentials } = {},
    signal?: AbortSignal,
  ): Promise<RegistryImage> {
    const full = `${host}/${name}${reference.includes(':') ? '@' : ':'}${reference}`
    const { Descriptor, Platforms } = await this.#images.distribution(full, options, signal)
    const { digest = '', mediaType = '' } = Descriptor
    // the reference has the type without its fields
    const platforms = (Platforms as Partial<Platform>[]).flatMap(({ architecture, os, variant }) =>
      os && architecture ? [formatPlatform({ os, architecture, variant })] : [],
    )
    return {
      digest,
      mediaType,
      kind: isIndex(mediaType) ? 'index' : 'image',
      platforms,
      platform: platforms[0] ?? '',
      size: null,
      created: null,
    }
  }

  #absent(what: string): () => Promise<never> {
    return () =>
      Promise.reject(
        new NotImplementedError(
          `the engine at ${this.#url} ${what}: its Docker API has no call for it`,
        ),
      )
  }
}
