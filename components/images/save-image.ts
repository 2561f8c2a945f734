import { imageName, tagsOf } from './image-name.ts'

/** Has the browser download what `docker load` takes: the image with all its tags. */
export function saveImage(image: { Id: string; RepoTags?: string[] | null }): void {
  const tags = tagsOf(image)
  const names = (tags.length === 0 ? [image.Id] : tags).map((name): [string, string] => [
    'names',
    name,
  ])
  const link = document.createElement('a')
  link.href = `/api/engine/images/get?${new URLSearchParams(names).toString()}`
  link.download = `${imageName(image).replace(/[^\w.-]+/g, '_')}.tar`
  link.click()
}
