import { ignorePatterns, IgnoreRules } from '@/server/api/ignore-rules.ts'
import type { ContextFile } from './context-file.ts'

/**
 * The files of a context that are sent: all but those that its ignore file leaves out. The Dockerfile and the ignore
 * file go in any case, as docker build sends them: the engine reads them, and takes them away where they are ignored.
 *
 * @param dockerfile its path in the context, or empty for the usual one
 * @throws INVALID_PARAMETER when a pattern of the ignore file is malformed
 * @see https://docs.docker.com/build/concepts/context/, ".dockerignore files"
 */
export async function filesToSend(
  files: readonly ContextFile[],
  dockerfile: string,
): Promise<ContextFile[]> {
  const name = dockerfile === '' ? 'Dockerfile' : dockerfile.replace(/^\.?\//, '')
  const fileAt = (path: string) => files.find((file) => file.path === path)
  const ignore = fileAt(`${name}.dockerignore`) ?? fileAt('.dockerignore')
  if (ignore === undefined) return [...files]
  const rules = new IgnoreRules(ignorePatterns(await (await ignore.content()).text()))
  const needed = fileAt(name) ?? fileAt('dockerfile')
  return files.filter((file) => file === ignore || file === needed || !rules.excludes(file.path))
}
