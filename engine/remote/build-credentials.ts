import type { BuildRequest } from '../contract/builds.ts'
import type { RegistryCredentials } from '../contract/common.ts'
import { parseReference } from '../images/reference.ts'

/** An image that a stage is made from or copied from, as the Dockerfile writes it. */
const IMAGE = /^[ \t]*(?:FROM[ \t]+(?:--\S+[ \t]+)*|(?:COPY|ADD)[ \t].*?--from=)(\S+)/gim

/**
 * Credentials that another engine is given with a build, since it cannot ask while it builds: those for Docker Hub, for the
 * registries of the build's own names, and for those of a Dockerfile that is here. One in an archive is not looked for: what it
 * needs beyond those is given as `auth`.
 */
export async function credentialsFor({
  auth = {},
  context,
  credentials,
  tags = [],
}: BuildRequest): Promise<Record<string, RegistryCredentials>> {
  if (!credentials) return auth
  const images = [...(context.dockerfile ?? '').matchAll(IMAGE)].map(([, image = '']) => image)
  const registries = new Set(['docker.io', ...[...tags, ...images].flatMap(registryOf)])
  const found = { ...auth }
  for (const registry of registries) {
    const key = registry === 'docker.io' ? 'https://index.docker.io/v1/' : registry
    if (found[registry] !== undefined || found[key] !== undefined) continue
    const given = await credentials(registry)
    if (given) found[key] = given
  }
  return found
}

/** None of a stage's name with variables in it, or of its number. */
function registryOf(image: string): string[] {
  try {
    return [parseReference(image).domain]
  } catch {
    return []
  }
}
