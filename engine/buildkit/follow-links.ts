import path from 'node:path'

/** As many as the kernel follows. @see path_resolution(7) */
const MOST_LINKS = 40

/**
 * Where a name leads to among what was sent of a directory, which is the root of all its links.
 *
 * @param links targets of symbolic links, by their names
 * @returns undefined for links that lead in a circle
 */
export function followLinks(name: string, links: ReadonlyMap<string, string>): string | undefined {
  const left = name.split('/')
  let at = '/'
  let followed = 0
  for (let part = left.shift(); part !== undefined; part = left.shift()) {
    const next = path.posix.join(at, part)
    const target = links.get(next.slice(1))
    if (target === undefined) {
      at = next
      continue
    }
    if (++followed > MOST_LINKS) return undefined
    if (target.startsWith('/')) at = '/'
    left.unshift(...target.split('/'))
  }
  return at.slice(1)
}
