import dgram from 'node:dgram'
import net from 'node:net'
import * as dns from 'dns-packet'
import { bindUdpIn, listenIn } from '../native/net.ts'
import { askUpstream, withLength } from './dns-upstream.ts'
import { Limit } from './limit.ts'
import { EMBEDDED_DNS } from './resolv-conf.ts'

/** What one container's names mean; asked at every question, so that it is always as of now. */
export interface Zone {
  /** The addresses of a container's name; undefined when no container goes by it. */
  addressesOf(name: string): string[] | undefined
  /** The name of the container at an address. */
  nameOf(ip: string): string | undefined
  /** Where other questions go; none when the container has no way to the outside. */
  upstream(): readonly string[]
}

const TTL_S = 600
/** Of one container: questions passed on at a time, and TCP connections. */
const QUESTIONS_MAX = 100
const CONNECTIONS_MAX = 32
const TCP_IDLE_MS = 5000
/** Without EDNS, and the most we send with it. */
const UDP_MAX = 512
const EDNS_MAX = 1232

const NOERROR = 0
const FORMERR = 1
const SERVFAIL = 2
const NOTIMP = 4

/**
 * The name server of one container, at 127.0.0.11:53 inside its network namespace. The sockets are opened there; what
 * comes in is answered here, on the host.
 */
export class DnsServer {
  readonly #zone: Zone
  readonly #udp: dgram.Socket
  readonly #tcp: net.Server
  readonly #connections = new Set<net.Socket>()
  readonly #questions = new Limit(QUESTIONS_MAX)
  readonly #stop = new AbortController()

  private constructor(zone: Zone, udp: dgram.Socket, tcp: net.Server) {
    this.#zone = zone
    this.#udp = udp
    this.#tcp = tcp
    udp.on('message', (query, from) => {
      void this.#answer(query, 'udp').then((answer) => {
        if (answer !== undefined && !this.#stop.signal.aborted)
          udp.send(answer, from.port, from.address)
      })
    })
    // a client that closed its port meanwhile makes sends fail; nothing is lost by it
    udp.on('error', () => undefined)
    tcp.on('connection', (connection) => this.#serve(connection))
    tcp.on('error', () => undefined)
  }

  /** @param nsfd open on the container's network namespace, whose loopback is up */
  static async open(nsfd: number, zone: Zone): Promise<DnsServer> {
    const udpFd = bindUdpIn(nsfd, EMBEDDED_DNS, 53)
    const udp = dgram.createSocket('udp4')
    const tcp = net.createServer()
    const bound = new Promise<void>((resolve, reject) => {
      udp.once('error', reject)
      udp.bind({ fd: udpFd }, () => {
        udp.off('error', reject)
        resolve()
      })
    })
    try {
      await bound
      const tcpFd = listenIn(nsfd, EMBEDDED_DNS, 53)
      await new Promise<void>((resolve, reject) => {
        tcp.once('error', reject)
        tcp.listen({ fd: tcpFd }, () => {
          tcp.off('error', reject)
          resolve()
        })
      })
    } catch (error) {
      udp.close()
      throw error
    }
    return new DnsServer(zone, udp, tcp)
  }

