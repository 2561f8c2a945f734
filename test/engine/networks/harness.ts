/** A LocalNetworks in temporary roots, containers that are only namespaces, and somebody outside of the host. */
import { spawn } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import dgram from 'node:dgram'
import fs from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { instanceAt, type Instance } from '../../../engine/instance.ts'
import { bindUdpIn, listenIn, OWN_NETNS } from '../../../engine/native/net.ts'
import { newNetns } from '../../../engine/native/netns.ts'
import { MNT_DETACH, umount } from '../../../engine/native/mount.ts'
import { addAddressRequest } from '../../../engine/netlink/address.ts'
import { bridgeRequests, deleteLink, findLink, listLinks } from '../../../engine/netlink/link.ts'
import { NetlinkSocket } from '../../../engine/netlink/socket.ts'
import { LocalNetworks } from '../../../engine/networks/local-networks.ts'
import { listNft } from '../../../engine/networks/nft.ts'
import type {
  NetworkedContainer,
  Sandbox,
  SandboxRequest,
} from '../../../engine/networks/sandbox.ts'
import { freeSubnet } from '../../helpers/free-subnet.ts'
import { patient } from '../../helpers/patience.ts'
import { insideNetns, plug, setDefaultRoute } from '../../../engine/networks/veth.ts'

export interface EmittedEvent {
  action: string
  id: string
  attributes: Record<string, string>
}

/** One "host": its engine can be killed and opened again over the same roots. */
export class Host {
  readonly instance: Instance
  readonly containers = new Map<string, NetworkedContainer>()
  readonly events: EmittedEvent[] = []
  readonly warnings: string[] = []
  /** Nothing can be written down of what becomes of a container. */
  diskIsFull = false
  readonly #root: string
  readonly #closers: (() => unknown)[] = []
  networks!: LocalNetworks // set by open(), the only way to a Host

  private constructor() {
    this.#root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
    this.instance = instanceAt({
      dataRoot: path.join(this.#root, 'd'),
      runRoot: path.join(this.#root, 'r'),
      bridgeSubnet: freeSubnet(),
    })
  }

  static async open(): Promise<Host> {
    const host = new Host()
    await host.reopen()
    return host
  }

  /** A new engine over the same roots, as after a kill: the old one is not asked to clean anything up. */
  async reopen(): Promise<LocalNetworks> {
    this.networks = await LocalNetworks.open({
      instance: this.instance,
      events: {
        emit: (_type, action, id, attributes = {}) =>
          void this.events.push({ action, id, attributes }),
      },
      containers: {
        find: (name) =>
          this.containers.get(name) ??
          [...this.containers.values()].find((one) => one.name === name),
        begin: (id) => {
          const container = this.containers.get(id)
          if (container) container.isChanging = true
          return Promise.resolve()
        },
        save: (id, networks, sandbox) => {
          const container = this.containers.get(id)
          if (container === undefined) throw new Error(`no container ${id}`)
          if (this.diskIsFull) return Promise.reject(new Error('no space left on device'))
          container.request = { ...container.request, networks }
          container.isChanging = false
          if (sandbox !== undefined)
            container.sandbox = JSON.parse(JSON.stringify(sandbox)) as Sandbox
          return Promise.resolve()
        },
      },
      warn: (message, error) => void this.warnings.push(`${message}: ${String(error)}`),
    })
    return this.networks
  }

  /** Starts the network of a container that has no process. */
  async start(name: string, wishes: Partial<SandboxRequest> = {}): Promise<Started> {
    const request = this.request(name, wishes)
    for (const { id, name: taken, running } of this.containers.values()) {
      if (taken === name && !running) this.containers.delete(id)
    }
    const container: NetworkedContainer = { id: request.id, name, running: false, request }
    this.containers.set(request.id, container)
    const sandbox = await this.networks.sandboxes.start(request).catch((error: unknown) => {
      this.containers.delete(request.id)
      throw error
    })
    container.running = true
    container.sandbox = JSON.parse(JSON.stringify(sandbox)) as Sandbox
    return { id: request.id, container, sandbox: () => container.sandbox ?? sandbox }
  }

  async stop(name: string): Promise<void> {
    const container = [...this.containers.values()].find((one) => one.name === name)
    if (container === undefined) throw new Error(`no container ${name}`)
    await this.networks.sandboxes.stop(container.id)
    container.running = false
    delete container.sandbox
  }

  request(name: string, wishes: Partial<SandboxRequest> = {}): SandboxRequest {
    return {
      id: randomBytes(32).toString('hex'),
      name,
      hostname: `${name}-host`,
      domainname: '',
      mode: 'bridge',
      networks: { [wishes.mode ?? 'bridge']: {} },
      exposedPorts: {},
      portBindings: {},
      publishAll: false,
      dns: [],
      dnsSearch: [],
      dnsOptions: [],
      extraHosts: [],
      links: [],
      ...wishes,
    }
  }

  /** An HTTP server inside a namespace that answers with its word and who asked. */
  async serve(netnsPath: string, word: string, port = 80): Promise<void> {
    const fd = inNetns(netnsPath, (nsfd) => listenIn(nsfd, '0.0.0.0', port))
    const server = http.createServer((request, response) => {
      response.end(`${word} to ${request.socket.remoteAddress ?? ''}`)
    })
    await new Promise<void>((resolve) => server.listen({ fd }, resolve))
    this.#closers.push(() => {
      server.closeAllConnections()
      server.close()
    })
  }

