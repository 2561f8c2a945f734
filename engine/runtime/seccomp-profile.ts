import { z } from 'zod'
import { InvalidParameterError } from '../errors.ts'
import type { HostConfig } from '../types/docker.ts'
import type { OciSeccomp, OciSeccompRule } from '../types/oci-runtime.ts'
import { capabilitiesOf } from './capabilities.ts'
import { isKernelAtLeast, kernelVersion } from './kernel-version.ts'
import { DEFAULT_PROFILE } from './seccomp-default.ts'
import { parseSecurityOptions } from './security-options.ts'

/**
 * A profile as Docker's users write it: OCI's, with conditions.
 * @see https://docs.docker.com/engine/security/seccomp/
 */
export interface DockerSeccomp {
  defaultAction: string
  defaultErrnoRet?: number | undefined
  architectures?: string[] | null | undefined
  archMap?:
    { architecture: string; subArchitectures?: string[] | null | undefined }[] | null | undefined
  flags?: string[] | null | undefined
  syscalls?: DockerSeccompRule[] | null | undefined
}

export interface DockerSeccompRule {
  name?: string | undefined
  names?: string[] | undefined
  action: string
  errnoRet?: number | undefined
  args?: OciSeccompRule['args'] | null | undefined
  includes?: Condition | undefined
  excludes?: Condition | undefined
}

interface Condition {
  arches?: string[] | undefined
  caps?: string[] | undefined
  /** Lowest kernel version, as `4.8`. */
  minKernel?: string | undefined
}

/** What a profile's conditions are judged by. */
export interface SeccompHost {
  /** Docker's name: amd64, arm64. */
  architecture: string
  /** [major, minor] */
  kernel: [number, number]
}

/**
 * The seccomp profile of a container: the default, the one given inline, or none at all (unconfined, or privileged
 * without one of its own).
 *
 * @throws INVALID_PARAMETER when the profile given is malformed
 */
export function seccompProfileFor(
  hostConfig: Pick<HostConfig, 'CapAdd' | 'CapDrop' | 'Privileged' | 'SecurityOpt'>,
): OciSeccomp | undefined {
  const { seccomp } = parseSecurityOptions(hostConfig.SecurityOpt)
  if (seccomp === 'unconfined') return undefined
  const isDefault = seccomp === undefined || seccomp === 'builtin'
  if (isDefault && hostConfig.Privileged === true) return undefined
  const profile = isDefault ? DEFAULT_PROFILE : parseProfile(seccomp)
  return resolveProfile(profile, capabilitiesOf(hostConfig))
}

/** Keeps the rules whose conditions hold. */
export function resolveProfile(
  profile: DockerSeccomp,
  capabilities: readonly string[],
  host: SeccompHost = thisHost(),
): OciSeccomp {
  if (profile.syscalls?.some(({ name = '', names = [] }) => name !== '' && names.length > 0))
    throw new InvalidParameterError(
      "both 'name' and 'names' are specified in the seccomp profile, use either 'name' or 'names'",
    )
  const rules = (profile.syscalls ?? []).filter(
    ({ excludes, includes }) =>
      isMet(includes, capabilities, host, true) && isMet(excludes, capabilities, host, false),
  )
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet === undefined ? {} : { defaultErrnoRet: profile.defaultErrnoRet }),
    architectures: architecturesOf(profile, host),
    ...(profile.flags && profile.flags.length > 0 ? { flags: profile.flags } : {}),
    syscalls: rules.map(({ action, args, errnoRet, name, names }) => ({
      names: [...(name === undefined ? [] : [name]), ...(names ?? [])],
      action,
      ...(errnoRet === undefined ? {} : { errnoRet }),
      ...(args && args.length > 0 ? { args } : {}),
    })),
  }
}

