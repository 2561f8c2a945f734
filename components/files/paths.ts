/** Paths inside a container: absolute, without a slash at the end but for the root. */

/** `/etc/`, `etc`, `/var/../etc` → `/etc`. What `..` means is decided by the text, as the engine does. */
export function cleanPath(path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}

export function joined(directory: string, name: string): string {
  return directory === '/' ? `/${name}` : `${directory}/${name}`
}

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/'
}

export function baseOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** Why a name cannot be a file's; undefined when it can. */
export function wrongName(name: string): string | undefined {
  if (name.includes('/')) return 'A name has no slash in it'
  if (name === '.' || name === '..') return 'This name means a directory already'
  if (new TextEncoder().encode(name).length > 255) return 'At most 255 bytes'
  return undefined
}
