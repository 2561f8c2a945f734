import { execFile } from 'node:child_process'
import fs from 'node:fs/promises'
import { promisify } from 'node:util'
import { InvalidParameterError, NotImplementedError } from '../errors.ts'
import type { ContainerTopResponse } from '../types/docker.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { emitContainerEvent } from './context.ts'
import { requireRunning } from './running.ts'

/**
 * The container's processes as the host's `ps` shows them; without options, read from /proc without a process started.
 *
 * @throws CONFLICT when it does not run
 * @see GET /containers/{id}/top
 */
export async function topContainer(
  context: ContainersContext,
  container: Container,
  psArgs?: string,
): Promise<ContainerTopResponse> {
  const pids = requireRunning(container).cgroup.pids()
  const wanted = psArgs === undefined || psArgs.trim() === '' ? '-ef' : psArgs.trim()
  const answer = wanted === '-ef' ? await fullListing(pids) : await runPs(pids, wanted.split(/\s+/))
  emitContainerEvent(context, container, 'top')
  return answer
}

const TITLES = ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD']

/** What `ps -ef` prints. @see proc_pid_stat(5) */
async function fullListing(pids: number[]): Promise<ContainerTopResponse> {
  const [users, bootSeconds] = await Promise.all([userNames(), bootTime()])
  const rows = await Promise.all(
    pids.map(async (pid) => {
      try {
        const [stat, cmdline, status] = await Promise.all([
          fs.readFile(`/proc/${String(pid)}/stat`, 'utf8'),
          fs.readFile(`/proc/${String(pid)}/cmdline`, 'utf8'),
          fs.readFile(`/proc/${String(pid)}/status`, 'utf8'),
        ])
        return processRow(pid, stat, cmdline, status, users, bootSeconds)
      } catch {
        // it ended while we looked
        return undefined
      }
    }),
  )
  return { Titles: TITLES, Processes: rows.filter((row) => row !== undefined) }
}

const TICKS_PER_SECOND = 100

function processRow(
  pid: number,
  stat: string,
  cmdline: string,
  status: string,
  users: Map<string, string>,
  bootSeconds: number,
): string[] {
  // the command's name stands in parentheses and may hold spaces and parentheses itself
  const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const number = (index: number): number => Number(fields[index] ?? 0)
  const cpuSeconds = (number(11) + number(12)) / TICKS_PER_SECOND
  const startSeconds = bootSeconds + number(19) / TICKS_PER_SECOND
  const ageSeconds = Math.max(1, Date.now() / 1000 - startSeconds)
  const uid = /^Uid:\s+(\d+)/m.exec(status)?.[1] ?? '0'
  const command = cmdline.split('\0').filter(Boolean).join(' ')
  return [
    users.get(uid) ?? uid,
    String(pid),
    String(number(1)),
    String(Math.min(99, Math.floor((cpuSeconds / ageSeconds) * 100))),
    startText(new Date(startSeconds * 1000)),
    terminalName(number(4)),
    new Date(cpuSeconds * 1000).toISOString().slice(11, 19),
    command === '' ? `[${name}]` : command,
  ]
}

/** The hour when it started today, else the day. */
function startText(start: Date): string {
  const sameDay = start.toDateString() === new Date().toDateString()
  if (sameDay) return start.toTimeString().slice(0, 5)
  return start.toLocaleDateString('en-US', { month: 'short', day: '2-digit' }).replace(' ', '')
}

/** Major and minor of tty_nr as proc_pid_stat(5) packs them; 136 to 143 are the pseudo terminals. */
function terminalName(ttyNumber: number): string {
  if (ttyNumber === 0) return '?'
  const major = (ttyNumber >> 8) & 0xfff
  const minor = (ttyNumber & 0xff) | ((ttyNumber >> 12) & 0xfff00)
  if (major >= 136 && major <= 143) return `pts/${String((major - 136) * 256 + minor)}`
  return major === 4 ? `tty${String(minor)}` : '?'
}

async function userNames(): Promise<Map<string, string>> {
  const passwd = await fs.readFile('/etc/passwd', 'utf8').catch(() => '')
  return new Map(
    passwd
      .split('\n')
      .map((line) => line.split(':'))
      .map(([name = '', , uid = '']) => [uid, name]),
  )
}

async function bootTime(): Promise<number> {
  return Number(/^btime (\d+)/m.exec(await fs.readFile('/proc/stat', 'utf8'))?.[1] ?? 0)
}

async function runPs(pids: number[], args: string[]): Promise<ContainerTopResponse> {
  // a column may not pass for the one that tells whose a line is
  const posing = /\s([^\s]*)=\s*(PID[^\s]*)/.exec(` ${args.join(' ')}`)
  if (posing && posing[1] !== 'pid') {
    throw new InvalidParameterError(
      `specifying "${posing[1] ?? ''}=${posing[2] ?? ''}" is not allowed`,
    )
  }
  const ps = (...words: string[]) => promisify(execFile)('ps', words, { maxBuffer: 16 << 20 })
  // asked for by their numbers, as Docker does: options such as `-o` alone would only show this terminal's processes;
  // options that choose processes themselves do not go with it
  const byNumber = ps(...args, `-q${pids.join(',')}`).catch(() => ps(...args))
  const { stdout } = await byNumber.catch((error: unknown) => {
    const { code, stderr } = error as { code?: unknown; stderr?: string }
    if (code === 'ENOENT')
      throw new NotImplementedError(
        'top with ps options needs the program ps on the host (package procps)',
      )
    const [first = ''] = (stderr ?? String(error)).trim().split('\n')
    throw new InvalidParameterError(`ps: ${first}`, { cause: error })
  })
  return parsePs(stdout, new Set(pids.map(String)))
}

/**
 * Takes the lines of some processes out of what `ps` printed. Where it prints threads, they have no number of their own
 * and follow the line of their process.
 *
 * @throws INVALID_PARAMETER when there is no column PID
 */
export function parsePs(stdout: string, pids: ReadonlySet<string>): ContainerTopResponse {
  const [header = '', ...lines] = stdout.trimEnd().split('\n')
  const titles = header.trim().split(/\s+/)
  const pidColumn = titles.indexOf('PID')
  if (pidColumn < 0) throw new InvalidParameterError("Couldn't find PID field in ps output")
  const rows: string[][] = []
  let isOurs = false
  for (const line of lines) {
    const words = line.trim().split(/\s+/)
    const pid = words[pidColumn] ?? ''
    if (pid !== '-') isOurs = pids.has(pid)
    if (!isOurs) continue
    // the last column may have spaces in it
    rows.push([...words.slice(0, titles.length - 1), words.slice(titles.length - 1).join(' ')])
  }
  return { Titles: titles, Processes: rows }
}
