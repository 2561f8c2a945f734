import { OWN_NETNS } from '../native/net.ts'
import { linkIndex, NETLINK_ROUTE, openNetlink, talkNetlink } from '../native/netlink.ts'
import { closeFd } from '../native/process.ts'
import { decodeAnswers, encode, type Answer, type Message, type Request } from './message.ts'

/** A netlink socket in one network namespace. Its exchanges follow one another; close it when done. */
export class NetlinkSocket {
  readonly #fd: number
  #sequence = 1
  #tail: Promise<unknown> = Promise.resolve()
  #closed = false

  private constructor(fd: number) {
    this.#fd = fd
  }

  /**
   * @param nsfd open on the namespace's file; our own namespace when left out
   * @param protocol rtnetlink when left out
   */
  static open(nsfd: number = OWN_NETNS, protocol: number = NETLINK_ROUTE): NetlinkSocket {
    return new NetlinkSocket(openNetlink(nsfd, protocol))
  }

  /**
   * Sends requests as one batch. The kernel carries out all of them, also those behind one that it refuses.
   *
   * @returns what each was answered
   * @throws SystemError of the first one that was refused, with `what` it was for
   */
  async request(...requests: Request[]): Promise<Message[][]> {
    if (requests.length === 0) return []
    for (let attempt = 1; ; attempt++) {
      const answers = await this.#exchange(requests)
      const refused = answers.find((answer) => answer.error !== undefined)
      if (refused?.error !== undefined) throw refused.error
      // a list that changed while it was read; after three times a slightly uneven one is better than none
      if (attempt < 3 && answers.some((answer) => answer.interrupted)) continue
      return answers.map((answer) => answer.messages)
    }
  }

  /** The index of an interface of the namespace. @throws SystemError, ENODEV when there is none of that name */
  indexOf(link: string): number {
    if (this.#closed) throw new Error('netlink socket is closed')
    return linkIndex(this.#fd, link)
  }

  /** Waits for the exchange under way. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    const finish = (): void => closeFd(this.#fd)
    void this.#tail.then(finish, finish)
  }

  #exchange(requests: Request[]): Promise<Answer[]> {
    if (this.#closed) return Promise.reject(new Error('netlink socket is closed'))
    const turn = this.#tail.then(() => this.#talk(requests))
    this.#tail = turn.catch(() => undefined)
    return turn
  }

  async #talk(requests: Request[]): Promise<Answer[]> {
    const first = this.#sequence
    this.#sequence = (this.#sequence + requests.length) >>> 0
    const batch = Buffer.concat(requests.map((request, index) => encode(request, first + index)))
    return decodeAnswers(await talkNetlink(this.#fd, batch, requests.length), requests, first)
  }
}
