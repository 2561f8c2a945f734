/**
 * What travels over Socket.IO (path `/live`, cookie-authenticated): shared by server/live and the browser.
 *
 * A browser subscribes to topics; the server answers with a snapshot, then sends changes. Each topic has one upstream
 * on the server however many browsers watch. A browser too slow to take a topic's data loses data, never memory:
 * stats and lists skip to the newest, logs say how many lines were left out.
 */
import type { BuildRecord, BuildSummary } from '../../engine/contract/builds.ts'
import type { ContainerSummary, EventMessage } from '../../engine/types/docker.ts'

export interface ClientToServer {
  /** Starts a topic; the acknowledgement carries its snapshot, or the error in words. */
  subscribe: <T extends TopicName>(
    topic: T,
    argument: string,
    ack: (answer: Answer<Topics[T]['snapshot']>) => void,
  ) => void
  unsubscribe: (topic: TopicName, argument: string) => void

  /** Opens a terminal (exec with a TTY, or attach); the session lives on the server until it ends or is closed. */
  'terminal:open': (request: TerminalRequest, ack: (answer: Answer<TerminalOpened>) => void) => void
  /** Joins a session again after a reload, a lost network or a restarted server; its last output is replayed. */
  'terminal:join': (
    session: string,
    size: Size,
    ack: (answer: Answer<TerminalOpened>) => void,
  ) => void
  /**
   * Typed or pasted bytes, at most 64 KiB a message. The optional acknowledgement comes when the container has taken
   * them (`true`), or not (`false`: the session is over, or more than 1 MiB waits already): send the next chunk of a
   * paste after it.
   */
  'terminal:input': (
    session: string,
    data: string | Uint8Array,
    ack?: (taken: boolean) => void,
  ) => void
  'terminal:resize': (session: string, size: Size) => void
  /** Ends the session: kills an exec, detaches an attach. */
  'terminal:close': (session: string) => void
}

export interface ServerToClient {
  /** A change of a subscribed topic. */
  topic: <T extends TopicName>(topic: T, argument: string, change: Topics[T]['change']) => void
  'terminal:output': (session: string, data: Uint8Array) => void
  /** The session is over; `exitCode` is null when it is not known (attach, lost). */
  'terminal:end': (session: string, end: { exitCode: number | null; message?: string }) => void
}

export type Answer<T> = { ok: true; value: T } | { ok: false; code: string; message: string }

export interface Size {
  rows: number
  cols: number
}

/** Every topic with the argument it takes, its snapshot and its changes. */
export interface Topics {
  /** All containers. No argument. Changes carry only rows that differ. */
  containers: {
    snapshot: ContainerSummary[]
    change: { changed: ContainerSummary[]; removed: string[] }
  }
  /** One line per event. No argument; the snapshot holds the last events, oldest first. */
  events: { snapshot: EventMessage[]; change: EventMessage[] }
  /** Light samples of all running containers, once a second while anyone watches. No argument. */
  fleet: { snapshot: FleetSample[]; change: FleetSample[] }
  /** All numbers of one container, once a second; argument: its full ID. The snapshot holds what was seen in the last hour. */
  stats: { snapshot: StatsSample[]; change: StatsSample[] }
  /**
   * Lines as they are printed; argument: its full ID. The snapshot is the last lines on the server (the ring);
   * older ones come from `GET /api/engine/containers/{id}/logs?timestamps=1`. Timestamps rise strictly within a
   * container, so lines from both sources are joined by them.
   */
  logs: { snapshot: LogBatch; change: LogBatch }
  /** The host once every 2 s. No argument. */
  host: { snapshot: HostSample[]; change: HostSample[] }
  /** Builds under way and on record, newest first. No argument. Changes carry only builds that differ. */
  builds: { snapshot: BuildSummary[]; change: { changed: BuildSummary[]; removed: string[] } }
  /**
   * One build with what its steps print; argument: its ID. The snapshot holds the last lines on the server; others come
   * from `GET /api/builds/{id}/lines`, asked for by their numbers, as do those that a slow browser missed.
   */
  build: { snapshot: BuildView; change: BuildViewChange }
  /** Jobs (pull, push, build, deploy, load): all of them. No argument. Changes carry the jobs that differ. */
  jobs: { snapshot: Job[]; change: Job[] }
  /** Something in images, networks or volumes changed: read the list again. No argument. */
  changes: { snapshot: null; change: { type: 'image' | 'network' | 'volume' }[] }
}

