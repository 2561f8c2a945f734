import path from 'node:path'
import { checkName } from './names.ts'
import { refuse } from './refusal.ts'
import { loadRepositories, Repository } from './repository.ts'

/** Every repository of the registry; read before the store opens, which keeps what they name. */
export class RepositoryTable {
  readonly #root: string
  #repositories = new Map<string, Repository>()
  #generation = 0
  readonly #changed = (): void => {
    this.#generation++
  }

  private constructor(root: string) {
    this.#root = root
  }

  static async open(
    dataRoot: string,
    warn: (message: string, error?: unknown) => void,
  ): Promise<RepositoryTable> {
    const root = path.join(dataRoot, 'registry')
    const table = new RepositoryTable(root)
    table.#repositories = await loadRepositories(root, table.#changed, warn)
    return table
  }

  /** Another number whenever a repository has come to name other content than before. */
  get generation(): number {
    return this.#generation
  }

  /** Every blob and manifest that a repository names, or may come to name. */
  *kept(): Generator<{ blob: { digest: string } }> {
    for (const { blobs, keptBack, state } of this.#repositories.values()) {
      for (const digest of blobs.keys()) yield { blob: { digest } }
      for (const digest of keptBack.keys()) yield { blob: { digest } }
      for (const digest of state.manifests.keys()) yield { blob: { digest } }
    }
  }

  all(): Repository[] {
    return [...this.#repositories.values()]
  }

  find(name: string): Repository | undefined {
    return this.#repositories.get(name)
  }

  /** @throws NAME_INVALID, NAME_UNKNOWN */
  get(name: string): Repository {
    const repository = this.find(checkName(name))
    if (repository && !repository.isEmpty) return repository
    throw refuse('NAME_UNKNOWN', `no such repository: ${name}`)
  }

  /** The repository, from now on there. @throws NAME_INVALID */
  make(name: string): Repository {
    const known = this.#repositories.get(checkName(name))
    if (known) return known
    const made = new Repository(this.#root, name, this.#changed)
    this.#repositories.set(name, made)
    return made
  }
}
