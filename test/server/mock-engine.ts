import { PassThrough, type Duplex } from 'node:stream'
import type { Caller, Engine } from '../../engine/contract.ts'
import type { ExecInspect } from '../../engine/contract/execs.ts'
import type { RegistryCredentials } from '../../engine/contract/common.ts'
import { ConflictError, NotFoundError } from '../../engine/errors.ts'
import type {
  ContainerStatsResponse,
  ContainerSummary,
  EventMessage,
} from '../../engine/types/docker.ts'

/**
 * A mock of the contract: lists, streams and execs in memory, moved by the test, with counts of what was opened.
 * What a test does not use is not there and fails loudly.
 */
export class MockEngine {
  rows: ContainerSummary[] = []
  images = new Set<string>()
  /** Calls of verbs in their order: `create web`, `start <id>`. */
  calls: string[] = []
  /** What each pull was to tell the registry. */
  pullAuths: (RegistryCredentials | undefined)[] = []
  /** On whose behalf the engine was asked for. */
  callers: Caller[] = []
  opened = { list: 0, events: 0, stats: 0, logs: 0 }
  openStreams = { events: 0, stats: 0, logs: 0 }
  /** Makes the verb of this name fail once. */
  fail = new Map<string, Error>()
  logStreams: PassThrough[] = []
  execs = new Map<
    string,
    { far: PassThrough; near: Duplex; command: string[]; exit: number | null }
  >()
  missingPrograms = new Set<string>()
  resized: string[] = []
  statsWaiting: ((value: ContainerStatsResponse) => void)[] = []
  readonly #eventListeners = new Set<(event: EventMessage) => void>()
  #ids = 0

  emit(event: EventMessage): void {
    for (const listener of this.#eventListeners) listener(event)
  }

  #call(name: string, text = ''): void {
    this.calls.push(`${name} ${text}`.trim())
    const error = this.fail.get(name)
    this.fail.delete(name)
    if (error) throw error
  }

