import { InvalidParameterError } from '../../errors.ts'
import { nameOf, textOf } from '../../tar/header.ts'
import { pathPattern } from '../../tree/path-pattern.ts'
import { closeFound } from '../merged.ts'
import { mergedNames, placeInMerged } from '../merged-tree.ts'

export interface Source {
  /** Without a slash at its start. */
  path: string
  /** The part that `--parents` keeps. */
  kept: string
}

/**
 * Finds what a path or pattern means in a tree.
 *
 * @param from the tree's roots, topmost first
 * @throws INVALID_PARAMETER when a path without wildcards is not there
 */
export function findSources(from: readonly number[], text: string): Source[] {
  const source = nameOf(text)
  const pivot = source.indexOf('/./')
  const cut = pivot < 0 ? 0 : partsOf(source.slice(0, pivot)).length
  const parts = partsOf(source)
  if (!parts.some((part) => /[*?[\\]/.test(part))) {
    const path = parts.join('/')
    const place = placeInMerged(from, path)
    closeFound(place.found)
    if (!place.found) throw notFound(path)
    return [{ path, kept: parts.slice(cut).join('/') }]
  }
  const found = new Set<string>()
  expand(from, '', parts, found)
  return [...found].sort().map((path) => ({ path, kept: path.split('/').slice(cut).join('/') }))
}

function expand(
  from: readonly number[],
  prefix: string,
  parts: readonly string[],
  found: Set<string>,
): void {
  const [part, ...rest] = parts
  if (part === undefined) {
    if (prefix !== '') found.add(prefix)
    return
  }
  const place = placeInMerged(from, prefix)
  try {
    if (place.found?.kind !== 'dir') return
    const fits = pathPattern(part === '**' ? '*' : textOf(part))
    if (part === '**') expand(from, prefix, rest, found)
    for (const name of mergedNames(place.found.fds)) {
      if (!fits(textOf(name))) continue
      const path = prefix === '' ? name : `${prefix}/${name}`
      const entry = placeInMerged(from, path)
      closeFound(entry.found)
      if (!entry.found) continue
      if (part !== '**') expand(from, path, rest, found)
      else if (entry.found.kind === 'dir') expand(from, path, parts, found)
      else if (rest.length === 0) found.add(path)
    }
  } finally {
    closeFound(place.found)
  }
}

/** Components of a path, `..` taken back by its text and never above the root. */
function partsOf(path: string): string[] {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts
}

export function notFound(path: string): InvalidParameterError {
  return new InvalidParameterError(
    `file not found in build context or excluded by .dockerignore: stat ${textOf(path)}: file does not exist`,
  )
}
