import type { ContainerState } from './document.ts'

/**
 * The words of `docker ps`'s STATUS column: `Up 3 minutes (healthy)`, `Exited (137) 2 hours ago`.
 *
 * @param now milliseconds since the epoch
 */
export function statusText(
  state: ContainerState,
  health: string | undefined,
  now = Date.now(),
): string {
  const since = (time: string): string => humanDuration((now - Date.parse(time)) / 1000)
  switch (state.status) {
    case 'created':
      return 'Created'
    case 'running': {
      const note =
        health === undefined || health === 'none'
          ? ''
          : ` (${health === 'starting' ? 'health: starting' : health})`
      return `Up ${since(state.startedAt)}${note}`
    }
    case 'paused':
      return `Up ${since(state.startedAt)} (Paused)`
    case 'restarting':
      return `Restarting (${String(state.exitCode)}) ${since(state.finishedAt)} ago`
    case 'exited':
      return `Exited (${String(state.exitCode)}) ${since(state.finishedAt)} ago`
    case 'removing':
      return 'Removal In Progress'
    case 'dead':
      return 'Dead'
  }
}

/** Seconds as `Less than a second`, `42 seconds`, `About a minute`, `3 days`: the words the docker CLI's users know. */
export function humanDuration(seconds: number): string {
  const minutes = Math.floor(seconds / 60)
  const hours = Math.round(seconds / 3600)
  if (seconds < 1) return 'Less than a second'
  if (seconds < 2) return '1 second'
  if (seconds < 60) return `${String(Math.floor(seconds))} seconds`
  if (minutes === 1) return 'About a minute'
  if (minutes < 60) return `${String(minutes)} minutes`
  if (hours === 1) return 'About an hour'
  if (hours < 48) return `${String(hours)} hours`
  if (hours < 24 * 14) return `${String(Math.floor(hours / 24))} days`
  if (hours < 24 * 60) return `${String(Math.floor(hours / 24 / 7))} weeks`
  if (hours < 24 * 365 * 2) return `${String(Math.floor(hours / 24 / 30))} months`
  return `${String(Math.floor(hours / 24 / 365))} years`
}
