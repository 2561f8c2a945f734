import type { BuildRequest } from '../contract/builds.ts'
import type { RegistryCredentials } from '../contract/common.ts'
import { authFor } from '../build/blob-source.ts'
import { fromsOf } from '../build/stages.ts'
import { parseDockerfile } from '../dockerfile/parse.ts'
import { GlobalScope } from '../dockerfile/scope.ts'
import { parseReference } from '../images/reference.ts'

/**
 * Credentials that another engine is given with a build, since it cannot ask while it builds: those for Docker Hub, for the
 * registries of the build's own names, and for those of a Dockerfile that is here. One in an archive is not looked for: what it
 * needs beyond those is given as `auth`.
 */
export async function credentialsFor({
  auth = {},
  buildArgs,
  context,
  credentials,
  tags = [],
}: BuildRequest): Promise<Record<string, RegistryCredentials>> {
  if (!credentials) return auth
  const images = imagesOf(context.dockerfile ?? '', buildArgs)
  const registries = new Set(['docker.io', ...[...tags, ...images].flatMap(registryOf)])
  const found = { ...auth }
  for (const registry of registries) {
    const given = await authFor({ auth, credentials }, registry)
    const key = registry === 'docker.io' ? 'https://index.docker.io/v1/' : registry
    if (given.auth) found[key] = given.auth
  }
  return found
}

/**
 * What stages are made from and copied from: images, and names of stages. None of a Dockerfile that cannot be read: it is the
 * other side's to say what is wrong with it.
 */
function imagesOf(source: string, buildArgs: BuildRequest['buildArgs'] = {}): string[] {
  try {
    const { args, directives, stages } = parseDockerfile(source)
    const scope = new GlobalScope(args, buildArgs, {}, directives.escape)
    return stages.flatMap(({ from, instructions }) => [
      scope.expand(from.image),
      ...instructions.flatMap(fromsOf),
    ])
  } catch {
    return []
  }
}

/** None of what is no reference: `scratch` and names of stages are read as images of Docker Hub. */
function registryOf(image: string): string[] {
  try {
    return [parseReference(image).domain]
  } catch {
    return []
  }
}
