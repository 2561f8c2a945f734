import path from 'node:path'

/**
 * The patterns of a .dockerignore, as they go to a client that leaves out what they match.
 *
 * @see https://docs.docker.com/build/concepts/context/#dockerignore-files
 */
export function ignorePatterns(content: string): string[] {
  return content
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.trim())
    .filter((line) => line !== '' && line !== '!')
    .map((line) => {
      const isException = line.startsWith('!')
      const pattern = path.posix.normalize((isException ? line.slice(1) : line).trim())
      const relative =
        pattern.length > 1 ? pattern.replace(/^\/+/, '').replace(/\/+$/, '') : pattern
      return isException ? `!${relative}` : relative
    })
}
