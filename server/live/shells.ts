import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine } from '../../engine/contract.ts'
import { errorCode, errorMessage, NotFoundError } from '../../engine/errors.ts'
import type { TerminalRequest } from './protocol.ts'

const SHELLS = ['bash', 'zsh', 'ash', 'sh']
/** What a program that cannot be started exits with. */
const CANNOT_START = new Set([126, 127])
const POLL_MS = 10
const LONGEST_POLLS = 200

export interface OpenedExec {
  execId: string
  title: string
  stream: Duplex
}

/**
 * Starts the request's command in a terminal, or the best shell that the container has.
 *
 * @throws NOT_FOUND when it has none; what the engine says when a given command cannot be started
 */
export async function findShell(
  engine: Pick<Engine, 'execs'>,
  request: TerminalRequest,
): Promise<OpenedExec> {
  if (request.command && request.command.length > 0) {
    return (
      (await tryCommand(engine, request, request.command, true)) ?? cannotStart(request.command)
    )
  }
  for (const shell of SHELLS) {
    const opened = await tryCommand(engine, request, [shell], false)
    if (opened) return opened
  }
  throw new NotFoundError(
    `This container has no shell (tried ${SHELLS.join(', ')}). Give the command to run, or attach to it.`,
  )
}

/** @returns undefined when the container lacks the program; with `strict` that throws in the engine's words instead */
async function tryCommand(
  engine: Pick<Engine, 'execs'>,
  request: TerminalRequest,
  command: string[],
  strict: boolean,
): Promise<OpenedExec | undefined> {
  const { size } = request
  const { Id } = await engine.execs.create(request.containerId, {
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Tty: true,
    ConsoleSize: [size.rows, size.cols],
    Env: ['TERM=xterm-256color', 'COLORTERM=truecolor', 'LANG=C.UTF-8'],
    Cmd: command,
    ...(request.user ? { User: request.user } : {}),
    ...(request.workdir ? { WorkingDir: request.workdir } : {}),
  })
  let stream: Duplex | undefined
  try {
    ;({ stream } = await engine.execs.start(Id, { Tty: true, ConsoleSize: [size.rows, size.cols] }))
  } catch (error) {
    if (!strict && isMissing(error)) return undefined
    throw error
  }
  if (!stream) throw new Error('the engine gave no stream for a terminal')
  // Read from here on by the session; a listener for errors until then.
  stream.on('error', () => undefined)
  if (!(await hasStarted(engine, Id))) {
    const words = strict ? await readSome(stream) : ''
    stream.destroy()
    if (strict && words !== '') throw new NotFoundError(words)
    return undefined
  }
  return { execId: Id, title: command.join(' '), stream }
}

/** dockerd answers before it has tried: what came of it is then only in the exec's state. */
async function hasStarted(engine: Pick<Engine, 'execs'>, execId: string): Promise<boolean> {
  for (let i = 0; i < LONGEST_POLLS; i++) {
    const { Running, ExitCode, Pid } = await engine.execs.inspect(execId)
    if (Running && Pid > 0) return true
    if (!Running && ExitCode !== null) return !CANNOT_START.has(ExitCode)
    await sleep(POLL_MS)
  }
  return true
}

async function readSome(stream: Duplex): Promise<string> {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  await Promise.race([new Promise((resolve) => stream.once('end', resolve)), sleep(200)])
  return Buffer.concat(chunks).toString('utf8').trim()
}

function isMissing(error: unknown): boolean {
  if (errorCode(error) === 'INVALID_PARAMETER' || errorCode(error) === 'NOT_FOUND') {
    return /no such file|not found|executable/i.test(errorMessage(error))
  }
  return /executable file not found|no such file or directory/i.test(errorMessage(error))
}

function cannotStart(command: string[]): never {
  throw new NotFoundError(`${command[0] ?? ''} cannot be started in this container.`)
}
