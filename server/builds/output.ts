import type { Readable } from 'node:stream'
import type { Engine } from '../../engine/contract.ts'
import { ConflictError, errorCode, NotFoundError } from '../../engine/errors.ts'

/**
 * The result of a build as a tar: the files of the image, or the image as an OCI layout.
 *
 * @throws NOT_FOUND when there is no such build or its image is gone, CONFLICT when it led to none
 */
export async function outputOf(
  engine: Engine,
  id: string,
  type: 'files' | 'oci',
  signal: AbortSignal,
): Promise<{ name: string; tar: Readable }> {
  const { image, tags } = await engine.builds.inspect(id)
  if (image === null) throw new ConflictError(`Build ${id} has no result.`)
  try {
    await engine.images.inspect(image)
  } catch (error) {
    if (errorCode(error) !== 'NOT_FOUND') throw error
    throw new NotFoundError('The image of this build has been removed: build again.', {
      cause: error,
    })
  }
  const base = (tags[0] ?? `build-${id.slice(0, 12)}`).replace(/[^\w.-]+/g, '_')
  if (type === 'files')
    return { name: `${base}.tar`, tar: await engine.images.files(image, signal) }
  const name = await currentName(engine, image, tags)
  return { name: `${base}.oci.tar`, tar: await engine.images.save([name], {}, signal) }
}

/** An image goes out under its name as long as that is its own still. */
async function currentName(
  engine: Engine,
  image: string,
  tags: readonly string[],
): Promise<string> {
  const { RepoTags } = await engine.images.inspect(image)
  return tags.find((tag) => RepoTags?.includes(tag) === true) ?? image
}
