import type { IncomingMessage } from 'node:http'
import type { Duplex, Readable } from 'node:stream'
import type {
  ArchiveOptions,
  AttachOptions,
  CommitOptions,
  ContainerCreateConfig,
  ContainerCreateOptions,
  ContainerEngine,
  ContainerExit,
  ContainerListOptions,
  ContainerRemoveOptions,
  ContainerUpdate,
  LogsOptions,
  PathStat,
  StatsOptions,
  StopOptions,
  WaitCondition,
} from '../contract/containers.ts'
import type { Filters, TerminalSize } from '../contract/common.ts'
import { EngineError, errorCode, NotFoundError, UnavailableError } from '../errors.ts'
import type {
  ContainerInspectResponse,
  ContainerStatsResponse,
  ContainerSummary,
  ContainerTopResponse,
  ContainerUpdateResponse,
  FilesystemChange,
} from '../types/docker.ts'
import { jsonLines } from './json-lines.ts'
import { filtersQuery, segment, timeQuery } from './query.ts'
import type { Transport } from './transport.ts'

export class RemoteContainers implements ContainerEngine {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  async list(options: ContainerListOptions = {}): Promise<ContainerSummary[]> {
    const { all, limit, size, filters } = options
    return this.#transport.json('GET', '/containers/json', {
      query: { all, limit, size, filters: filtersQuery(filters) },
    })
  }

  async create(
    config: ContainerCreateConfig,
    options: ContainerCreateOptions = {},
  ): Promise<{ Id: string; Warnings: string[] }> {
    const created = await this.#transport.json<{ Id: string; Warnings: string[] | null }>(
      'POST',
      '/containers/create',
      {
        query: { name: options.name, platform: options.platform },
        body: config,
      },
    )
    return { Id: created.Id, Warnings: created.Warnings ?? [] }
  }

  async inspect(id: string, options: { size?: boolean } = {}): Promise<ContainerInspectResponse> {
    return this.#transport.json('GET', `/containers/${segment(id)}/json`, {
      query: { size: options.size },
    })
  }

  async top(id: string, psArgs?: string): Promise<ContainerTopResponse> {
    return this.#transport.json('GET', `/containers/${segment(id)}/top`, {
      query: { ps_args: psArgs },
    })
  }

  async logs(
    id: string,
    options: LogsOptions,
    signal?: AbortSignal,
  ): Promise<{ stream: Readable; tty: boolean }> {
    const tty = await this.#hasTty(id)
    const { stdout, stderr, follow, since, until, timestamps, tail, details } = options
    const stream = await this.#transport.request('GET', `/containers/${segment(id)}/logs`, {
      query: {
        stdout,
        stderr,
        follow,
        timestamps,
        tail,
        details,
        since: timeQuery(since),
        until: timeQuery(until),
      },
    })
    const end = (): void => {
      stream.destroy()
    }
    if (signal?.aborted === true) end()
    signal?.addEventListener('abort', end, { once: true })
    stream.once('close', () => signal?.removeEventListener('abort', end))
    return { stream, tty }
  }

  stats(
    id: string,
    options: StatsOptions = {},
    signal?: AbortSignal,
  ): AsyncIterable<ContainerStatsResponse> {
    return this.#transport.lines('GET', `/containers/${segment(id)}/stats`, {
      query: { stream: options.stream ?? true, 'one-shot': options.oneShot },
      signal,
    })
  }

  async start(id: string): Promise<void> {
    await this.#transport.empty('POST', `/containers/${segment(id)}/start`)
  }

  async stop(id: string, options: StopOptions = {}): Promise<void> {
    await this.#transport.empty('POST', `/containers/${segment(id)}/stop`, {
      query: { signal: options.signal, t: options.timeout },
    })
  }

  async restart(id: string, options: StopOptions = {}): Promise<void> {
    await this.#transport.empty('POST', `/containers/${segment(id)}/restart`, {
      query: { signal: options.signal, t: options.timeout },
    })
  }

  async kill(id: string, signal?: string): Promise<void> {
    await this.#transport.empty('POST', `/containers/${segment(id)}/kill`, { query: { signal } })
  }

  async pause(id: string): Promise<void> {
    await this.#transport.empty('POST', `/containers/${segment(id)}/pause`)
  }

  async unpause(id: string): Promise<void> {
    await this.#transport.empty('POST', `/containers/${segment(id)}/unpause`)
  }

  async rename(id: string, name: string): Promise<void> {
    await this.#transport.empty('POST', `/containers/${segment(id)}/rename`, { query: { name } })
  }

  async update(id: string, update: ContainerUpdate): Promise<ContainerUpdateResponse> {
    return this.#transport.json('POST', `/containers/${segment(id)}/update`, { body: update })
  }

  async remove(id: string, options: ContainerRemoveOptions = {}): Promise<void> {
    await this.#transport.empty('DELETE', `/containers/${segment(id)}`, {
      query: { force: options.force, v: options.volumes, link: options.link },
    })
  }

  async prune(filters?: Filters): Promise<{ ContainersDeleted: string[]; SpaceReclaimed: number }> {
    const pruned = await this.#transport.json<{
      ContainersDeleted: string[] | null
      SpaceReclaimed: number
    }>('POST', '/containers/prune', { query: { filters: filtersQuery(filters) } })
    return {
      ContainersDeleted: pruned.ContainersDeleted ?? [],
      SpaceReclaimed: pruned.SpaceReclaimed,
    }
  }

  async resize(id: string, size: TerminalSize): Promise<void> {
    await this.#transport.empty('POST', `/containers/${segment(id)}/resize`, {
      query: { h: size.rows, w: size.cols },
    })
  }

  async wait(
    id: string,
    condition?: WaitCondition,
    signal?: AbortSignal,
  ): Promise<{ exited: Promise<ContainerExit> }> {
    // The answer's head comes when the wait is registered, its body when the condition holds.
    const answer = await this.#transport.request('POST', `/containers/${segment(id)}/wait`, {
      query: { condition },
      signal,
    })
    const exited = readExit(answer)
    exited.catch(() => {
      // Whoever asked may have gone; the rejection is for those who still wait.
    })
    return { exited }
  }

  async attach(id: string, options: AttachOptions): Promise<{ stream: Duplex; tty: boolean }> {
    const tty = await this.#hasTty(id)
    const { stdin, stdout, stderr, logs, stream, detachKeys } = options
    const duplex = await this.#transport.hijack(`/containers/${segment(id)}/attach`, {
      query: { stdin, stdout, stderr, logs, stream, detachKeys },
    })
    return { stream: duplex, tty }
  }

  async changes(id: string): Promise<FilesystemChange[]> {
    const path = `/containers/${segment(id)}/changes`
    return (await this.#transport.json<FilesystemChange[] | null>('GET', path)) ?? []
  }

  async export(id: string): Promise<Readable> {
    return this.#transport.request('GET', `/containers/${segment(id)}/export`)
  }

  async statPath(id: string, path: string): Promise<PathStat> {
    const answer = await this.#archive(id, 'HEAD', path)
    answer.resume()
    return statOf(answer)
  }

  async readArchive(id: string, path: string): Promise<{ stat: PathStat; tar: Readable }> {
    const answer = await this.#archive(id, 'GET', path)
    return { stat: statOf(answer), tar: answer }
  }

  async writeArchive(
    id: string,
    path: string,
    tar: Readable,
    options: ArchiveOptions = {},
  ): Promise<void> {
    const { copyUidGid, noOverwriteDirNonDir } = options
    await this.#transport.empty('PUT', `/containers/${segment(id)}/archive`, {
      query: { path, noOverwriteDirNonDir, copyUIDGID: copyUidGid },
      headers: { 'Content-Type': 'application/x-tar' },
      body: tar,
    })
  }

  async commit(id: string, options: CommitOptions = {}): Promise<{ Id: string }> {
    const { config, ...query } = options
    return this.#transport.json('POST', '/commit', {
      query: { container: id.replace(/^\//, ''), ...query },
      body: config,
    })
  }

  async #archive(id: string, method: 'HEAD' | 'GET', path: string): Promise<IncomingMessage> {
    try {
      return await this.#transport.request(method, `/containers/${segment(id)}/archive`, {
        query: { path },
      })
    } catch (error) {
      // the answer to HEAD has no words in it
      if (method === 'GET' || errorCode(error) !== 'NOT_FOUND') throw error
      throw new NotFoundError(`Could not find the file ${path} in container ${id}`, {
        cause: error,
      })
    }
  }

  async #hasTty(id: string): Promise<boolean> {
    const container = await this.inspect(id)
    return container.Config?.Tty ?? false
  }
}

/** @throws SYSTEM when the answer lacks it */
function statOf({ headers }: IncomingMessage): PathStat {
  const header = headers['x-docker-container-path-stat']
  try {
    return JSON.parse(Buffer.from(String(header), 'base64').toString()) as PathStat
  } catch (error) {
    throw new EngineError('SYSTEM', 'the remote engine answered without the status of the file', {
      cause: error,
    })
  }
}

async function readExit(answer: AsyncIterable<Buffer>): Promise<ContainerExit> {
  for await (const line of jsonLines(answer)) {
    const { StatusCode, Error } = line as { StatusCode: number; Error?: { Message: string } | null }
    return Error ? { StatusCode, Error } : { StatusCode }
  }
  throw new UnavailableError('the remote engine ended the wait without an answer')
}
