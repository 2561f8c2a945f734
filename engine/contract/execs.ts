/** Further processes in running containers. @see engine/contract.ts for the conventions */
import type { Duplex } from 'node:stream'
import type { Attributed } from '../types/gantry.ts'
import type { ClientConnection, TerminalSize } from './common.ts'

/** The body of POST /containers/{id}/exec. */
export interface ExecConfig {
  AttachStdin?: boolean
  AttachStdout?: boolean
  AttachStderr?: boolean
  DetachKeys?: string
  Tty?: boolean
  Env?: string[]
  Cmd: string[]
  Privileged?: boolean
  User?: string
  WorkingDir?: string
  /** Height and width. */
  ConsoleSize?: [number, number]
}

export interface ExecInspect extends Attributed {
  ID: string
  ContainerID: string
  Running: boolean
  ExitCode: number | null
  Pid: number
  OpenStdin: boolean
  OpenStdout: boolean
  OpenStderr: boolean
  CanRemove: boolean
  DetachKeys: string
  ProcessConfig: {
    tty: boolean
    entrypoint: string
    arguments: string[]
    privileged: boolean
    user?: string
  }
}

export interface ExecEngine {
  create(containerId: string, config: ExecConfig): Promise<{ Id: string }>
  /** Runs it and resolves once the process is there; `stream` is absent when detached, or when the client was taken. */
  start(execId: string, options?: ExecStartOptions): Promise<{ stream?: Duplex; tty: boolean }>
  /**
   * Joins a running exec again (Gantry's own; a terminal survives a dropped connection and a restarted server by it).
   * With a TTY the last output is replayed first.
   * @throws NOT_IMPLEMENTED by engines that cannot, NOT_FOUND when it is over
   */
  attach(execId: string): Promise<{ stream: Duplex; tty: boolean }>
  resize(execId: string, size: TerminalSize): Promise<void>
  inspect(execId: string): Promise<ExecInspect>
}

export interface ExecStartOptions {
  Detach?: boolean
  Tty?: boolean
  ConsoleSize?: [number, number]
  client?: ClientConnection
}
