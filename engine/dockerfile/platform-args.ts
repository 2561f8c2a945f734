import { formatPlatform, type Platform } from '../oci/platform.ts'

/**
 * Arguments that every Dockerfile knows without a default of its own; a stage has to declare them by `ARG` to see them.
 *
 * @see https://docs.docker.com/reference/dockerfile/, "Automatic platform ARGs in the global scope"
 */
export function platformArgs(
  build: Platform,
  target: Platform,
  stage: string | undefined,
): Record<string, string> {
  return { ...named('BUILD', build), ...named('TARGET', target), TARGETSTAGE: stage ?? 'default' }
}

function named(prefix: string, platform: Platform): Record<string, string> {
  const { architecture, os, variant = '' } = platform
  return {
    [`${prefix}PLATFORM`]: formatPlatform(platform),
    [`${prefix}OS`]: os,
    [`${prefix}ARCH`]: architecture,
    [`${prefix}VARIANT`]: variant,
  }
}

/** Their names. */
export const PLATFORM_ARGS: readonly string[] = [
  ...['BUILD', 'TARGET'].flatMap((side) =>
    ['PLATFORM', 'OS', 'ARCH', 'VARIANT'].map((what) => side + what),
  ),
  'TARGETSTAGE',
]

/** Known to `RUN` without an `ARG`, when they are given; neither the cache nor the history knows them. */
export const PROXY_ARGS: readonly string[] = [
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'FTP_PROXY',
  'NO_PROXY',
  'ALL_PROXY',
].flatMap((name) => [name, name.toLowerCase()])

/**
 * BuildKit's own arguments. What they mean here: a prefix of the IDs of cache mounts, whether the repository of a context
 * keeps its `.git`, an index also for one platform, and the name of the host that commands see. Images tell their steps
 * anyway (INLINE_CACHE), the front end is always the same (SYNTAX), and no checks are made that could be left out.
 *
 * @see https://docs.docker.com/reference/dockerfile/, "BuildKit built-in build args"
 */
export const BUILDKIT_ARGS: readonly string[] = [
  'BUILDKIT_CACHE_MOUNT_NS',
  'BUILDKIT_CONTEXT_KEEP_GIT_DIR',
  'BUILDKIT_DOCKERFILE_CHECK',
  'BUILDKIT_INLINE_CACHE',
  'BUILDKIT_MULTI_PLATFORM',
  'BUILDKIT_SANDBOX_HOSTNAME',
  'BUILDKIT_SYNTAX',
]
