import { InvalidParameterError } from '../../errors.ts'
import { bytesOf, nameOf, textOf } from '../../tar/header.ts'
import { pathPattern } from '../../tree/path-pattern.ts'
import { closeFound, findMerged, type Found } from '../merged.ts'
import { eachMerged, placeInMerged } from '../merged-tree.ts'

export interface Source {
  /** Without a slash at its start. */
  path: string
  /** The part that `--parents` keeps. */
  kept: string
}

/**
 * Finds what a path or pattern means in a tree. What a pattern goes through is never a link, so that none leads in circles.
 *
 * @param from the tree's roots, topmost first
 * @param keepsLinks a link that is named means itself
 * @throws INVALID_PARAMETER when a path without wildcards is not there
 * @see path/filepath, Match and Walk: what BuildKit looks with
 */
export function findSources(from: readonly number[], text: string, keepsLinks: boolean): Source[] {
  const source = nameOf(text)
  const pivot = source.indexOf('/./')
  const cut = pivot < 0 ? 0 : partsOf(source.slice(0, pivot)).length
  const parts = partsOf(source)
  const isThere = (path: string): boolean => {
    const found = findSource(from, path, keepsLinks)
    closeFound(found)
    return found !== undefined
  }
  const wild = parts.findIndex((part) => /[*?[\\]/.test(part))
  if (wild < 0) {
    const path = parts.join('/')
    if (!isThere(path)) throw notFound(path)
    return [{ path, kept: parts.slice(cut).join('/') }]
  }
  const paths = new Set<string>()
  const base = parts.slice(0, wild).join('/')
  const { found } = placeInMerged(from, base)
  try {
    if (found?.kind === 'dir') expand(found.fds, base, parts.slice(wild), paths)
  } finally {
    closeFound(found)
  }
  return [...paths]
    .filter(isThere)
    .sort()
    .map((path) => ({ path, kept: path.split('/').slice(cut).join('/') }))
}

/** What is at a path in a tree; undefined when there is nothing. Its descriptors are the caller's. */
export function findSource(
  from: readonly number[],
  path: string,
  keepsLinks: boolean,
): Found | undefined {
  if (!keepsLinks || path === '') return placeInMerged(from, path).found
  const slash = path.lastIndexOf('/')
  const { found } = placeInMerged(from, slash < 0 ? '' : path.slice(0, slash))
  try {
    if (found?.kind !== 'dir') return undefined
    return findMerged(found.fds, bytesOf(path.slice(slash + 1)))
  } finally {
    closeFound(found)
  }
}

function expand(
  directories: readonly number[],
  prefix: string,
  parts: readonly string[],
  paths: Set<string>,
): void {
  const [part = '', ...rest] = parts
  const isAnyDepth = part === '**'
  if (isAnyDepth && rest.length > 0) expand(directories, prefix, rest, paths)
  else if (isAnyDepth && prefix !== '') paths.add(prefix)
  const fits = pathPattern(isAnyDepth ? '*' : textOf(part))
  eachMerged(directories, (name, found) => {
    if (!fits(textOf(name))) return
    const path = prefix === '' ? name : `${prefix}/${name}`
    if (found.kind === 'dir' && isAnyDepth) expand(found.fds, path, parts, paths)
    else if (rest.length === 0) paths.add(path)
    else if (found.kind === 'dir') expand(found.fds, path, rest, paths)
  })
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
