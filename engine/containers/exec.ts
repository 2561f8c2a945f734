import { randomBytes } from 'node:crypto'
import { Duplex } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { asCaller, attributed, currentCaller, onBehalf, system } from '../caller.ts'
import type { TerminalSize } from '../contract/common.ts'
import type { ExecConfig, ExecInspect, ExecStartOptions } from '../contract/execs.ts'
import { ConflictError, InvalidParameterError, NotFoundError } from '../errors.ts'
import { buildExecProcess } from '../runtime/exec-process.ts'
import { checkMapped } from '../runtime/spec.ts'
import type { OciProcess } from '../types/oci-runtime.ts'
import { detachable } from './attach.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { emitContainerEvent } from './context.ts'
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from './detach-keys.ts'
import type { Exec } from './exec-table.ts'
import { killGroup } from './kill-group.ts'
import { withLinkEnvironment } from './links.ts'
import { filterOf, requireRunning, userInRunning } from './running.ts'
import { idMapOf } from './userns.ts'

/**
 * Prepares a command; nothing runs yet.
 *
 * @param name what the client calls the container
 * @throws CONFLICT when the container does not run or is paused
 * @throws INVALID_PARAMETER when the container knows no such user
 * @see POST /containers/{id}/exec
 */
export async function createExec(
  context: ContainersContext,
  container: Container,
  config: ExecConfig,
  name = container.id,
): Promise<{ Id: string }> {
  requireRunning(container, 'exec', name)
  if (config.Cmd.length === 0) throw new InvalidParameterError('No exec command specified')
  if (config.User) await userInRunning(context, container, config.User)
  if (config.DetachKeys !== undefined && config.DetachKeys !== '')
    parseDetachKeys(config.DetachKeys)
  const exec = context.execs.add({
    id: randomBytes(32).toString('hex'),
    containerId: container.id,
    config,
    createdBy: currentCaller(),
    state: 'created',
    pid: 0,
    exitCode: null,
  })
  emitExecEvent(context, container, exec, `exec_create: ${commandOf(config)}`)
  return { Id: exec.id }
}

/**
 * Runs a prepared command.
 *
 * @throws CONFLICT when it was started before or the container stopped meanwhile
 * @throws INVALID_PARAMETER when it cannot be executed (126, 127)
 * @see POST /exec/{id}/start
 */
export async function startExec(
  context: ContainersContext,
  execId: string,
  options: ExecStartOptions = {},
): Promise<{ stream?: Duplex; tty: boolean }> {
  const exec = context.execs.get(execId)
  const container = context.table.get(exec.containerId)
  if (exec.state === 'running') throw new ConflictError(`exec ${execId} is already running`)
  if (exec.state === 'ended') throw new ConflictError(`exec command ${execId} has already run`)
  const { shim, cgroup } = requireRunning(container, 'exec')
  const { config } = exec
  exec.state = 'running'
  try {
    const process = await processOf(context, container, config, options)
    container.execRecord.add(
      exec,
      context.execs.runningIn(container.id).filter((other) => other !== exec),
    )
    emitExecEvent(context, container, exec, `exec_start: ${commandOf(config)}`)
    const started = await shim.exec({
      id: exec.id,
      process,
      ...filterOf(container, config.Privileged ?? false),
      cgroup,
      stdin: config.AttachStdin ?? false,
      stdout: config.AttachStdout ?? false,
      stderr: config.AttachStderr ?? false,
      detach: options.Detach ?? false,
      client: hasDetachKeys(exec) ? undefined : options.client,
    })
    exec.pid = started.pid
    started.exited.then(
      (code) => {
        endExec(context, container, exec, code)
      },
      () => {
        // the shim died, and everything in the container with it
        endExec(context, container, exec, 137)
      },
    )
    const tty = config.Tty ?? false
    if (options.Detach === true || started.clientTaken) return { tty }
    const stream = started.stream ?? silentUntil(started.exited)
    return { stream: withDetachKeys(context, container, exec, stream), tty }
  } catch (error) {
    context.execs.end(exec, (error as { exitCode?: number }).exitCode ?? 126)
    throw error
  }
}

/** Joins a running exec again. @throws NOT_FOUND when it is over */
export async function attachExec(
  context: ContainersContext,
  execId: string,
): Promise<{ stream: Duplex; tty: boolean }> {
  const exec = context.execs.get(execId)
  const container = context.table.get(exec.containerId)
  if (exec.state !== 'running' || !container.shim)
    throw new NotFoundError(`exec ${execId} is not running`)
  return { stream: await container.shim.attachExec(exec.id), tty: exec.config.Tty ?? false }
}

/** @see POST /exec/{id}/resize */
export async function resizeExec(
  context: ContainersContext,
  execId: string,
  size: TerminalSize,
): Promise<void> {
  const exec = context.execs.get(execId)
  const container = context.table.get(exec.containerId)
  if (exec.state !== 'running' || !container.shim)
    throw new ConflictError(`exec ${execId} is not running`)
  // without a terminal there is nothing to size, and Docker says so to nobody
  if (exec.config.Tty === true) await container.shim.resize(size, exec.id)
}