export type TopicName = keyof Topics

/** One moment of one container, as lists show it. */
export interface FleetSample {
  id: string
  /** Per cent of one core. */
  cpu: number
  /** Bytes without reclaimable cache. */
  memory: number
  memoryLimit: number
}

/** One moment of one container. Rates are per second since the sample before, NaN-free (0 at first). */
export interface StatsSample {
  /** Milliseconds since the epoch. */
  time: number
  /** The mean of so long, until `time`; one moment without it. Counters and limits are those at the end. */
  spanMs?: number
  /** Per cent of one core. */
  cpu: number
  cpuCount: number
  throttledPeriods: number
  memory: number
  memoryCache: number
  memoryLimit: number
  networkRxRate: number
  networkTxRate: number
  networkRx: number
  networkTx: number
  blockReadRate: number
  blockWriteRate: number
  blockRead: number
  blockWrite: number
  pids: number
  pidsLimit: number | null
}

export interface HostSample {
  time: number
  /** Per cent of all cores. */
  cpu: number
  cpuCount: number
  memoryUsed: number
  memoryTotal: number
  /** Of the file system that holds the data. */
  diskUsed: number
  diskTotal: number
  load1: number
}

export interface LogLine {
  /** RFC 3339 with nanoseconds. */
  time: string
  stream: 'stdout' | 'stderr'
  /** Without the final newline, ANSI codes kept. */
  text: string
}

export interface LogBatch {
  lines: LogLine[]
  /** Lines left out before these because this browser was too slow. */
  skipped: number
  /** The container has ended; more comes if it starts again. */
  ended?: boolean
}

export interface BuildView {
  build: BuildRecord
  lines: BuildLine[]
  /** Lines there are in all: the newest has the number one less. */
  total: number
}

export interface BuildViewChange {
  /** When it is another than before. The Dockerfile comes once, when it is known, and is left out after that. */
  build: (Omit<BuildRecord, 'dockerfileText'> & { dockerfileText?: string | null }) | null
  lines: BuildLine[]
  total: number
}

/** A line that a step printed, or a note about it. */
export interface BuildLine {
  /** Its number in the whole log, from 0. */
  n: number
  /** As in BuildRecord.steps. */
  step: string
  stream: 'stdout' | 'stderr' | 'note'
  /** Without the newline, ANSI codes kept. */
  text: string
  /** RFC 3339; of a note, the time of the line before. */
  time: string
}

export interface TerminalRequest {
  containerId: string
  kind: 'exec' | 'attach'
  /** exec: command; empty to find the best shell (bash, zsh, ash, sh). */
  command?: string[]
  user?: string
  workdir?: string
  size: Size
}

export interface TerminalOpened {
  session: string
  kind: 'exec' | 'attach'
  /** What runs, to show in the tab. */
  title: string
}

export interface Job {
  id: string
  /** Of a build, `id` is the build's too. */
  kind: 'pull' | 'push' | 'deploy' | 'load' | 'build'
  title: string
  state: 'running' | 'done' | 'failed' | 'cancelled'
  startedAt: number
  endedAt: number | null
  /** What happens now, or went wrong. */
  message: string
  /** Layers by ID, in the order they appeared. */
  layers: JobLayer[]
  /** Bytes over the wire, of all layers together. */
  transfer: JobTransfer
  /** deploy: the container made. pull, push, load, build: the image names. */
  result: { containerId?: string; images?: string[] } | null
  /** Who began it. */
  user: string
}

export interface JobLayer {
  id: string
  status: string
  current: number
  total: number
}

export interface JobTransfer {
  current: number
  /** Of the layers whose size is known. */
  total: number
  /** Layers whose size is not known yet. */
  unknown: number
  /** Mean of the last seconds. */
  bytesPerSecond: number
}
