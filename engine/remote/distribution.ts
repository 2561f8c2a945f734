import type { DistributionEngine } from '../contract/distribution.ts'
import { NotImplementedError } from '../errors.ts'

/** The Docker API has no door to what another engine's registries hold. */
export class RemoteDistribution implements DistributionEngine {
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  readonly check = this.#absent
  readonly access = this.#absent
  readonly setAuthorities = this.#absent
  readonly catalog = this.#absent
  readonly tags = this.#absent
  readonly describe = this.#absent
  readonly deleteManifest = this.#absent

  get #absent(): () => Promise<never> {
    return () =>
      Promise.reject(
        new NotImplementedError(
          `the engine at ${this.#url} does not look through registries by its Docker API`,
        ),
      )
  }
}