/** @see GET /exec/{id}/json */
export async function inspectExec(
  context: ContainersContext,
  execId: string,
): Promise<ExecInspect> {
  const exec = context.execs.get(execId)
  // Who has seen the stream end asks once, and relies on the code. The shim has told it before, but epoll may have this
  // request's connection before the shim's: one turn for what is ready beside it, one for what has become so meanwhile.
  for (let turns = 0; exec.state === 'running' && turns < 2; turns++) await nextTurn()
  const { config, containerId, createdBy, exitCode, id, pid, state } = exec
  return {
    ID: id,
    ContainerID: containerId,
    Running: state === 'running',
    ExitCode: exitCode,
    Pid: pid,
    OpenStdin: config.AttachStdin ?? false,
    OpenStdout: config.AttachStdout ?? false,
    OpenStderr: config.AttachStderr ?? false,
    CanRemove: false,
    // as bytes, which JSON of Go's has in base64
    DetachKeys: config.DetachKeys ? parseDetachKeys(config.DetachKeys).toString('base64') : '',
    ProcessConfig: {
      tty: config.Tty ?? false,
      entrypoint: config.Cmd[0] ?? '',
      arguments: config.Cmd.slice(1),
      privileged: config.Privileged ?? false,
      ...(config.User ? { user: config.User } : {}),
    },
    ...attributed(createdBy),
  }
}

async function processOf(
  context: ContainersContext,
  container: Container,
  config: ExecConfig,
  options: ExecStartOptions,
): Promise<OciProcess> {
  const size = options.ConsoleSize ?? config.ConsoleSize
  const user = await userInRunning(
    context,
    container,
    config.User === undefined || config.User === ''
      ? (container.document.config.User ?? '')
      : config.User,
  )
  const ids = idMapOf(container)
  if (ids) checkMapped(user, ids)
  const process = buildExecProcess({
    config: withLinkEnvironment(context, container),
    hostConfig: container.document.hostConfig,
    exec: config,
    user,
  })
  return size && config.Tty === true
    ? { ...process, consoleSize: { height: size[0], width: size[1] } }
    : process
}

/** For who attaches to none of an exec's streams: nothing comes, and it ends with the exec. */
function silentUntil(exited: Promise<number>): Duplex {
  const stream = new Duplex({
    read: () => undefined,
    write: (_chunk, _encoding, done) => {
      done()
    },
  })
  const end = (): void => {
    stream.push(null)
  }
  exited.then(end, end)
  return stream
}

/** They are looked for in what is typed. */
function hasDetachKeys({ config }: Exec): boolean {
  return config.Tty === true && config.AttachStdin === true
}

function withDetachKeys(
  context: ContainersContext,
  container: Container,
  exec: Exec,
  stream: Duplex,
): Duplex {
  const { DetachKeys } = exec.config
  if (!hasDetachKeys(exec)) return stream
  const keys = parseDetachKeys(
    DetachKeys === undefined || DetachKeys === '' ? DEFAULT_DETACH_KEYS : DetachKeys,
  )
  return detachable(
    stream,
    keys,
    onBehalf(() => {
      emitExecEvent(context, container, exec, 'exec_detach')
    }),
  )
}

function endExec(
  context: ContainersContext,
  container: Container,
  exec: Exec,
  exitCode: number,
): void {
  context.execs.end(exec, exitCode)
  asCaller(system('its process ended'), () => {
    emitExecEvent(context, container, exec, 'exec_die', { exitCode: String(exitCode) })
  })
}

/** As events have it: the program, a space, and its arguments. */
function commandOf({ Cmd: [program = '', ...args] }: ExecConfig): string {
  return `${program} ${args.join(' ')}`
}

function emitExecEvent(
  context: ContainersContext,
  container: Container,
  exec: Exec,
  action: string,
  attributes: Record<string, string> = {},
): void {
  emitContainerEvent(context, container, action, { execID: exec.id, ...attributes })
}

/** Takes up the execs that outlived the engine: those the shim still knows. */
export async function recoverExecs(
  context: ContainersContext,
  container: Container,
): Promise<void> {
  const known = new Map((await container.shim?.execs())?.map((exec) => [exec.id, exec]))
  const recorded = await container.execRecord.read()
  for (const { id, pid, running } of known.values()) {
    if (!running) continue
    const record = recorded.get(id)
    if (!record) {
      // a probe of the engine before us: nobody waits for it any more
      killGroup(pid)
      continue
    }
    const { config, createdBy } = record
    const exec = context.execs.add({
      id,
      containerId: container.id,
      config,
      createdBy,
      state: 'running',
      pid,
      exitCode: null,
    })
    container.shim?.execExited(id).then(
      (code) => {
        endExec(context, container, exec, code)
      },
      () => {
        endExec(context, container, exec, 137)
      },
    )
  }
}
