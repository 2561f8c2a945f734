import { engine } from '@/components/engine/client.ts'
import { tagsOf } from './image-name.ts'

/** Removes an image with all its tags: tag by tag, as the engine refuses an ID that several names point to. */
export async function removeImage(
  image: { Id: string; RepoTags?: string[] | null },
  tags: string[] = tagsOf(image),
): Promise<void> {
  for (const reference of tagsOf(image).length === 0 ? [image.Id] : tags)
    await engine.delete(`/images/${encodeURI(reference)}`)
}
