import { InvalidParameterError } from './errors.ts'
import type { Filters } from './contract/common.ts'

/**
 * Refuses filters the list in question does not know, as Docker does.
 *
 * @throws INVALID_PARAMETER "invalid filter 'x'"
 */
export function checkFilters(filters: Filters, known: readonly string[]): void {
  for (const name of Object.keys(filters)) {
    if (!known.includes(name)) throw new InvalidParameterError(`invalid filter '${name}'`)
  }
}

/** True when the filter is not given or one of its values passes. */
export function matchesAny(
  filters: Filters,
  name: string,
  passes: (value: string) => boolean,
): boolean {
  const values = filters[name]
  return values === undefined || values.length === 0 || values.some(passes)
}

/** `label=key` or `label=key=value`, all of which have to hold; `label!` none of which may. */
export function matchesLabels(filters: Filters, labels: Record<string, string> = {}): boolean {
  const holds = (wanted: string): boolean => {
    const at = wanted.indexOf('=')
    return at < 0
      ? Object.hasOwn(labels, wanted)
      : labels[wanted.slice(0, at)] === wanted.slice(at + 1)
  }
  return (filters['label'] ?? []).every(holds) && !(filters['label!'] ?? []).some(holds)
}

/**
 * A yes-or-no filter such as `dangling`; undefined when not given.
 *
 * @throws INVALID_PARAMETER when its values say neither or both
 * @see moby: api/types/filters/parse.go, GetBoolOrDefault: fewer words than strconv.ParseBool takes
 */
export function booleanFilter(filters: Filters, name: string): boolean | undefined {
  const values = filters[name] ?? []
  if (values.length === 0) return undefined
  const isTrue = values.includes('1') || values.includes('true')
  const isFalse = values.includes('0') || values.includes('false')
  if (isTrue === isFalse)
    throw new InvalidParameterError(`invalid filter '${name}=[${values.join(' ')}]'`)
  return isTrue
}
