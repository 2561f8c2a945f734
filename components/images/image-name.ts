import type { ContainerSummary, ImageSummary } from '@/engine/types/docker.ts'
import type { WithPlatform } from '@/engine/types/gantry.ts'
import { shortId } from '@/components/containers/container-name.ts'

/** An image as lists have it. */
export type ListedImage = ImageSummary & WithPlatform

/** Its tags, those of no registry in particular first; an image without any is dangling. */
export function tagsOf(image: { RepoTags?: string[] | null }): string[] {
  const tags = (image.RepoTags ?? []).filter((tag) => tag !== '<none>:<none>')
  return [...tags.filter((tag) => !namesRegistry(tag)), ...tags.filter(namesRegistry)]
}

/** Whether the first part is a host, by Docker's rule: it has a dot or a port, or is localhost. */
export function namesRegistry(reference: string): boolean {
  const slash = reference.indexOf('/')
  return slash > 0 && /[.:]|^localhost$/.test(reference.slice(0, slash))
}

/** A tag as it is read beside another of the image: where only the end differs, the end. */
export function tagBeside(tag: string, other: string | undefined): string {
  const colon = tag.lastIndexOf(':')
  return other?.startsWith(tag.slice(0, colon + 1)) ? tag.slice(colon) : tag
}

export function isDangling(image: ImageSummary): boolean {
  return tagsOf(image).length === 0
}

/** Its first tag, or the short ID of one that has none. */
export function imageName(image: { Id: string; RepoTags?: string[] | null }): string {
  return tagsOf(image)[0] ?? shortId(image.Id)
}

/** What the engine is to be asked for, to get this image and no other. */
export function imageReference(image: { Id: string; RepoTags?: string[] | null }): string {
  return tagsOf(image)[0] ?? image.Id
}

/** The page of an image, by ID or by a name that may come to mean another. */
export function imageHref(nameOrId: string, tab = ''): string {
  return `/images/${encodeURIComponent(nameOrId.replace(/^sha256:/, ''))}${tab}`
}

/** IDs of the images that a container needs: the one it stands on, and those that are mounted in it. */
export function imagesOf({ ImageID, Mounts }: ContainerSummary): string[] {
  const mounted = (Mounts ?? []).flatMap(({ Source, Type }) =>
    Type === 'image' && Source !== undefined ? [Source] : [],
  )
  return [...new Set([ImageID ?? '', ...mounted])]
}

/** Containers by the images that they need. */
export function usersByImage(containers: ContainerSummary[]): Map<string, ContainerSummary[]> {
  const users = new Map<string, ContainerSummary[]>()
  for (const container of containers) {
    for (const id of imagesOf(container)) {
      const others = users.get(id)
      if (others === undefined) users.set(id, [container])
      else others.push(container)
    }
  }
  return users
}

/** Bytes that go with this image alone. */
export function uniqueBytes(image: ImageSummary): number {
  return image.Size - Math.max(0, image.SharedSize)
}
