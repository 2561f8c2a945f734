import type { ContainerSummary, ImageSummary } from '@/engine/types/docker.ts'

/** Its tags; an image without any is dangling. */
export function tagsOf(image: ImageSummary): string[] {
  return image.RepoTags.filter((tag) => tag !== '<none>:<none>')
}

export function isDangling(image: ImageSummary): boolean {
  return tagsOf(image).length === 0
}

export function usersOf(image: ImageSummary, containers: ContainerSummary[]): ContainerSummary[] {
  return containers.filter((container) => container.ImageID === image.Id)
}
