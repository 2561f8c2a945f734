import { wallClock } from '../wall-clock.ts'

/** Now, as Docker writes times: Node's Date holds milliseconds only. */
export function timestamp(): string {
  const now = wallClock()
  const micros = Math.floor((now % 1) * 1000)
  return new Date(now).toISOString().replace('Z', `${micros.toString().padStart(3, '0')}000Z`)
}
