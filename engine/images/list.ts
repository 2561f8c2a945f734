import type { ImageListOptions } from '../contract/images.ts'
import { InvalidParameterError } from '../errors.ts'
import { booleanFilter, checkFilters, matchesAny, matchesLabels } from '../filters.ts'
import type { ImageSummary } from '../types/docker.ts'
import type { WithPlatform } from '../types/gantry.ts'
import { parseMoment } from '../until.ts'
import { createdMoment } from './image.ts'
import { familiarName, familiarReference } from './reference.ts'
import type { ImageStore } from './store.ts'
import { layerUses, summaryOf } from './summaries.ts'

const FILTERS = ['dangling', 'label', 'label!', 'before', 'since', 'reference', 'until']

/**
 * The images, newest first.
 *
 * @throws INVALID_PARAMETER for an unknown filter, NOT_FOUND for `before` or `since` an image that is not there
 * @see GET /images/json
 */
export function listImages(
  store: ImageStore,
  options: ImageListOptions = {},
): (ImageSummary & WithPlatform)[] {
  const filters = options.filters ?? {}
  checkFilters(filters, FILTERS)
  const dangling = booleanFilter(filters, 'dangling')
  const before = momentOf(store, filters['before'], Math.min) ?? Infinity
  const since = momentOf(store, filters['since'], Math.max) ?? -Infinity
  const until = Math.min(...(filters['until'] ?? []).map((text) => parseMoment(text)))

  const uses = options.sharedSize === true ? layerUses(store.all()) : undefined
  const summaries: (ImageSummary & WithPlatform)[] = []
  for (const image of store.all()) {
    const created = createdMoment(image.config)
    if (created >= before || created <= since || created >= until) continue
    if (!matchesLabels(filters, image.config.config.Labels)) continue
    const tagged = store.referencesOf(image.id)
    // a name by digest alone is listed either way, as with Docker
    if (dangling === true && tagged.some(({ digest }) => digest === undefined)) continue
    if (dangling === false && tagged.length === 0) continue
    const summary = summaryOf(store, image, uses)
    if ((filters['reference'] ?? []).length > 0) {
      const matching = tagged.filter((reference) =>
        matchesAny(filters, 'reference', (pattern) => {
          const matches = globMatcher(pattern)
          return matches(familiarReference(reference)) || matches(familiarName(reference))
        }),
      )
      if (matching.length === 0) continue
      summary.RepoTags = matching
        .filter(({ digest }) => digest === undefined)
        .map(familiarReference)
      summary.RepoDigests = matching
        .filter(({ digest }) => digest !== undefined)
        .map(familiarReference)
    }
    summaries.push(summary)
  }
  return summaries.sort((a, b) => b.Created - a.Created || a.Id.localeCompare(b.Id))
}

/** When the images that a filter names were made; the narrowest of them. */
function momentOf(
  store: ImageStore,
  names: string[] | undefined,
  narrowest: (...values: number[]) => number,
): number | undefined {
  if (names === undefined || names.length === 0) return undefined
  return narrowest(...names.map((name) => createdMoment(store.find(name).config)))
}

/**
 * Matches as Go's path.Match: `*` and `?` do not cross a slash, `[a-z]` is a class, a backslash takes the next literally.
 *
 * @throws INVALID_PARAMETER on a class without an end
 */
export function globMatcher(pattern: string): (text: string) => boolean {
  let source = ''
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i] ?? ''
    if (char === '*') source += '[^/]*'
    else if (char === '?') source += '[^/]'
    else if (char === '[') {
      const end = pattern.indexOf(']', i + 2)
      if (end < 0)
        throw new InvalidParameterError(`invalid reference pattern ${JSON.stringify(pattern)}`)
      source += `[${pattern.slice(i + 1, end).replace(/[\\[\]]/g, '\\$&')}]`
      i = end
    } else {
      const literal = char === '\\' ? (pattern[++i] ?? '\\') : char
      source += literal.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
    }
  }
  let expression: RegExp
  try {
    expression = new RegExp(`^${source}$`)
  } catch (cause) {
    throw new InvalidParameterError(`invalid reference pattern ${JSON.stringify(pattern)}`, {
      cause,
    })
  }
  return (text) => expression.test(text)
}
