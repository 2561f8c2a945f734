import type { ContainerSummary } from '@/engine/types/docker.ts'

/** The name without Docker's leading slash; the short ID while it has none. */
export function containerName(container: Pick<ContainerSummary, 'Id' | 'Names'>): string {
  // A link gives further names of the form /other/alias: its own has one slash.
  const own = container.Names?.find((name) => name.lastIndexOf('/') <= 0) ?? container.Names?.[0]
  return own?.replace(/^\//, '') ?? shortId(container.Id ?? '')
}

/** The 12 characters Docker shows. */
export function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12)
}