  close(): void {
    if (this.#stop.signal.aborted) return
    this.#stop.abort()
    this.#udp.close()
    this.#tcp.close()
    for (const connection of this.#connections) connection.destroy()
  }

  #serve(connection: net.Socket): void {
    if (this.#connections.size >= CONNECTIONS_MAX) {
      connection.destroy()
      return
    }
    this.#connections.add(connection)
    connection.setTimeout(TCP_IDLE_MS, () => connection.destroy())
    connection.on('error', () => undefined)
    connection.on('close', () => this.#connections.delete(connection))
    let received = Buffer.alloc(0)
    let tail = Promise.resolve()
    connection.on('data', (data: Buffer) => {
      received = Buffer.concat([received, data])
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const query = received.subarray(2, 2 + received.readUInt16BE(0))
        received = received.subarray(2 + query.length)
        // no reading on while answers are under way: what waits is bounded by the kernel's buffers
        connection.pause()
        tail = tail
          .then(() => this.#answer(query, 'tcp'))
          .then((answer) => {
            if (answer === undefined) connection.destroy()
            else connection.write(withLength(answer))
          })
      }
      void tail.then(() => connection.resume())
    })
  }

  /** @returns undefined for what is no question at all */
  async #answer(query: Buffer, transport: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    let packet: dns.DecodedPacket
    try {
      packet = dns.decode(query)
    } catch {
      return query.length >= 12 ? errorTo(query, FORMERR) : undefined
    }
    if (packet.type !== 'query') return undefined
    if (((query[2] ?? 0) & 0x78) !== 0) return errorTo(query, NOTIMP)
    const question = packet.questions?.[0]
    if (question === undefined || packet.questions?.length !== 1) return errorTo(query, FORMERR)
    try {
      const answers = this.#answersTo(question)
      if (answers !== undefined) return encodeAnswer(packet, answers, transport)
      const servers = this.#zone.upstream()
      if (servers.length === 0) return errorTo(query, SERVFAIL)
      const answer = await this.#questions.run(() =>
        askUpstream(query, servers, transport, this.#stop.signal),
      )
      return answer ?? errorTo(query, SERVFAIL)
    } catch {
      return errorTo(query, SERVFAIL)
    }
  }

  /** @returns undefined when the question is not about our containers */
  #answersTo(question: dns.Question): dns.Answer[] | undefined {
    const name = question.name.replace(/\.$/, '')
    if (question.type === 'PTR') {
      const ip = reverseIp(name)
      const target = ip === undefined ? undefined : this.#zone.nameOf(ip)
      return target === undefined
        ? undefined
        : [{ type: 'PTR', name: question.name, ttl: TTL_S, data: target }]
    }
    const addresses = this.#zone.addressesOf(name)
    if (addresses === undefined) return undefined
    // the name exists, so other types (AAAA) have the empty answer, which keeps clients from asking elsewhere
    if (question.type !== 'A') return []
    return shuffle(addresses).map((data) => ({ type: 'A', name: question.name, ttl: TTL_S, data }))
  }
}

function encodeAnswer(
  query: dns.DecodedPacket,
  answers: dns.Answer[],
  transport: 'udp' | 'tcp',
): Buffer {
  const opt = query.additionals?.find((record) => record.type === 'OPT')
  const offered = opt?.type === 'OPT' ? opt.udpPayloadSize : UDP_MAX
  const most = transport === 'tcp' ? 65535 : Math.max(UDP_MAX, Math.min(offered, EDNS_MAX))
  const base: dns.Packet = {
    type: 'response',
    id: query.id ?? 0,
    flags: dns.RECURSION_AVAILABLE | ((query.flags ?? 0) & dns.RECURSION_DESIRED) | NOERROR,
    questions: query.questions ?? [],
    ...(opt !== undefined && {
      additionals: [
        {
          type: 'OPT',
          name: '.',
          udpPayloadSize: EDNS_MAX,
          extendedRcode: 0,
          ednsVersion: 0,
          flags: 0,
          flag_do: false,
          options: [],
        },
      ],
    }),
  }
  const whole = dns.encode({ ...base, answers })
  if (whole.length <= most) return whole
  return dns.encode({ ...base, flags: (base.flags ?? 0) | dns.TRUNCATED_RESPONSE, answers: [] })
}

/** The question's header and question sent back with a code, whatever else it had in it cut off. */
function errorTo(query: Buffer, code: number): Buffer {
  const answer = Buffer.alloc(12)
  query.copy(answer, 0, 0, 4)
  answer[2] = 0x80 | ((query[2] ?? 0) & 0x79)
  answer[3] = 0x80 | code
  let end = 12
  for (let length = query[end] ?? 0; length > 0; length = query[end] ?? 0) end += length + 1
  end += 5
  if (query.readUInt16BE(4) !== 1 || end > query.length) return answer
  answer.writeUInt16BE(1, 4)
  return Buffer.concat([answer, query.subarray(12, end)])
}

/** `4.3.2.1.in-addr.arpa` is 1.2.3.4. */
function reverseIp(name: string): string | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/i.exec(name)
  return match === null ? undefined : match.slice(1, 5).reverse().join('.')
}

/** Several containers by one alias take turns. */
function shuffle<T>(items: readonly T[]): T[] {
  const shuffled = [...items]
  for (let at = shuffled.length - 1; at > 0; at--) {
    const other = Math.floor(Math.random() * (at + 1))
    const [a, b] = [shuffled[at], shuffled[other]]
    if (a === undefined || b === undefined) continue
    shuffled[at] = b
    shuffled[other] = a
  }
  return shuffled
}