  readonly engine: Engine = {
    system: {
      version: async () => ({ Version: 'mock', ApiVersion: '1.56' }),
      info: async () => ({}),
      events: (options: { until?: number } = {}, signal?: AbortSignal) =>
        this.#events(options, signal),
    },
    containers: {
      list: async () => {
        this.opened.list++
        return this.rows.map((row) => ({ ...row }))
      },
      inspect: async (id: string) => {
        const row = this.rows.find((each) => each.Id === id)
        if (!row) throw new NotFoundError(`No such container: ${id}`)
        return {
          Id: id,
          Name: row.Names?.[0],
          State: { Running: row.State === 'running' },
          Config: { OpenStdin: true, Tty: true },
        }
      },
      create: async (config: { Image?: string }, options: { name?: string } = {}) => {
        this.#call('create', options.name)
        if (this.rows.some((row) => row.Names?.[0] === `/${options.name}`)) {
          throw new ConflictError(`The container name "/${options.name}" is already in use`)
        }
        const Id = idOf(++this.#ids)
        this.rows.push({ Id, Names: [`/${options.name}`], State: 'created', Image: config.Image })
        return { Id, Warnings: [] }
      },
      start: async (id: string) => {
        this.#call('start')
        const row = this.rows.find((each) => each.Id === id)
        if (row) row.State = 'running'
      },
      remove: async (id: string) => {
        this.#call('remove')
        this.rows = this.rows.filter((row) => row.Id !== id)
      },
      stats: (_id: string, _options: unknown, signal?: AbortSignal) => this.#stats(signal),
      logs: async (_id: string, _options: unknown, signal?: AbortSignal) => {
        this.opened.logs++
        this.openStreams.logs++
        const stream = new PassThrough()
        stream.once('close', () => this.openStreams.logs--)
        signal?.addEventListener('abort', () => stream.destroy())
        this.logStreams.push(stream)
        return { stream, tty: true }
      },
      attach: async () => {
        const { near } = this.#pipe()
        return { stream: near, tty: true }
      },
      resize: async () => undefined,
    },
    execs: {
      create: async (_id: string, config: { Cmd: string[] }) => {
        this.#call('exec', config.Cmd.join(' '))
        const Id = idOf(++this.#ids)
        const { near, far } = this.#pipe()
        this.execs.set(Id, { near, far, command: config.Cmd, exit: null })
        return { Id }
      },
      start: async (id: string) => {
        const exec = this.execs.get(id)
        if (!exec) throw new NotFoundError(`No such exec: ${id}`)
        if (this.missingPrograms.has(exec.command[0] ?? '')) {
          this.execs.delete(id)
          throw new NotFoundError(`exec: "${exec.command[0]}": executable file not found in $PATH`)
        }
        return { stream: exec.near, tty: true }
      },
      attach: async (id: string) => {
        const exec = this.execs.get(id)
        if (exec?.exit !== null) throw new NotFoundError(`No such exec: ${id}`)
        const { near, far } = this.#pipe()
        this.execs.set(id, { ...exec, near, far })
        far.write('replayed')
        return { stream: near, tty: true }
      },
      resize: async (_id: string, size: { rows: number; cols: number }) => {
        this.resized.push(`${size.rows}x${size.cols}`)
      },
      inspect: async (id: string): Promise<Partial<ExecInspect>> => {
        const exec = this.execs.get(id)
        if (!exec) throw new NotFoundError(`No such exec: ${id}`)
        // No PID: nothing real may be killed.
        return { Running: exec.exit === null, ExitCode: exec.exit, Pid: exec.exit === null ? 1 : 0 }
      },
    },
    images: {
      inspect: async (name: string) => {
        if (!this.images.has(name)) throw new NotFoundError(`No such image: ${name}`)
        return {}
      },
      pull: (
        reference: string,
        options: { auth?: RegistryCredentials } = {},
        signal?: AbortSignal,
      ) => {
        this.pullAuths.push(options.auth)
        return this.#pull(reference, signal)
      },
    },
    as: (caller: Caller) => {
      this.callers.push(caller)
      return this.engine
    },
    close: async () => undefined,
  } as unknown as Engine

  /** `far` is the container's side: written output comes out at `near`, input is in `far`'s 'input' event. */
  #pipe(): { near: Duplex; far: PassThrough } {
    const far = new PassThrough()
    const near = new PassThrough()
    const duplex = Object.assign(near, {})
    // What the test writes to far appears as near's output; what the server writes is echoed back, as a tty does.
    far.on('data', (chunk: Buffer) => near.push(chunk))
    far.on('end', () => near.push(null))
    return { near: duplex, far }
  }

  async *#events(options: { until?: number }, signal?: AbortSignal): AsyncGenerator<EventMessage> {
    if (options.until !== undefined) return
    this.opened.events++
    this.openStreams.events++
    const queue: EventMessage[] = []
    let wake: (() => void) | undefined
    const listener = (event: EventMessage): void => {
      queue.push(event)
      wake?.()
    }
    this.#eventListeners.add(listener)
    signal?.addEventListener('abort', () => wake?.())
    try {
      while (signal?.aborted !== true) {
        const next = queue.shift()
        if (next) yield next
        else await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      this.#eventListeners.delete(listener)
      this.openStreams.events--
    }
  }

  async *#stats(signal?: AbortSignal): AsyncGenerator<ContainerStatsResponse> {
    this.opened.stats++
    this.openStreams.stats++
    try {
      for (let i = 1; signal?.aborted !== true; i++) {
        yield statsOf(i)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, 20)
          signal?.addEventListener('abort', () => {
            clearTimeout(timer)
            resolve()
          })
        })
      }
    } finally {
      this.openStreams.stats--
    }
  }

  async *#pull(reference: string, signal?: AbortSignal): AsyncGenerator<object> {
    this.#call('pull', reference)
    for (let i = 1; i <= 4; i++) {
      if (signal?.aborted) return
      yield { id: 'aaa', status: 'Downloading', progressDetail: { current: i * 25, total: 100 } }
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    this.images.add(reference)
    yield { id: 'aaa', status: 'Pull complete' }
  }
}

export function idOf(number: number): string {
  return number.toString(16).padStart(64, '0')
}

function statsOf(i: number): ContainerStatsResponse {
  return {
    read: new Date(1_800_000_000_000 + i * 1000).toISOString(),
    cpu_stats: { cpu_usage: { total_usage: i * 5e8 }, system_cpu_usage: i * 2e9, online_cpus: 2 },
    precpu_stats: {
      cpu_usage: { total_usage: (i - 1) * 5e8 },
      system_cpu_usage: (i - 1) * 2e9,
      online_cpus: 2,
    },
    memory_stats: { usage: 1000, limit: 4000, stats: { inactive_file: 300 } },
    networks: { eth0: { rx_bytes: i * 100, tx_bytes: i * 50 } },
    pids_stats: { current: 3, limit: 0 },
  }
}
