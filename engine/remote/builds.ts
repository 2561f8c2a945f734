import { Readable } from 'node:stream'
import type { DiskUsage } from '../contract/system.ts'
import type {
  BuildCacheRecord,
  BuildChange,
  BuildContext,
  BuildEngine,
  BuildEvent,
  BuildLogEvent,
  BuildPruneOptions,
  BuildRecord,
  BuildRequest,
  BuildSummary,
} from '../contract/builds.ts'
import type { ImageProgress } from '../contract/common.ts'
import { BuildError, NotImplementedError } from '../errors.ts'
import { tarHeader } from '../tar/header.ts'
import { encodeHeader, TAR_END, tarPadding } from '../tar/write.ts'
import type { BuildHistory } from '../build/history/history.ts'
import { credentialsFor } from './build-credentials.ts'
import type { BuildRecords } from './build-records.ts'
import { filtersQuery } from './query.ts'
import type { Transport } from './transport.ts'

/** Builds over a foreign POST /build; steps are told as far as its lines tell them. */
export class RemoteBuilds implements BuildEngine {
  readonly #transport: Transport
  readonly #records: BuildRecords | undefined

  /** @param records of the builds that are asked for here; without them none are kept */
  constructor(transport: Transport, records?: BuildRecords) {
    this.#transport = transport
    this.#records = records
  }

  async *build(request: BuildRequest, signal?: AbortSignal): AsyncGenerator<BuildEvent> {
    refuseUnsent(request)
    const send = (stop?: AbortSignal): AsyncGenerator<BuildEvent> => this.#send(request, stop)
    yield* this.#records ? this.#records.record(request, send, signal) : send(signal)
  }

  async *#send(request: BuildRequest, signal?: AbortSignal): AsyncGenerator<BuildEvent> {
    const { context, resources = {} } = request
    const auth = await credentialsFor(request)
    const reading = new LineReader()
    const lines = this.#transport.lines<BuildLine>('POST', '/build', {
      query: {
        // the one of an empty context is put where it is looked for
        dockerfile: 'empty' in context ? undefined : request.dockerfile,
        t: request.tags,
        extrahosts: request.extraHosts,
        remote: 'remote' in context ? context.remote : undefined,
        nocache: request.noCache,
        pull: request.pull,
        squash: request.squash,
        cachefrom: json(request.cacheFrom),
        memory: resources.Memory,
        memswap: resources.MemorySwap,
        cpushares: resources.CpuShares,
        cpusetcpus: resources.CpusetCpus,
        cpusetmems: resources.CpusetMems,
        cpuperiod: resources.CpuPeriod,
        cpuquota: resources.CpuQuota,
        ulimits: json(resources.Ulimits),
        shmsize: resources.ShmSize,
        cgroupparent: resources.CgroupParent,
        securityopt: resources.SecurityOpt,
        buildargs: json(
          request.buildArgs &&
            Object.fromEntries(
              Object.entries(request.buildArgs).map(([name, value]) => [name, value ?? null]),
            ),
        ),
        labels: json(request.labels),
        networkmode: request.network,
        platform: request.platform,
        target: request.target,
        rm: true,
        forcerm: true,
      },
      headers: {
        'Content-Type': 'application/x-tar',
        ...(Object.keys(auth).length > 0
          ? { 'X-Registry-Config': Buffer.from(JSON.stringify(auth)).toString('base64url') }
          : {}),
      },
      body: archiveOf(context),
      signal,
    })
    for await (const line of lines) yield* reading.take(line)
    if (signal?.aborted !== true) yield reading.end(request.tags ?? [])
  }

  async cache(): Promise<BuildCacheRecord[]> {
    const type = this.#transport.speaks('1.42') ? ['build-cache'] : undefined
    const usage = await this.#transport.json<
      DiskUsage & { BuildCache?: BuildCacheRecord[] | null }
    >('GET', '/system/df', { query: { type, verbose: true } })
    return (
      (usage.BuildCacheUsage?.Items as BuildCacheRecord[] | undefined) ?? usage.BuildCache ?? []
    )
  }

  async prune(
    options: BuildPruneOptions = {},
  ): Promise<{ CachesDeleted: string[]; SpaceReclaimed: number }> {
    const reserved = this.#transport.speaks('1.48') ? 'reserved-space' : 'keep-storage'
    const pruned = await this.#transport.json<{
      CachesDeleted: string[] | null
      SpaceReclaimed: number
    }>('POST', '/build/prune', {
      query: {
        all: options.all,
        filters: filtersQuery(options.filters),
        [reserved]: options.reservedSpace,
        'max-used-space': options.maxUsedSpace,
        'min-free-space': options.minFreeSpace,
      },
    })
    return { CachesDeleted: pruned.CachesDeleted ?? [], SpaceReclaimed: pruned.SpaceReclaimed }
  }

  async list(): Promise<BuildSummary[]> {
    return await this.#history.list()
  }

  async inspect(id: string): Promise<BuildRecord> {
    return await this.#history.inspect(id)
  }

  async *log(
    id: string,
    options: { follow?: boolean } = {},
    signal?: AbortSignal,
  ): AsyncGenerator<BuildLogEvent> {
    yield* this.#history.log(id, options, signal)
  }

  async cancel(id: string): Promise<void> {
    await this.#history.cancel(id)
  }

  async pin(id: string, pinned: boolean): Promise<void> {
    await this.#history.pin(id, pinned)
  }

  async forget(id: string): Promise<void> {
    await this.#history.forget(id)
  }

  async *watch(signal?: AbortSignal): AsyncGenerator<BuildChange> {
    yield* this.#history.watch(signal)
  }

  /** @throws NOT_IMPLEMENTED when none is kept */
  get #history(): BuildHistory {
    if (this.#records) return this.#records.history
    throw new NotImplementedError(
      `the engine at ${this.#transport.url} keeps no records of builds: the Docker API has no call for it`,
    )
  }
}

