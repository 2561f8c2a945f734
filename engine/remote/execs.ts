import type { Duplex } from 'node:stream'
import type { TerminalSize } from '../contract/common.ts'
import type { ExecConfig, ExecEngine, ExecInspect, ExecStartOptions } from '../contract/execs.ts'
import { NotImplementedError } from '../errors.ts'
import { segment } from './query.ts'
import type { Transport } from './transport.ts'

export class RemoteExecs implements ExecEngine {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  async create(containerId: string, config: ExecConfig): Promise<{ Id: string }> {
    return this.#transport.json('POST', `/containers/${segment(containerId)}/exec`, {
      body: config,
    })
  }

  async start(
    execId: string,
    options: ExecStartOptions = {},
  ): Promise<{ stream?: Duplex; tty: boolean }> {
    const path = `/exec/${segment(execId)}/start`
    // dockerd takes the terminal from this request, not from what the exec was created with.
    const tty = options.Tty ?? (await this.inspect(execId)).ProcessConfig.tty
    const body = { Detach: options.Detach ?? false, Tty: tty, ConsoleSize: options.ConsoleSize }
    if (options.Detach === true) {
      await this.#transport.empty('POST', path, { body })
      return { tty }
    }
    return { stream: await this.#transport.hijack(path, { body }), tty }
  }

  attach(): Promise<{ stream: Duplex; tty: boolean }> {
    return Promise.reject(
      new NotImplementedError('the Docker API cannot join a running exec again'),
    )
  }

  async resize(execId: string, size: TerminalSize): Promise<void> {
    await this.#transport.empty('POST', `/exec/${segment(execId)}/resize`, {
      query: { h: size.rows, w: size.cols },
    })
  }

  async inspect(execId: string): Promise<ExecInspect> {
    return this.#transport.json('GET', `/exec/${segment(execId)}/json`)
  }
}