  /** The same over UDP. */
  async serveUdp(netnsPath: string, word: string, port: number): Promise<void> {
    const socket = dgram.createSocket('udp4')
    const fd = inNetns(netnsPath, (nsfd) => bindUdpIn(nsfd, '0.0.0.0', port))
    await new Promise<void>((resolve) => socket.bind({ fd }, resolve))
    socket.on('message', (_message, from) => socket.send(word, from.port, from.address))
    this.#closers.push(() => socket.close())
  }

  /** Somebody beyond the host: a namespace on a link that is none of the engine's. */
  async outside(): Promise<{ netnsPath: string; ip: string; hostIp: string }> {
    const name = `gx${randomBytes(3).toString('hex')}`
    const third = randomInt(0, 255)
    const hostIp = `198.18.${third}.1`
    const ip = `198.18.${third}.2`
    const netnsPath = path.join(this.#root, 'outside')
    fs.writeFileSync(netnsPath, '')
    await newNetns(netnsPath)
    const netlink = NetlinkSocket.open()
    this.#closers.push(async () => {
      await deleteLink(netlink, name)
      netlink.close()
      umount(netnsPath, MNT_DETACH)
    })
    await netlink.request(...bridgeRequests({ name, address: '02:42:c6:12:00:01' }))
    const link = await findLink(netlink, name)
    await netlink.request(
      addAddressRequest({ link: link?.index ?? 0, ip: hostIp, prefixLength: 24 }),
    )
    await insideNetns(netnsPath, async (inside, nsfd) => {
      await plug(netlink, inside, nsfd, {
        bridge: name,
        veth: `${name}v`,
        name: 'eth0',
        ip,
        prefixLength: 24,
        mac: '02:42:c6:12:00:02',
        isolated: false,
      })
      await setDefaultRoute(inside, { gateway: hostIp, link: 'eth0' })
    })
    return { netnsPath, ip, hostIp }
  }

  /** Takes everything down and tells what of it is still there. */
  async destroy(): Promise<string[]> {
    for (const close of this.#closers.reverse()) await close()
    await this.networks.destroyAll()
    const left: string[] = []
    const netlink = NetlinkSocket.open()
    const prefix = this.instance.linkPrefix
    const ours = (name: string): boolean =>
      name === this.instance.bridgeName || new RegExp(`^${prefix}[v-][0-9a-f]+$`).test(name)
    // pairs go some milliseconds after their namespace
    await eventually(async () => (await listLinks(netlink)).every((link) => !ours(link.name)), 5000)
    left.push(...(await listLinks(netlink)).map((link) => link.name).filter(ours))
    netlink.close()
    if ((await listNft(['list', 'table', 'inet', this.instance.nftTable])) !== undefined)
      left.push('nftables table')
    const forward = await listNft(['list', 'chain', 'ip', 'filter', 'FORWARD'])
    if (forward?.includes(this.instance.bridgeName)) left.push('FORWARD rules')
    if (fs.readFileSync('/proc/self/mountinfo', 'utf8').includes(this.#root)) left.push('mounts')
    fs.rmSync(this.#root, { recursive: true, force: true })
    return left
  }
}

export interface Started {
  id: string
  container: NetworkedContainer
  sandbox: () => Sandbox
}

export function netnsOf(started: Started): string {
  const { netnsPath } = started.sandbox()
  if (netnsPath === undefined) throw new Error('on the host network')
  return netnsPath
}

export function ipOf(started: Started, network = 'bridge'): string {
  return started.sandbox().networks[network]?.IPAddress ?? ''
}

const FETCH = `require('node:http').get(process.argv[1], { timeout: Number(process.argv[2]) }, (response) => response.pipe(process.stdout))
  .on('timeout', () => process.exit(1)).on('error', () => process.exit(1))`
/** An answer comes at once, but for a machine that is busy. */
const ANSWER_MS = 15_000
/** Nobody waits that long for what does not come. */
const NO_ANSWER_MS = 1_500

const ASK = `const socket = require('node:dgram').createSocket('udp4')
  socket.on('message', (message) => { process.stdout.write(message); socket.close() })
  socket.send('hello', Number(process.argv[2]), process.argv[1])
  setTimeout(() => process.exit(1), ${String(ANSWER_MS)}).unref()`

/** Fetches a page from inside a namespace, or from the host; `failed` when it cannot be had. */
export async function fetchFrom(
  netnsPath: string | undefined,
  url: string,
  withinMs = patient(ANSWER_MS),
): Promise<string> {
  const { code, stdout } = await runNode(netnsPath, FETCH, url, String(withinMs))
  return code === 0 ? stdout : 'failed'
}

/** Nothing answers there, or it is refused. */
export async function isClosed(netnsPath: string | undefined, url: string): Promise<boolean> {
  return (await fetchFrom(netnsPath, url, NO_ANSWER_MS)) === 'failed'
}

export async function askUdp(
  netnsPath: string | undefined,
  ip: string,
  port: number,
): Promise<string> {
  return (await runNode(netnsPath, ASK, ip, String(port))).stdout
}

/** Node rather than busybox: Debian's static busybox crashes in name look-ups, wget's among them. */
export function runNode(netnsPath: string | undefined, script: string, ...args: string[]) {
  const node = [process.execPath, '-e', script, ...args]
  return run(netnsPath === undefined ? node : ['nsenter', `--net=${netnsPath}`, ...node])
}

export function run(argv: string[]): Promise<{ code: number; stdout: string }> {
  return new Promise((resolve, reject) => {
    const [file = '', ...args] = argv
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'] })
    let stdout = ''
    child.stdout.setEncoding('utf8').on('data', (data: string) => (stdout += data))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? -1, stdout }))
  })
}

export async function eventually(holds: () => Promise<boolean>, withinMs = 3000): Promise<void> {
  for (const end = Date.now() + withinMs; Date.now() < end;) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Opens something in a namespace by its file. */
export function inNetns<T>(netnsPath: string | undefined, open: (nsfd: number) => T): T {
  if (netnsPath === undefined) return open(OWN_NETNS)
  const nsfd = fs.openSync(netnsPath, 'r')
  try {
    return open(nsfd)
  } finally {
    fs.closeSync(nsfd)
  }
}
