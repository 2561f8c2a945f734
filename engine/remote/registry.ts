import type { RegistryEngine } from '../contract/registry.ts'
import { NotImplementedError } from '../errors.ts'

/** The Docker API has no door to a registry: one is asked at its own address. */
export class RemoteRegistry implements RegistryEngine {
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  readonly repositories = this.#absent
  readonly tags = this.#absent
  readonly manifest = this.#absent
  readonly putManifest = this.#absent
  readonly deleteManifest = this.#absent
  readonly removeTag = this.#absent
  readonly referrers = this.#absent
  readonly statBlob = this.#absent
  readonly readBlob = this.#absent
  readonly deleteBlob = this.#absent
  readonly mountBlob = this.#absent
  readonly beginUpload = this.#absent
  readonly uploadSize = this.#absent
  readonly appendUpload = this.#absent
  readonly finishUpload = this.#absent
  readonly cancelUpload = this.#absent
  readonly settings = this.#absent
  readonly setSettings = this.#absent
  readonly collectGarbage = this.#absent
  readonly planCollection = this.#absent
  readonly usage = this.#absent
  readonly describe = this.#absent

  get #absent(): () => Promise<never> {
    return () =>
      Promise.reject(
        new NotImplementedError(
          `the engine at ${this.#url} offers no registry by its Docker API: use its registry's own address`,
        ),
      )
  }
}
