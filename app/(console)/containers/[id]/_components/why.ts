import type { ContainerInspectResponse } from '@/engine/types/docker.ts'

/** Why a container is in its state, in words: what is so, what that means, what to look at next. */
export interface Why {
  tone: 'ok' | 'warn' | 'bad' | 'neutral'
  title: string
  details: string[]
}

export function whyOf(container: ContainerInspectResponse): Why {
  const state = container.State ?? {}
  const details = state.Error ? [state.Error] : []
  switch (state.Status) {
    case 'running': {
      const failing = state.Health?.FailingStreak ?? 0
      if (state.Health?.Status === 'unhealthy') {
        return {
          tone: 'bad',
          title: 'It runs, but its health check fails',
          details: [
            failing === 1 ? 'The last check failed.' : `The last ${failing} checks failed.`,
            ...restarts(container),
          ],
        }
      }
      if (state.Health?.Status === 'starting') {
        return {
          tone: 'warn',
          title: 'It runs; its health check has not passed yet',
          details: restarts(container),
        }
      }
      return { tone: 'ok', title: 'It runs', details: restarts(container) }
    }
    case 'paused':
      return { tone: 'warn', title: 'Paused: its processes are frozen where they were', details }
    case 'restarting':
      return {
        tone: 'warn',
        title: `It ended with ${decodeExit(state.ExitCode ?? 0, state.OOMKilled === true).short} and will be started again`,
        details: [...details, ...meaning(container), ...restarts(container)],
      }
    case 'exited': {
      const { short } = decodeExit(state.ExitCode ?? 0, state.OOMKilled === true)
      const good = state.ExitCode === 0
      return {
        tone: good ? 'neutral' : 'bad',
        title: good ? 'It finished: exit code 0' : `It ended with ${short}`,
        details: [...details, ...meaning(container), ...restarts(container)],
      }
    }
    case 'created':
      return {
        tone: details.length > 0 ? 'bad' : 'neutral',
        title: details.length > 0 ? 'It could not be started' : 'Created, never started',
        details,
      }
    case 'removing':
      return { tone: 'warn', title: 'It is being removed', details }
    case 'dead':
      return { tone: 'bad', title: 'Dead: it ended, and could not be removed whole', details }
    case undefined:
      return { tone: 'neutral', title: 'Its state is not known', details }
    default:
      state.Status satisfies never
      return { tone: 'neutral', title: String(state.Status), details }
  }
}

const SIGNALS: Record<number, string> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  13: 'SIGPIPE',
  14: 'SIGALRM',
  15: 'SIGTERM',
}

const MEANINGS: Record<number, string> = {
  125: 'The container could not be set up; the command never ran.',
  126: 'The command was found, but may not be executed: not executable, or a directory.',
  127: 'The command was not found in the image: look for a typing error or a wrong PATH.',
  130: 'It was interrupted (SIGINT), as by Ctrl+C.',
  134: 'It aborted itself (SIGABRT), often after a failed assertion.',
  139: 'It touched memory that is not its own (segmentation fault).',
  143: 'It was asked to stop (SIGTERM) and did: usual after "stop".',
}

/** An exit code in a few words and in a sentence; from 129 on it is a signal's number plus 128. */
export function decodeExit(
  code: number,
  oomKilled: boolean,
): { short: string; meaning: string | null } {
  const signal = code > 128 && code <= 192 ? (SIGNALS[code - 128] ?? `signal ${code - 128}`) : null
  const short = `exit code ${code}${oomKilled ? ' (out of memory)' : signal === null ? '' : ` (${signal})`}`
  if (oomKilled) {
    return {
      short,
      meaning:
        'The kernel killed it because it used more memory than its limit. Raise the limit, or find what grew.',
    }
  }
  if (code === 137) {
    return {
      short,
      meaning:
        'It was killed (SIGKILL): by "kill", by "stop" when the grace time was over, or because the host ran out of memory.',
    }
  }
  if (code === 0) return { short, meaning: null }
  const known = MEANINGS[code] ?? (signal === null ? null : `It was ended by ${signal}.`)
  return {
    short,
    meaning: known ?? 'The program chose this code itself; its last lines usually say why.',
  }
}

function meaning(container: ContainerInspectResponse): string[] {
  const state = container.State ?? {}
  const words = decodeExit(state.ExitCode ?? 0, state.OOMKilled === true).meaning
  return words === null ? [] : [words]
}

function restarts(container: ContainerInspectResponse): string[] {
  const count = container.RestartCount ?? 0
  if (count === 0) return []
  const policy = container.HostConfig?.RestartPolicy?.Name
  return [
    `Restarted ${count} time${count === 1 ? '' : 's'}${policy ? ` by its policy "${policy}"` : ''}.`,
  ]
}
