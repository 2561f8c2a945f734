import path from 'node:path'
import { InvalidParameterError } from '../../errors.ts'
import type { OciProcess } from '../../types/oci-runtime.ts'
import { CAPABILITIES } from '../capabilities.ts'
import { withinHost, type Rlimit } from '../rlimits.ts'
import { Rec, type PlanWriter } from './writer.ts'

/**
 * What is executed, as whom, and with which rights.
 *
 * @param filter of system calls, compiled
 * @param flags of the filter
 * @throws INVALID_PARAMETER naming what the shim, or the kernel, does not know
 */
export function writeProcess(
  plan: PlanWriter,
  process: OciProcess,
  filter: Buffer | undefined,
  flags: string[] = [],
): void {
  const { apparmorProfile, args, capabilities, cwd, env, oomScoreAdj, user } = process
  if (args.length === 0) throw new InvalidParameterError('No command specified')
  if (process.selinuxLabel)
    throw new InvalidParameterError('process.selinuxLabel: SELinux is not supported')
  if (!path.isAbsolute(cwd))
    throw new InvalidParameterError(
      `the working directory "${cwd}" is invalid, it needs to be an absolute path`,
    )
  plan.record(Rec.args, (r) => r.strings(args))
  plan.record(Rec.env, (r) => r.strings(env))
  plan.record(Rec.cwd, (r) => r.str(cwd))
  plan.record(Rec.user, (r) => {
    const gids = user.additionalGids ?? []
    r.u32(user.uid)
      .u32(user.gid)
      .u32(user.umask ?? 0o022)
      .u32(gids.length)
    for (const gid of gids) r.u32(gid)
  })
  if (capabilities) {
    const { ambient, bounding, effective, inheritable, permitted } = capabilities
    plan.record(Rec.caps, (r) => {
      for (const names of [bounding, effective, permitted, inheritable, ambient])
        r.u64(capabilityBits(names))
    })
  }
  for (const limit of process.rlimits ?? []) writeRlimit(plan, limit)
  if (process.noNewPrivileges) plan.record(Rec.noNewPrivileges)
  if (oomScoreAdj !== undefined) plan.record(Rec.oomScore, (r) => r.u32(oomScoreAdj >>> 0))
  if (filter?.length) plan.record(Rec.seccomp, (r) => r.u32(seccompFlags(flags)).bytes(filter))
  if (apparmorProfile) plan.record(Rec.apparmor, (r) => r.str(apparmorProfile))
}

/** SECCOMP_FILTER_FLAG_*. @see seccomp(2) */
const SECCOMP_FLAGS = new Map<string, number>(
  Object.entries({
    SECCOMP_FILTER_FLAG_TSYNC: 1,
    SECCOMP_FILTER_FLAG_LOG: 2,
    SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
  }),
)

function seccompFlags(names: string[]): number {
  return names.reduce((flags, name) => {
    const flag = SECCOMP_FLAGS.get(name)
    if (flag === undefined) throw new InvalidParameterError(`unknown seccomp flag "${name}"`)
    return flags | flag
  }, 0)
}

/** @throws INVALID_PARAMETER for a name no kernel knows */
function capabilityBits(names: string[]): bigint {
  const known: readonly string[] = CAPABILITIES
  return names.reduce((bits, name) => {
    const bit = known.indexOf(name)
    if (bit < 0) throw new InvalidParameterError(`unknown capability "${name}"`)
    return bits | (1n << BigInt(bit))
  }, 0n)
}

/** @see getrlimit(2) for the numbers, which are the same on x86-64 and arm64 */
const RLIMITS = [
  'CPU',
  'FSIZE',
  'DATA',
  'STACK',
  'CORE',
  'RSS',
  'NPROC',
  'NOFILE',
  'MEMLOCK',
  'AS',
  'LOCKS',
  'SIGPENDING',
  'MSGQUEUE',
  'NICE',
  'RTPRIO',
  'RTTIME',
]

function writeRlimit(plan: PlanWriter, limit: Rlimit): void {
  const resource = RLIMITS.indexOf(limit.type.replace(/^RLIMIT_/, ''))
  if (resource < 0) throw new InvalidParameterError(`unknown rlimit "${limit.type}"`)
  const { hard, soft } = withinHost(limit)
  plan.record(Rec.rlimit, (r) => r.u32(resource).u64(rlimitValue(soft)).u64(rlimitValue(hard)))
}

/** RLIM_INFINITY has all bits set. */
function rlimitValue(value: number): bigint {
  return value === -1 ? 0xffffffffffffffffn : BigInt(value)
}