type BuildLine = ImageProgress & {
  error?: string
  errorDetail?: { code?: number; message?: string }
}

/** What the classic builder's endpoint has no place for. */
function refuseUnsent(request: BuildRequest): void {
  if (request.context.dockerfile !== undefined && !('empty' in request.context))
    throw new NotImplementedError('a remote engine takes its Dockerfile from the context')
  if (request.secret) throw new NotImplementedError('a remote engine takes no secrets for a build')
  if (request.ssh) throw new NotImplementedError('a remote engine takes no ssh agent for a build')
  const unsent = {
    contexts: Object.keys(request.contexts ?? {}),
    'cache imports': request.cacheImports ?? [],
    'cache exports': request.cacheExports ?? [],
    'stages without cache': request.noCacheFilter ?? [],
  }
  for (const [what, list] of Object.entries(unsent))
    if (list.length > 0)
      throw new NotImplementedError(`a remote engine takes no ${what} for a build`)
  if (request.hostname !== undefined)
    throw new NotImplementedError('a remote engine takes no hostname for a build')
  if ((request.entitlements ?? []).length > 0)
    throw new NotImplementedError('a remote engine takes no entitlements for a build')
}

/** A context of nothing but a Dockerfile is an archive of that. */
function archiveOf(context: BuildContext): Readable | undefined {
  if ('tar' in context) return context.tar
  if ('open' in context) return context.open()
  if (!('empty' in context)) return undefined
  const content = Buffer.from(context.dockerfile ?? '')
  const header = tarHeader({ type: 'file', name: 'Dockerfile', size: content.length })
  return Readable.from([encodeHeader(header), content, tarPadding(content.length), TAR_END])
}

/** Reads steps out of the classic builder's words. */
class LineReader {
  #step = ''
  #image = ''
  #result = ''
  #cached = false
  #headingIsOpen = false

  take(line: BuildLine): BuildEvent[] {
    const message = line.errorDetail?.message ?? line.error
    if (message !== undefined) {
      const exitCode = line.errorDetail?.code
      throw new BuildError(message, exitCode === undefined ? {} : { exitCode })
    }
    const image = line.aux?.ID
    if (image !== undefined) {
      this.#image = image
      return []
    }
    if (line.stream === undefined) return [{ kind: 'progress', step: this.#step, progress: line }]
    return this.#stream(line.stream)
  }

  end(tags: string[]): BuildEvent {
    return { kind: 'built', image: this.#image, tags }
  }

  #stream(text: string): BuildEvent[] {
    const at = new Date().toISOString()
    // dockerd sends the end of the heading's line by itself
    const isEndOfHeading = this.#headingIsOpen && text === '\n'
    this.#headingIsOpen = false
    if (isEndOfHeading) return []
    const [, number = '', total = '', instruction = ''] =
      /^Step (\d+)\/(\d+) : (.*)$/s.exec(text.replace(/\n$/, '')) ?? []
    if (number !== '') {
      const done = this.#finished(at)
      this.#step = number
      this.#headingIsOpen = !text.endsWith('\n')
      return [
        ...done,
        {
          kind: 'started',
          step: number,
          name: `[${number}/${total}] ${instruction.split('\n', 1)[0] ?? ''}`,
          number: Number(number),
          total: Number(total),
          instruction,
          at,
        },
      ]
    }
    if (/^ ---> Using cache\n?$/.test(text)) {
      this.#cached = true
      return []
    }
    const result = /^ ---> ([0-9a-f]{12})\n?$/.exec(text)?.[1]
    if (result !== undefined) {
      this.#result = result
      return []
    }
    const built = /^Successfully built ([0-9a-f]{12})\n?$/.exec(text)?.[1]
    if (built !== undefined) {
      if (this.#image === '') this.#image = built
      return this.#finished(at)
    }
    if (
      /^( ---> (Running in|Removed intermediate container) |Removing intermediate container |Successfully tagged )/.test(
        text,
      )
    )
      return []
    const warning = /^\[Warning\] (.*)\n?$/s.exec(text)?.[1]
    if (warning !== undefined) return [{ kind: 'warning', message: warning }]
    if (text === '') return []
    return [{ kind: 'log', step: this.#step, stream: 'stdout', data: Buffer.from(text), at }]
  }

  #finished(at: string): BuildEvent[] {
    if (this.#step === '') return []
    const event: BuildEvent = {
      kind: 'finished',
      step: this.#step,
      cached: this.#cached,
      result: this.#result,
      at,
    }
    this.#step = ''
    this.#cached = false
    return [event]
  }
}

function json(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value)
}
