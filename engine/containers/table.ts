import path from 'node:path'
import { ConflictError, InvalidParameterError, NotFoundError } from '../errors.ts'
import type { Instance } from '../instance.ts'
import { Container } from './container.ts'
import type { ContainerDocument, ContainerState } from './document.ts'

/** All containers of this engine, by ID and by name. A name is taken from the moment it is reserved. */
export class ContainerTable {
  readonly #byId = new Map<string, Container>()
  readonly #idByName = new Map<string, string>()
  readonly #instance: Instance

  constructor(instance: Instance) {
    this.#instance = instance
  }

  all(): Container[] {
    return [...this.#byId.values()]
  }

  dirOf(id: string): string {
    return path.join(this.#instance.dataRoot, 'containers', id)
  }

  runDirOf(id: string): string {
    return path.join(this.#instance.runRoot, 'c', id)
  }

  isNameTaken(name: string): boolean {
    return this.#idByName.has(name)
  }

  /** @throws CONFLICT in Docker's words */
  reserveName(name: string, id: string): void {
    const holder = this.#idByName.get(name)
    if (holder !== undefined && holder !== id) {
      throw new ConflictError(
        `Conflict. The container name "/${name}" is already in use by container "${holder}". You have to remove (or rename) that container to be able to reuse that name.`,
      )
    }
    this.#idByName.set(name, id)
  }

  releaseName(name: string, id: string): void {
    if (this.#idByName.get(name) === id) this.#idByName.delete(name)
  }

  /** Takes a container in whose name is reserved already. */
  add(document: ContainerDocument, state: ContainerState): Container {
    const container = new Container(
      document,
      state,
      this.dirOf(document.id),
      this.runDirOf(document.id),
    )
    this.#byId.set(document.id, container)
    return container
  }

  delete(container: Container): void {
    this.#byId.delete(container.id)
    this.releaseName(container.name, container.id)
  }

  /** By full ID, name, or ID prefix; undefined when there is none or the prefix means several. */
  find(nameOrId: string): Container | undefined {
    try {
      return this.get(nameOrId)
    } catch {
      // not there, or not clear: to who only asks, the same
      return undefined
    }
  }

  /** By the name that another container's link gives it: `that/alias`. */
  #linked(name: string): Container | undefined {
    const at = name.lastIndexOf('/')
    const parent = at === -1 ? undefined : this.find(name.slice(0, at))
    const link = parent?.document.hostConfig.Links?.find(
      (candidate) => candidate.split(':')[1] === name.slice(at + 1),
    )
    return this.#byId.get(link?.split(':')[0] ?? '')
  }

  /** @throws NOT_FOUND, or INVALID_PARAMETER when an ID prefix means several */
  get(nameOrId: string): Container {
    const exact =
      this.#byId.get(nameOrId) ??
      this.#byId.get(this.#idByName.get(nameOrId.replace(/^\//, '')) ?? '') ??
      this.#linked(nameOrId.replace(/^\//, ''))
    if (exact) return exact
    if (/^[0-9a-f]{1,63}$/.test(nameOrId)) {
      const matches = this.all().filter((container) => container.id.startsWith(nameOrId))
      if (matches.length > 1)
        throw new InvalidParameterError(`Multiple IDs found with provided prefix: ${nameOrId}`)
      if (matches[0]) return matches[0]
    }
    throw new NotFoundError(`No such container: ${nameOrId}`)
  }
}
