import { nftGeneration } from '../netlink/nft-generation.ts'
import type { Nft } from './nft.ts'
import { listNft } from './nft.ts'

const RECHECK_MS = 1000

/**
 * Room for our bridges in the `FORWARD` chain of the host's iptables. Docker, ufw and others set its policy to DROP, and
 * an accept in our own table does not help: what any table drops is dropped. So an accept for each bridge goes in front
 * of that chain, when there is one; our own table has judged those packets more strictly already.
 */
export class ForwardChain {
  readonly #nft: Nft
  readonly #warn: (message: string, error?: unknown) => void
  #checkedAt = 0
  /** The rules' generation that the last look in the background began with. */
  #generation: number | undefined
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> = Promise.resolve()
  #closed = false

  constructor(nft: Nft, warn: (message: string, error?: unknown) => void) {
    this.#nft = nft
    this.#warn = warn
  }

  /** Puts missing accepts there and takes away ours of bridges that are gone. */
  async ensure(bridges: readonly string[], gone: (bridge: string) => boolean): Promise<void> {
    this.#checkedAt = Date.now()
    const rules = await listAccepts()
    if (rules === undefined) return
    const there = new Set(rules.map((rule) => `${rule.direction} ${rule.bridge}`))
    const insert = bridges
      .flatMap((bridge) => [`iifname "${bridge}"`, `oifname "${bridge}"`])
      .filter((match) => !there.has(match.replaceAll('"', '')))
      .map((match) => `insert rule ip filter FORWARD ${match} accept`)
    const remove = rules
      .filter((rule) => gone(rule.bridge))
      .map((rule) => `delete rule ip filter FORWARD handle ${rule.handle}`)
    await this.#nft.run([...insert, ...remove])
  }

  /**
   * The same in the background, at most once a second: a Docker or firewall that was started meanwhile has put its own
   * chain there. Starts of containers ask for it and do not wait.
   *
   * @param also what else is to be looked after at that time
   */
  recheck(bridges: () => readonly string[], also: () => Promise<void>): void {
    if (this.#timer !== undefined || this.#closed) return
    const wait = Math.max(0, this.#checkedAt + RECHECK_MS - Date.now())
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#running = this.#look(bridges(), also).catch((error: unknown) => {
        this.#warn('could not check the firewall', error)
      })
    }, wait)
    this.#timer.unref()
  }

  /** Asking nft costs two processes; what nobody has changed since the last look is as it was. */
  async #look(bridges: readonly string[], also: () => Promise<void>): Promise<void> {
    this.#checkedAt = Date.now()
    const generation = await nftGeneration().catch(() => undefined)
    if (generation !== undefined && generation === this.#generation) return
    await this.ensure(bridges, () => false)
    await also()
    this.#generation = generation
  }

  /** Ends the looks in the background; one that is under way is waited for. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#running
  }
}

interface Accept {
  direction: 'iifname' | 'oifname'
  bridge: string
  handle: number
}

/** Rules of exactly our form; undefined when the chain does not exist. */
async function listAccepts(): Promise<Accept[] | undefined> {
  const chain = await listNft(['-a', 'list', 'chain', 'ip', 'filter', 'FORWARD'])
  return chain?.split('\n').flatMap((line): Accept[] => {
    const match = /^\s*(iifname|oifname) "([^"]+)" accept # handle ([0-9]+)$/.exec(line)
    if (match === null) return []
    const [, direction, bridge = '', handle] = match
    return [
      {
        direction: direction === 'iifname' ? 'iifname' : 'oifname',
        bridge,
        handle: Number(handle),
      },
    ]
  })
}
