import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { Transform } from 'node:stream'
import { isOnPath } from './on-path.ts'
import { freePort } from './free-port.ts'
import { patient } from './patience.ts'

export const hasRegistry = isOnPath('docker-registry') && isOnPath('skopeo')

/**
 * Debian's docker-registry, and before it a door that lets bytes out only so fast: otherwise a pull on one machine is
 * over before a browser has drawn its progress.
 */
export class LocalRegistry {
  readonly #server: ChildProcess
  readonly #door: net.Server
  readonly #port: number
  readonly #scratch: string
  readonly #open = new Set<net.Socket>()
  /** What engines pull from. */
  readonly host: string
  bytesPerSecond = Infinity

  private constructor(server: ChildProcess, port: number, scratch: string) {
    this.#server = server
    this.#port = port
    this.#scratch = scratch
    const door = freePort()
    this.host = `127.0.0.1:${String(door)}`
    this.#door = net.createServer((client) => {
      const registry = net.connect(port, '127.0.0.1')
      for (const [socket, other] of [
        [client, registry],
        [registry, client],
      ] as const) {
        this.#open.add(socket)
        socket.on('error', () => other.destroy())
        socket.on('close', () => this.#open.delete(socket))
      }
      // What the registry sent last may still be on its slow way when it has closed.
      client.on('close', () => registry.destroy())
      client.pipe(registry)
      registry.pipe(this.#slow()).pipe(client)
    })
    this.#door.listen(door, '127.0.0.1')
  }

  /**
   * At a port of its own, and a door before it at another.
   *
   * @param options.htpasswd lets in nobody but those in this file
   * @param options.deletes takes deletions, which it does not by itself
   */
  static async start(
    scratch: string,
    options: { htpasswd?: string; deletes?: boolean } = {},
  ): Promise<LocalRegistry> {
    const port = freePort()
    const config = path.join(scratch, 'registry.json')
    fs.writeFileSync(
      config,
      JSON.stringify({
        version: '0.1',
        log: { level: 'error' },
        storage: {
          filesystem: { rootdirectory: path.join(scratch, 'registry') },
          delete: { enabled: options.deletes ?? false },
        },
        http: { addr: `127.0.0.1:${String(port)}` },
        ...(options.htpasswd === undefined
          ? {}
          : { auth: { htpasswd: { realm: 'test', path: options.htpasswd } } }),
      }),
    )
    const server = spawn('docker-registry', ['serve', config], { stdio: 'ignore' })
    const registry = new LocalRegistry(server, port, scratch)
    await isReachable(server, port)
    return registry
  }

  /**
   * Pushes what `docker save` would have written, under a name of this registry.
   *
   * @param credentials `user:password`
   */
  push(archive: Buffer, name: string, credentials?: string): string {
    const file = path.join(this.#scratch, 'pushed.tar')
    fs.writeFileSync(file, archive)
    execFileSync('skopeo', [
      '--insecure-policy',
      'copy',
      '-q',
      '--dest-tls-verify=false',
      ...(credentials === undefined ? [] : [`--dest-creds=${credentials}`]),
      `docker-archive:${file}`,
      `docker://127.0.0.1:${String(this.#port)}/${name}`,
    ])
    return `${this.host}/${name}`
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy()
    this.#door.close()
    if (this.#server.exitCode !== null) return
    const exited = once(this.#server, 'exit')
    this.#server.kill('SIGKILL')
    await exited
  }

  #slow(): Transform {
    return new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        setTimeout(() => done(null, chunk), (1000 * chunk.length) / this.bytesPerSecond)
      },
    })
  }
}

async function isReachable(server: ChildProcess, port: number): Promise<void> {
  for (const end = Date.now() + patient(60_000); server.exitCode === null && Date.now() < end;) {
    const socket = net.connect(port, '127.0.0.1')
    const isOpen = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
    socket.destroy()
    if (isOpen === true) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('docker-registry does not start')
}
