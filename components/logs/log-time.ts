/**
 * Times of log lines: RFC 3339 with nanoseconds in UTC. Kept as text of fixed width, so that comparing the text compares
 * the time; JavaScript's Date would lose the nanoseconds that tell lines apart.
 */

/** How the viewer shows a line's time. */
export type TimeFormat = 'off' | 'local' | 'utc' | 'relative'

/** Fills the fraction to nine digits (`…:05Z` → `…:05.000000000Z`), for Docker trims zeros in places. */
export function normalizeTime(time: string): string {
  if (time.length === 30 && time.endsWith('Z')) return time
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|\+00:00)$/.exec(time)
  if (match) return `${match[1]}.${(match[2] ?? '').padEnd(9, '0')}Z`
  const ms = Date.parse(time)
  if (Number.isNaN(ms)) return time
  // An offset other than UTC: the date is recomputed, the fraction kept.
  const fraction = /\.(\d{1,9})/.exec(time)?.[1] ?? ''
  return `${new Date(ms).toISOString().slice(0, 19)}.${fraction.padEnd(9, '0')}Z`
}

/** Nanoseconds since the epoch (as events carry them; a float, exact to about 256 ns) as a time. */
export function timeFromNanos(timeNano: number): string {
  const ms = Math.floor(timeNano / 1e6)
  const rest = Math.max(0, Math.round(timeNano - ms * 1e6))
  const iso = new Date(ms).toISOString()
  return `${iso.slice(0, 23)}${String(Math.min(999_999, rest)).padStart(6, '0')}Z`
}

/** A time some milliseconds later (or earlier), its finer digits kept. */
export function shiftTime(time: string, ms: number): string {
  const shifted = new Date(Date.parse(`${time.slice(0, 23)}Z`) + ms)
  return `${shifted.toISOString().slice(0, 23)}${time.slice(23)}`
}

/** Seconds since the epoch with nanoseconds, as the API's `since` and `until` take them. */
export function apiTime(time: string): string {
  const seconds = Math.floor(Date.parse(`${time.slice(0, 19)}Z`) / 1000)
  return `${seconds}.${time.slice(20, 29)}`
}

const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
})
const day = new Intl.DateTimeFormat('en', { month: 'short', day: '2-digit' })

export function formatTime(time: string, format: TimeFormat, nowMs = Date.now()): string {
  const ms = Date.parse(time.length === 30 ? `${time.slice(0, 23)}Z` : time)
  if (Number.isNaN(ms)) return time
  switch (format) {
    case 'off':
      return ''
    case 'local':
      return localTime(ms, nowMs)
    case 'utc':
      return `${time.slice(0, 10)} ${time.slice(11, 23)}Z`
    case 'relative':
      return relative(nowMs - ms)
  }
}

/** Characters a time takes in each format; the column is made that wide. */
export const TIME_COLUMNS: Record<TimeFormat, number> = { off: 0, local: 15, utc: 24, relative: 10 }

/** Today's times with milliseconds, others with their day. */
function localTime(ms: number, nowMs: number): string {
  if (new Date(ms).toDateString() !== new Date(nowMs).toDateString()) {
    return `${day.format(ms)} ${clock.format(ms)}`
  }
  return `${clock.format(ms)}.${String(ms % 1000).padStart(3, '0')}`
}

function relative(ms: number): string {
  const seconds = Math.max(0, ms) / 1000
  if (seconds < 10) return `${seconds.toFixed(1)} s ago`
  if (seconds < 60) return `${Math.floor(seconds)} s ago`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`
  return `${Math.floor(seconds / 86400)} d ago`
}