/** `includes` want each of their kinds met (every capability); `excludes` any of them, each alone, to leave a rule out. */
function isMet(
  condition: Condition | undefined,
  capabilities: readonly string[],
  host: SeccompHost,
  wanted: boolean,
): boolean {
  if (!condition) return true
  const { arches, caps, minKernel } = condition
  const onArch = arches && arches.length > 0 ? arches.includes(host.architecture) === wanted : true
  const withCaps =
    caps && caps.length > 0
      ? wanted
        ? caps.every((name) => capabilities.includes(name))
        : !caps.some((name) => capabilities.includes(name))
      : true
  const onKernel =
    minKernel !== undefined && minKernel !== ''
      ? isAtLeast(host.kernel, minKernel) === wanted
      : true
  return onArch && withCaps && onKernel
}

function isAtLeast(kernel: [number, number], version: string): boolean {
  const [, wantedMajor, wantedMinor] = /^(\d+)\.(\d+)/.exec(version) ?? []
  if (wantedMajor === undefined)
    throw new InvalidParameterError(`invalid minKernel in seccomp profile: ${version}`)
  return isKernelAtLeast(Number(wantedMajor), Number(wantedMinor), kernel)
}

const NATIVE: Record<string, string> = { amd64: 'SCMP_ARCH_X86_64', arm64: 'SCMP_ARCH_AARCH64' }

function architecturesOf(profile: DockerSeccomp, host: SeccompHost): string[] {
  if (profile.archMap && profile.archMap.length > 0) {
    if (profile.architectures && profile.architectures.length > 0) {
      throw new InvalidParameterError(
        "both 'architectures' and 'archMap' are specified in the seccomp profile, use either 'architectures' or 'archMap'",
      )
    }
    const entry = profile.archMap.find(
      ({ architecture }) => architecture === NATIVE[host.architecture],
    )
    return entry ? [entry.architecture, ...(entry.subArchitectures ?? [])] : []
  }
  return profile.architectures ?? []
}

let host: SeccompHost | undefined

function thisHost(): SeccompHost {
  return (host ??= {
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    kernel: kernelVersion(),
  })
}

const number = z.union([
  z.number().int().nonnegative(),
  z
    .string()
    .regex(/^\d{1,20}$/)
    .transform(BigInt),
])

const condition = z
  .object({
    arches: z
      .array(z.string())
      .nullish()
      .transform((list) => list ?? undefined),
    caps: z
      .array(z.string())
      .nullish()
      .transform((list) => list ?? undefined),
    minKernel: z.string().optional(),
  })
  .nullish()
  .transform((value) => value ?? undefined)

const schema = z.object({
  defaultAction: z.string(),
  defaultErrnoRet: z.number().int().min(0).max(4095).optional(),
  architectures: z.array(z.string()).nullish(),
  archMap: z
    .array(z.object({ architecture: z.string(), subArchitectures: z.array(z.string()).nullish() }))
    .nullish(),
  flags: z.array(z.string()).nullish(),
  listenerPath: z.string().optional(),
  syscalls: z
    .array(
      z.object({
        name: z.string().optional(),
        names: z.array(z.string()).optional(),
        action: z.string(),
        errnoRet: z.number().int().min(0).max(4095).optional(),
        args: z
          .array(
            z.object({
              index: z.number().int().min(0).max(5),
              value: number,
              valueTwo: number.optional(),
              op: z.string(),
            }),
          )
          .nullish(),
        includes: condition,
        excludes: condition,
      }),
    )
    .nullish(),
})

/** @throws INVALID_PARAMETER when the text is no profile, NOT_IMPLEMENTED when it wants a listener */
export function parseProfile(text: string): DockerSeccomp {
  let json: unknown
  try {
    // 64-bit values are more than a double holds: they go through as strings
    json = JSON.parse(text.replace(/("value(?:Two)?"\s*:\s*)(\d{16,20})(?=\s*[,}])/g, '$1"$2"'))
  } catch (error) {
    throw new InvalidParameterError(
      `Decoding seccomp profile failed: ${(error as Error).message}`,
      { cause: error },
    )
  }
  const parsed = schema.safeParse(json)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new InvalidParameterError(
      `Decoding seccomp profile failed: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
    )
  }
  if (parsed.data.listenerPath !== undefined) {
    throw new InvalidParameterError(
      'SecurityOpt: a seccomp profile with a listenerPath is not supported',
    )
  }
  return parsed.data
}
