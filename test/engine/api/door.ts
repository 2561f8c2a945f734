import fs from 'node:fs/promises'
import http from 'node:http'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { listen } from '../../../engine/api/server.ts'
import type { Engine } from '../../../engine/contract.ts'

type Parts = { [K in Exclude<keyof Engine, 'as' | 'close'>]?: Partial<Engine[K]> }

/** The API on a socket of its own over the few methods a test gives; the others fail loudly. */
export async function openDoor(test: TestContext, parts: Parts): Promise<Door> {
  const dir = await fs.mkdtemp(path.join(os.tmpdir(), 'g-'))
  const socketPath = path.join(dir, 's')
  const server = await listen(engineOf(parts), { dataRoot: dir, socketPath })
  test.after(async () => {
    await server.close()
    await fs.rm(dir, { recursive: true, force: true })
  })
  return new Door(socketPath)
}

export interface Answer {
  status: number
  headers: http.IncomingHttpHeaders
  text: string
}

export class Door {
  readonly socketPath: string

  constructor(socketPath: string) {
    this.socketPath = socketPath
  }

  async request(
    method: string,
    url: string,
    body?: string | Buffer,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const type = body === undefined ? {} : { 'Content-Type': 'application/json' }
      const request = http.request(
        {
          socketPath: this.socketPath,
          method,
          path: url,
          headers: { ...type, ...headers },
          agent: false,
        },
        (answer) => {
          const chunks: Buffer[] = []
          answer.on('data', (chunk: Buffer) => chunks.push(chunk))
          answer.on('end', () => {
            resolve({
              status: answer.statusCode ?? 0,
              headers: answer.headers,
              text: Buffer.concat(chunks).toString(),
            })
          })
          answer.on('error', reject)
        },
      )
      request.on('error', reject)
      request.end(body)
    })
  }

  async json(method: string, url: string, body?: unknown): Promise<unknown> {
    const { text } = await this.request(
      method,
      url,
      body === undefined ? undefined : JSON.stringify(body),
    )
    return JSON.parse(text)
  }

  /** A bare connection, for what no HTTP client would send. */
  connect(): RawConnection {
    return new RawConnection(this.socketPath)
  }
}

export class RawConnection {
  readonly socket: net.Socket
  readonly #chunks: Buffer[] = []
  #ended = false

  constructor(socketPath: string) {
    this.socket = net.connect({ path: socketPath, allowHalfOpen: true })
    this.socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk)
    })
    this.socket.on('end', () => {
      this.#ended = true
    })
    this.socket.on('error', () => undefined)
  }

  send(text: string | Buffer): void {
    this.socket.write(text)
  }

  get received(): string {
    return Buffer.concat(this.#chunks).toString('latin1')
  }

  async until(done: (received: string) => boolean): Promise<string> {
    await this.#wait(() => done(this.received))
    return this.received
  }

  async ended(): Promise<string> {
    await this.#wait(() => this.#ended)
    return this.received
  }

  async #wait(holds: () => boolean): Promise<void> {
    const deadline = Date.now() + 20_000
    while (!holds()) {
      if (Date.now() > deadline)
        throw new Error(`never came; received ${JSON.stringify(this.received.slice(-500))}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
}

function engineOf(parts: Parts): Engine {
  const slice = (name: string, part: object | undefined): object =>
    new Proxy(part ?? {}, {
      get: (target, method) =>
        Reflect.get(target, method) ??
        (() => {
          throw new Error(`${name}.${String(method)} was not expected`)
        }),
    })
  const engine: Engine = {
    ...(Object.fromEntries(
      (['system', 'containers', 'execs', 'images', 'builds', 'networks', 'volumes'] as const).map(
        (name) => [name, slice(name, parts[name])],
      ),
    ) as unknown as Engine),
    as: () => engine,
    close: () => Promise.resolve(),
  }
  return engine
}
