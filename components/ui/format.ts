/** Numbers as operations staff read them. Sizes are binary (KiB, MiB), as the kernel counts limits. */

const SIZES = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** `1536` → `1.5 KiB`. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes) || bytes < 0) return '–'
  let value = bytes
  let unit = 0
  while (value >= 1023.5 && unit < SIZES.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${SIZES[unit] ?? ''}`
}

/** `12.34` → `12.3 %`; below ten two digits, above a hundred none. */
export function formatPercent(value: number): string {
  if (!Number.isFinite(value)) return '–'
  return `${value >= 99.95 ? Math.round(value) : value >= 9.995 ? value.toFixed(1) : value.toFixed(2)}%`
}

/** A span of time in its two largest useful units: `45s`, `3m 20s`, `5h 12m`, `9d 4h`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return pair(minutes, 'm', seconds % 60, 's')
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return pair(hours, 'h', minutes % 60, 'm')
  const days = Math.floor(hours / 24)
  return days < 100 ? pair(days, 'd', hours % 24, 'h') : `${days}d`
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit} ${small}${smallUnit}`
}

/** One unit is enough for "when": `45s`, `3m`, `5h`, `9d`, `14mo`, `3y`. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`
  const days = Math.floor(seconds / 86_400)
  if (days < 90) return `${days}d`
  return days < 730 ? `${Math.floor(days / 30)}mo` : `${Math.floor(days / 365)}y`
}

/** The local date and time, to the second: `2026-11-21 08:41:07`. */
export function formatTime(ms: number): string {
  const date = new Date(ms)
  const two = (value: number) => String(value).padStart(2, '0')
  return (
    `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ` +
    `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  )
}

/** `count(3, 'container')` → `3 containers`. */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? noun : plural}`
}
