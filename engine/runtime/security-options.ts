import { InvalidParameterError } from '../errors.ts'
import { goBoolean } from '../go-boolean.ts'
import type { HostConfig } from '../types/docker.ts'

/** What `--security-opt` asks for. */
export interface SecurityOptions {
  noNewPrivileges: boolean
  /** `unconfined`, the JSON text of a profile, or undefined for the default. */
  seccomp: string | undefined
  apparmor: string | undefined
  /** `disable`, or `user:…`, `role:…`, `type:…`, `level:…`. */
  labels: string[]
  /** Neither masked nor read-only paths in /proc and /sys. */
  systemPathsUnconfined: boolean
  /** The container's own cgroup can be written to. */
  writableCgroups: boolean
}

/**
 * @throws INVALID_PARAMETER when one is not of a known kind
 * @see HostConfig.SecurityOpt, Docker Engine API
 */
export function parseSecurityOptions(options: HostConfig['SecurityOpt'] | null): SecurityOptions {
  const parsed: SecurityOptions = {
    noNewPrivileges: false,
    seccomp: undefined,
    apparmor: undefined,
    labels: [],
    systemPathsUnconfined: false,
    writableCgroups: false,
  }
  for (const option of options ?? []) apply(parsed, option)
  return parsed
}

function apply(parsed: SecurityOptions, option: string): void {
  if (option === 'no-new-privileges') {
    parsed.noNewPrivileges = true
    return
  }
  if (option === 'writable-cgroups') {
    parsed.writableCgroups = true
    return
  }
  if (!/[=:]/.test(option)) throw new InvalidParameterError(`invalid --security-opt 1: "${option}"`)
  // the old way to write it had a colon: `label:disable`; a profile's JSON has both
  const [, key = '', value = ''] = /^([^=:]+)[=:](.*)$/s.exec(option) ?? []
  switch (key) {
    case 'no-new-privileges':
      parsed.noNewPrivileges = parseBoolean(option, value)
      return
    case 'writable-cgroups':
      if (value !== 'true' && value !== 'false')
        throw new InvalidParameterError(`invalid --security-opt 2: "${option}"`)
      parsed.writableCgroups = value === 'true'
      return
    case 'seccomp':
      parsed.seccomp = value
      return
    case 'apparmor':
      parsed.apparmor = value
      return
    case 'label':
      parsed.labels.push(value)
      return
    case 'systempaths':
      if (value !== 'unconfined')
        throw new InvalidParameterError(`invalid --security-opt 2: "${option}"`)
      parsed.systemPathsUnconfined = true
      return
    default:
      throw new InvalidParameterError(`invalid --security-opt 2: "${option}"`)
  }
}

function parseBoolean(option: string, value: string): boolean {
  const truth = goBoolean(value)
  if (truth === undefined) throw new InvalidParameterError(`invalid --security-opt 2: "${option}"`)
  return truth
}
