import { compareNames } from '@/components/page/list-order.ts'
import { DOCKER_HUB } from './use-registries.ts'

/** As docker writes it: `nginx:1`, `box:5000/team/app:1`. */
export function referenceOf(host: string, repository: string, tag: string): string {
  const path = host === DOCKER_HUB ? repository.replace(/^library\//, '') : `${host}/${repository}`
  return tag.includes(':') ? `${path}@${tag}` : `${path}:${tag}`
}

/** Hub’s own images are below `library/`, which nobody writes. */
export function repositoryNamed(host: string, name: string): string {
  const plain = name.trim().replace(/^\/+|\/+$/g, '')
  return host === DOCKER_HUB && plain !== '' && !plain.includes('/') ? `library/${plain}` : plain
}

/** `latest` first, then the highest version. */
export function sortTags(tags: readonly string[]): string[] {
  return [...tags].sort((a, b) => {
    if (a === 'latest' || b === 'latest') return a === b ? 0 : a === 'latest' ? -1 : 1
    return compareNames(b, a)
  })
}
