import type { Filters } from '../contract/common.ts'

/** Filters as the API takes them; nothing at all when there are none. */
export function filtersQuery(filters: Filters | undefined): string | undefined {
  return filters === undefined || Object.keys(filters).length === 0
    ? undefined
    : JSON.stringify(filters)
}

/** Seconds since the epoch with up to nanoseconds, never in exponent form. */
export function timeQuery(seconds: number | undefined): string | undefined {
  return seconds === undefined ? undefined : seconds.toFixed(9)
}

/** A path segment out of an ID or a name given by a user, the name maybe with the slash that Docker writes before it. */
export function segment(name: string): string {
  return encodeURIComponent(name.replace(/^\//, ''))
}

/** The path of an image's name, whose slashes stay. */
export function imagePath(name: string): string {
  return name.split('/').map(encodeURIComponent).join('/')
}
