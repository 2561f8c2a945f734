import { NotFoundError } from '../errors.ts'
import type { Caller, ExecConfig } from '../contract.ts'

/** A command prepared, running or ended in a container. */
export interface Exec {
  id: string
  containerId: string
  config: ExecConfig
  createdBy: Caller | undefined
  state: 'created' | 'running' | 'ended'
  pid: number
  exitCode: number | null
}

/** How long the exit code of an ended exec can still be asked for. */
const REMEMBERED_MS = 5 * 60_000

/** All execs of this engine by ID. */
export class ExecTable {
  readonly #execs = new Map<string, Exec>()

  add(exec: Exec): Exec {
    this.#execs.set(exec.id, exec)
    return exec
  }

  /** @throws NOT_FOUND in Docker's words */
  get(id: string): Exec {
    const exec = this.#execs.get(id)
    if (!exec) throw new NotFoundError(`No such exec instance: ${id}`)
    return exec
  }

  idsOf(containerId: string): string[] {
    return [...this.#execs.values()]
      .filter((exec) => exec.containerId === containerId && exec.state !== 'ended')
      .map((exec) => exec.id)
  }

  end(exec: Exec, exitCode: number): void {
    exec.state = 'ended'
    exec.exitCode = exitCode
    setTimeout(() => this.#execs.delete(exec.id), REMEMBERED_MS).unref()
  }

  forgetContainer(containerId: string): void {
    for (const exec of this.#execs.values())
      if (exec.containerId === containerId) this.#execs.delete(exec.id)
  }
}
