import { InvalidParameterError } from '../errors.ts'
import type { RestartPolicy } from '../types/docker.ts'

/** What a container's end or an engine's start is judged by. */
export interface Ended {
  exitCode: number
  manuallyStopped: boolean
  restartCount: number
}

const FIRST_DELAY_MS = 100
const LONGEST_DELAY_MS = 60_000
/** A container that ran this long starts over with the first delay. */
const STEADY_MS = 10_000

/** Whether a container that has just ended is to be started again. @see RestartPolicy, Docker Engine API */
export function shouldRestart(policy: RestartPolicy | undefined, ended: Ended): boolean {
  if (ended.manuallyStopped) return false
  switch (policy?.Name) {
    case 'always':
    case 'unless-stopped':
      return true
    case 'on-failure': {
      const most = policy.MaximumRetryCount ?? 0
      return ended.exitCode !== 0 && (most === 0 || ended.restartCount < most)
    }
    default:
      return false
  }
}

/** Whether a container found stopped is to be started when the engine starts: `always` forgets a manual stop. */
export function shouldStartWithEngine(policy: RestartPolicy | undefined, ended: Ended): boolean {
  if (policy?.Name === 'always') return true
  return shouldRestart(policy, ended)
}

/** Milliseconds to wait before the next start: doubled each time from 100 ms up to a minute. */
export function restartDelayMs(previousDelayMs: number, ranForMs: number): number {
  if (previousDelayMs === 0 || ranForMs >= STEADY_MS) return FIRST_DELAY_MS
  return Math.min(previousDelayMs * 2, LONGEST_DELAY_MS)
}

/** @throws INVALID_PARAMETER in Docker's words */
export function checkRestartPolicy(policy: RestartPolicy | undefined, autoRemove: boolean): void {
  const name: string = policy?.Name ?? ''
  const retries = policy?.MaximumRetryCount ?? 0
  if (!['', 'no', 'always', 'unless-stopped', 'on-failure'].includes(name)) {
    throw new InvalidParameterError(
      `invalid restart policy: unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
    )
  }
  if (retries < 0)
    throw new InvalidParameterError(
      'invalid restart policy: maximum retry count cannot be negative',
    )
  if (retries > 0 && name !== 'on-failure') {
    throw new InvalidParameterError(
      "invalid restart policy: maximum retry count can only be used with 'on-failure'",
    )
  }
  if (autoRemove && name !== '' && name !== 'no') {
    throw new InvalidParameterError("can't create 'AutoRemove' container with restart policy")
  }
}
