import os from 'node:os'
import { InvalidParameterError } from '../errors.ts'
import type { Descriptor } from './descriptor.ts'

export interface Platform {
  os: string
  architecture: string
  variant?: string | undefined
}

const ARCHITECTURES: Record<string, string> = {
  x64: 'amd64',
  ia32: '386',
  arm64: 'arm64',
  arm: 'arm',
  ppc64: 'ppc64le',
  s390x: 's390x',
  riscv64: 'riscv64',
  loong64: 'loong64',
}

/** What this machine runs. */
export function hostPlatform(): Platform {
  return normalise({ os: 'linux', architecture: ARCHITECTURES[os.arch()] ?? os.arch() })
}

/** What may stand alone: there is nothing else by which to tell a system from a processor, and both from a slip. */
const KNOWN_SYSTEMS = new Set([
  'aix', 'android', 'darwin', 'dragonfly', 'freebsd', 'hurd', 'illumos', 'ios', 'js', 'linux', 'nacl', 'netbsd', 'openbsd',
  'plan9', 'solaris', 'windows', 'zos',
]) // prettier-ignore
const KNOWN_ARCHITECTURES = new Set([
  '386', 'amd64', 'amd64p32', 'arm', 'arm64', 'arm64be', 'armbe', 'loong64', 'mips', 'mips64', 'mips64le', 'mips64p32',
  'mips64p32le', 'mipsle', 'ppc', 'ppc64', 'ppc64le', 'riscv', 'riscv64', 's390', 's390x', 'sparc', 'sparc64', 'wasm',
]) // prettier-ignore

/**
 * Reads `os[/arch[/variant]]`, `arch` alone, with the aliases that Docker takes (`x86_64`, `aarch64` …).
 *
 * @throws INVALID_PARAMETER in Docker's words
 * @see containerd/platforms, "Parse": of one word alone it is asked whether it is known
 */
export function parsePlatform(text: string): Platform {
  const refuse = (why: string): never => {
    throw new InvalidParameterError(`invalid platform ${JSON.stringify(text)}: ${why}`)
  }
  const parts = text.toLowerCase().split('/')
  for (const [index, part] of parts.entries())
    if (!/^[a-z0-9_.-]+$/.test(part))
      refuse(`${JSON.stringify(part)} is an invalid ${index === 0 ? 'OS component' : 'component'}`)
  if (parts.length > 3) refuse('cannot parse platform specifier')
  const [first = '', second, third] = parts
  const os = first === 'macos' ? 'darwin' : first
  if (second !== undefined) return normalise({ os, architecture: second, variant: third })
  if (KNOWN_SYSTEMS.has(os)) return normalise({ ...hostPlatform(), os })
  const alone = normalise({ os: 'linux', architecture: first })
  if (!KNOWN_ARCHITECTURES.has(alone.architecture))
    refuse('unknown operating system or architecture')
  return alone
}

export function formatPlatform({ os: system, architecture, variant }: Platform): string {
  return [system, architecture, variant].filter(Boolean).join('/')
}

/**
 * The entry of an index for a platform: the same variant, else the nearest older one that the machine also runs.
 *
 * @returns undefined when there is none
 * @see containerd/platforms, "Comparers": arm v8 runs v7, v6, v5
 */
export function choosePlatform(
  entries: readonly Descriptor[],
  wanted: Platform,
): Descriptor | undefined {
  const target = normalise(wanted)
  let best: Descriptor | undefined
  let bestRank = Infinity
  for (const entry of entries) {
    const rank = rankOf(entry, target)
    // the first of equals, as the index's author ordered them
    if (rank < bestRank) {
      best = entry
      bestRank = rank
    }
  }
  return best
}

/** True when an image for `found` runs where `wanted` is asked for. */
export function platformMatches(found: Platform, wanted: Platform): boolean {
  const a = normalise(found)
  const b = normalise(wanted)
  return (
    a.os === b.os &&
    a.architecture === b.architecture &&
    (!b.variant || !a.variant || a.variant === b.variant)
  )
}

function rankOf(entry: Descriptor, target: Platform): number {
  const { os: system, architecture, variant } = entry.platform ?? {}
  if (system === undefined || architecture === undefined) return Infinity
  const found = normalise({ os: system, architecture, variant: variant ?? undefined })
  if (found.os !== target.os || found.architecture !== target.architecture) return Infinity
  if (found.variant === target.variant) return 0
  const has = Number(/^v(\d+)/.exec(found.variant ?? 'v1')?.[1] ?? 0)
  const can = Number(/^v(\d+)/.exec(target.variant ?? 'v1')?.[1] ?? 0)
  return has <= can ? 1 + can - has : Infinity
}

function normalise({ os: system, architecture, variant }: Platform): Platform {
  let arch = architecture
  let kind = variant === '' ? undefined : variant
  if (['x86_64', 'x86-64'].includes(arch)) arch = 'amd64'
  else if (['i386', 'i486', 'i586', 'i686'].includes(arch)) arch = '386'
  else if (arch === 'aarch64') arch = 'arm64'
  else if (arch === 'armhf') arch = 'arm'
  else if (arch === 'armel') [arch, kind] = ['arm', 'v6']
  if (arch === 'arm64' && (kind === 'v8' || kind === '8')) kind = undefined
  if (arch === 'amd64' && kind === 'v1') kind = undefined
  if (arch === 'arm') kind = kind === undefined ? 'v7' : kind.startsWith('v') ? kind : `v${kind}`
  return kind === undefined
    ? { os: system, architecture: arch }
    : { os: system, architecture: arch, variant: kind }
}
