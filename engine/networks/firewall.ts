import { EngineError, errorMessage } from '../errors.ts'
import { ForwardChain } from './forward-chain.ts'
import type { Network } from './network.ts'
import { listNft, Nft, runOnce } from './nft.ts'
import {
  addPublication,
  deletePublication,
  renderNetworks,
  renderTable,
  type Publication,
} from './ruleset.ts'

/**
 * An instance's nftables table kept as the networks and published ports say. What is true is held here; when a change of
 * the table fails (somebody flushed it), the whole table is made anew from that.
 */
export class Firewall {
  readonly #table: string
  readonly #networks: () => readonly Network[]
  readonly #nft = new Nft()
  readonly #forward: ForwardChain
  readonly #publications = new Set<Publication>()
  /** Of networks that are being removed: a look at the host's chain is not to put them there again. */
  readonly #leaving = new Set<string>()
  readonly #warn: (message: string, error?: unknown) => void

  constructor(
    table: string,
    networks: () => readonly Network[],
    warn: (message: string, error?: unknown) => void,
  ) {
    this.#table = table
    this.#networks = networks
    this.#warn = warn
    this.#forward = new ForwardChain(this.#nft, warn)
  }

  /**
   * Brings the chains to the networks there are. Ports that an engine before us published stay as they are until
   * rebuild(): their containers run.
   *
   * @param isOurs tells the bridges of this instance by their names, also of networks that are no more
   * @throws UNAVAILABLE or SYSTEM when this host's nftables cannot be used
   */
  async open(isOurs: (bridge: string) => boolean): Promise<void> {
    try {
      await runOnce(renderNetworks(this.#table, this.#networks())).catch(() => this.rebuild())
    } catch (cause) {
      throw new EngineError(
        cause instanceof EngineError ? cause.code : 'SYSTEM',
        `container networks need nftables, which cannot be used here: ${errorMessage(cause)}`,
        { cause },
      )
    }
    const bridges = this.#bridges()
    await this.#forward.ensure(bridges, (bridge) => isOurs(bridge) && !bridges.includes(bridge))
  }

  /** Replaces the whole table in one transaction. */
  async rebuild(): Promise<void> {
    await runOnce(renderTable(this.#table, this.#networks(), [...this.#publications]))
  }

  /** After a network has come, or stays after all. */
  async networkStays(): Promise<void> {
    this.#leaving.clear()
    await this.#change(renderNetworks(this.#table, this.#networks()))
    await this.#forward.ensure(this.#bridges(), () => false)
  }

  /**
   * Takes a network's bridge out of the host's chain, before anything else forgets the network: that its rules there are ours
   * can only be known by it, when it is called as an operator wished.
   */
  async networkGoes(bridge: string): Promise<void> {
    this.#leaving.add(bridge)
    await this.#forward.ensure(this.#bridges(), (each) => each === bridge)
  }

  /** After networkGoes(), and the network has gone. */
  async networkGone(): Promise<void> {
    this.#leaving.clear()
    await this.#change(renderNetworks(this.#table, this.#networks()))
  }

  async publish(publications: readonly Publication[]): Promise<void> {
    if (publications.length === 0) return
    for (const publication of publications) this.#publications.add(publication)
    try {
      await this.#change(
        publications.map((publication) => addPublication(this.#table, publication)),
      )
    } catch (error) {
      for (const publication of publications) this.#publications.delete(publication)
      throw error
    }
  }

  async unpublish(publications: readonly Publication[]): Promise<void> {
    const known = publications.filter((publication) => this.#publications.delete(publication))
    if (known.length > 0)
      await this.#change(known.map((publication) => deletePublication(this.#table, publication)))
  }

  /** Takes note of ports that an engine before us published; rebuild() writes them. */
  adopt(publications: readonly Publication[]): void {
    for (const publication of publications) this.#publications.add(publication)
  }

  /** Looks after the table and the host's FORWARD chain in the background. */
  recheck(): void {
    this.#forward.recheck(
      () => this.#bridges(),
      async () => {
        const there = await listNft(['list', 'set', 'inet', this.#table, 'bridges'])
        if (there !== undefined) return
        this.#warn(`nftables table ${this.#table} was gone and is made again`)
        await this.rebuild()
      },
    )
  }

  async close(): Promise<void> {
    await this.#forward.close()
    await this.#nft.close()
  }

  /** Takes the table and all accepts for our bridges away. */
  async destroy(): Promise<void> {
    const bridges = this.#bridges()
    // a look in the background would make it again
    await this.#forward.close()
    await runOnce([`table inet ${this.#table} { }`, `delete table inet ${this.#table}`])
    await this.#forward.ensure([], (bridge) => bridges.includes(bridge))
  }

  async #change(commands: readonly string[]): Promise<void> {
    try {
      await this.#nft.run(commands)
    } catch (error) {
      this.#warn(`nftables table ${this.#table} is made again`, error)
      await this.rebuild()
    }
  }

  #bridges(): string[] {
    return this.#networks()
      .flatMap(({ document }) => document.bridge?.interface ?? [])
      .filter((bridge) => !this.#leaving.has(bridge))
  }
}
