import { IgnoreRules } from '@/server/api/ignore-rules.ts'
import { pathInFolder } from './pack-folder.ts'

/**
 * The files of a chosen folder that are sent: all but those that its ignore file leaves out. The Dockerfile and the
 * ignore file go in any case, as docker build sends them: the engine reads them, and takes them away where they are
 * ignored.
 *
 * @param dockerfile its path in the folder, or empty for the usual one
 * @throws INVALID_PARAMETER when a pattern of the ignore file is malformed
 * @see https://docs.docker.com/build/concepts/context/, ".dockerignore files"
 */
export async function filesToSend(files: readonly File[], dockerfile: string): Promise<File[]> {
  const name = dockerfile === '' ? 'Dockerfile' : dockerfile.replace(/^\.?\//, '')
  const fileAt = (path: string) => files.find((file) => pathInFolder(file) === path)
  const ignore = fileAt(`${name}.dockerignore`) ?? fileAt('.dockerignore')
  if (ignore === undefined) return [...files]
  const rules = IgnoreRules.parse(await ignore.text())
  const needed = fileAt(name) ?? fileAt('dockerfile')
  return files.filter(
    (file) => file === ignore || file === needed || !rules.excludes(pathInFolder(file)),
  )
}
