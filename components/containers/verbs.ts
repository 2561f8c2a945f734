import { engine } from '@/components/engine/client.ts'

export type Verb = 'start' | 'stop' | 'restart' | 'kill' | 'pause' | 'unpause' | 'remove'

export interface RemoveOptions {
  /** Also the anonymous volumes that only it uses. */
  volumes: boolean
}

/** What is shown while it goes on, and when it is done. */
export const verbWords: Record<Verb, { doing: string; done: string; title: string }> = {
  start: { doing: 'Starting', done: 'Started', title: 'Start' },
  stop: { doing: 'Stopping', done: 'Stopped', title: 'Stop' },
  restart: { doing: 'Restarting', done: 'Restarted', title: 'Restart' },
  kill: { doing: 'Killing', done: 'Killed', title: 'Kill' },
  pause: { doing: 'Pausing', done: 'Paused', title: 'Pause' },
  unpause: { doing: 'Resuming', done: 'Resumed', title: 'Resume' },
  remove: { doing: 'Removing', done: 'Removed', title: 'Remove' },
}

/** Does one verb to one container. @throws RequestError with the engine's words */
export async function doVerb(
  verb: Verb,
  id: string,
  options: RemoveOptions = { volumes: false },
): Promise<void> {
  if (verb === 'remove')
    await engine.delete(`/containers/${id}`, { force: true, v: options.volumes })
  else await engine.post(`/containers/${id}/${verb}`)
}

/** Runs the work for each item, at most `limit` at a time, and waits for all; each handles its own failure. */
export async function inParallel<T>(
  items: T[],
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items]
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker))
}
