/** What work in progress needs kept, though no document names it yet. */
export interface Lease {
  readonly blobs: Set<string>
  readonly layers: Set<string>
}

/** All that work in progress keeps from being collected. */
export class Leases {
  readonly #leases = new Set<Lease>()

  /** @param work given a lease that ends with it */
  async during<T>(work: (lease: Lease) => Promise<T>): Promise<T> {
    const lease: Lease = { blobs: new Set(), layers: new Set() }
    this.#leases.add(lease)
    try {
      return await work(lease)
    } finally {
      this.#leases.delete(lease)
    }
  }

  has(kind: keyof Lease, id: string): boolean {
    for (const lease of this.#leases) if (lease[kind].has(id)) return true
    return false
  }
}
