import type { NamedContext } from '../contract/builds.ts'
import { isDigest } from '../oci/digest.ts'
import { formatPlatform, parsePlatform } from '../oci/platform.ts'
import { clientContent } from './client-content.ts'
import { GrpcError } from './grpc-error.ts'
import { clientDirectory, keyOf } from './client-directory.ts'
import { loadIgnore } from './load-ignore.ts'
import type { LocalSessions } from './load-definition.ts'
import { passThrough } from './pass-through.ts'
import type { Progress } from './progress.ts'
import { asStep } from './transfers.ts'

/** A named context as a client asks for it; a directory is the client's, to be had by its session. */
export type AskedContext =
  { image: string } | { remote: string } | { local: string } | { store: string; digest: string }

/**
 * Reads `context:<name>` of a build.
 *
 * @param images that are inputs of the build, by their names
 * @throws GrpcError in words, for kinds that are not known
 * @see moby/buildkit frontend/dockerui/namedcontext.go
 */
export function askedContext(
  name: string,
  value: string,
  images: Readonly<Record<string, string>>,
): AskedContext {
  const [, kind = '', rest = ''] = /^([a-z-]+):(?:\/\/)?(.*)$/s.exec(value) ?? []
  switch (kind) {
    case 'docker-image':
      return { image: rest }
    case 'oci-layout': {
      const [, store, digest] = /^([^@:]+)(?::[^@]*)?@(.+)$/.exec(rest) ?? []
      if (store !== undefined && digest !== undefined && isDigest(digest)) return { store, digest }
      throw new GrpcError('UNKNOWN', `context ${name}=${value}: a layout is named with a digest`)
    }
    case 'input': {
      const image = Object.hasOwn(images, rest) ? images[rest] : undefined
      if (image !== undefined) return { image }
      throw new GrpcError('UNKNOWN', `context ${name}=${value}: the build has no such input`)
    }
    case 'local':
      return { local: rest }
    case 'git':
    case 'http':
    case 'https':
    case 'ssh':
      return { remote: value }
    default:
      if (value.startsWith('git@')) return { remote: value }
      throw new GrpcError(
        'UNKNOWN',
        `context ${name}=${value}: only directories, docker-image://, oci-layout:// and addresses are taken here`,
      )
  }
}

/** Those that stand for something in a build for a platform: `name::platform` is before `name`. */
export function contextsFor(
  asked: Readonly<Record<string, AskedContext>>,
  platform: string,
): Record<string, AskedContext> {
  const found: Record<string, AskedContext> = {}
  for (const [key, context] of Object.entries(asked)) {
    const [name = '', only] = key.split('::')
    if (only === undefined) found[name] ??= context
    else if (formatPlatform(parsePlatform(only)) === platform) found[name] = context
  }
  return found
}

/** What a name stands for in a build. */
export function openContext(
  shown: string,
  asked: AskedContext,
  { progress, sessions }: { progress: Progress; sessions: LocalSessions },
  signal: AbortSignal,
): NamedContext {
  if ('store' in asked)
    return { content: clientContent(sessions.own, `oci:${asked.store}`), digest: asked.digest }
  if (!('local' in asked)) return asked
  const { local: name } = asked
  return {
    key: keyOf(sessions.own, name),
    open: (options) =>
      passThrough(async () => {
        const session = await sessions.of(name)
        const words = `[context ${shown}] load .dockerignore`
        const excludes = await loadIgnore(session, { name, words }, progress, signal)
        const directory = clientDirectory(session, { name, excludes, signal })
        return asStep(directory, `[context ${shown}] load from client`, progress).open(options)
      }),
  }
}
