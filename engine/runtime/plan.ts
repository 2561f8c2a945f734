import { InvalidParameterError } from '../errors.ts'
import type { OciMount, OciProcess } from '../types/oci-runtime.ts'
import { cgroupMounts } from './cgroup-mounts.ts'
import { MS, parseMount, type FlatMount } from './mount-options.ts'
import { CgroupFlag, isCgroup2 } from './plan/cgroups.ts'
import { writeDevices } from './plan/devices.ts'
import { writeExec, writeLaunch } from './plan/launch.ts'
import { writeMount } from './plan/mount.ts'
import { NAMESPACE, writeNamespaces } from './plan/namespaces.ts'
import { writeProcess } from './plan/process.ts'
import { writePropagation, writeRoot } from './plan/root.ts'
import { PlanWriter, Rec } from './plan/writer.ts'
import type { LaunchOptions } from './launch-options.ts'
import type { ViewOptions } from './view.ts'

/**
 * Flattens an OCI spec and how it is to be run into the launch plan that gantry-shim executes.
 *
 * @throws INVALID_PARAMETER naming what the shim cannot do
 * @see engine/native/shim/protocol.h for the format
 */
export function encodePlan(options: LaunchOptions): Buffer {
  const { spec } = options
  const plan = new PlanWriter()
  writeLaunch(plan, options)
  for (const procs of options.cgroup.procs) {
    plan.record(Rec.cgroup, (r) => r.u32(isCgroup2(procs) ? CgroupFlag.v2 : 0).str(procs))
  }
  writeNamespaces(plan, spec)
  writeRoot(plan, options)
  const mounts = spec.mounts.flatMap((mount) => flatten(mount, options))
  writePropagation(plan, spec, options, mounts)
  for (const mount of mounts) writeMount(plan, mount)
  writeDevices(plan, spec)
  for (const masked of spec.linux.maskedPaths ?? []) plan.record(Rec.mask, (r) => r.str(masked))
  for (const guarded of spec.linux.readonlyPaths ?? [])
    plan.record(Rec.readonly, (r) => r.str(guarded))
  if (spec.root.readonly) plan.record(Rec.rootReadonly)
  for (const [key, value] of Object.entries(spec.linux.sysctl ?? {})) {
    plan.record(Rec.sysctl, (r) => r.str(sysctlFile(key)).str(value))
  }
  const { domainname, hostname } = spec
  const ownUts = spec.linux.namespaces.some(
    ({ path, type }) => type === 'uts' && path === undefined,
  )
  if (!ownUts && (hostname !== undefined || domainname !== undefined)) {
    throw new InvalidParameterError('a hostname or domainname needs a UTS namespace of its own')
  }
  if (hostname !== undefined) plan.record(Rec.hostname, (r) => r.str(hostname))
  if (domainname !== undefined) plan.record(Rec.domainname, (r) => r.str(domainname))
  writeProcess(plan, spec.process, options.seccompFilter, spec.linux.seccomp?.flags)
  return plan.finish()
}

/**
 * The plan of a view: a container's root and mounts, and nothing else.
 *
 * @see engine/native/shim/view.c
 */
export function encodeViewPlan(options: ViewOptions): Buffer {
  const plan = new PlanWriter()
  plan.record(Rec.launch, (r) => r.u32(process.pid).u32(0).u32(0).u32(0).u32(0).str(''))
  plan.record(Rec.new, (r) => r.u32(NAMESPACE.mount))
  writeRoot(plan, options)
  plan.record(Rec.propagation, (r) => r.u64(MS.SLAVE | MS.REC).u64(0))
  for (const mount of options.mounts) writeMount(plan, { ...parseMount(mount), optional: true })
  if (options.readonly) plan.record(Rec.rootReadonly)
  // every plan has a process; that of a view is never executed
  plan.record(Rec.args, (r) => r.strings(['view']))
  const { workingDir } = options
  if (workingDir !== undefined) plan.record(Rec.cwd, (r) => r.str(workingDir))
  return plan.finish()
}

/** The plan of a process that joins a running container. */
export function encodeExecPlan(options: {
  id: string
  process: OciProcess
  seccompFilter?: Buffer | undefined
}): Buffer {
  const plan = new PlanWriter()
  writeExec(plan, options.id, options.process)
  writeProcess(plan, options.process, options.seccompFilter)
  return plan.finish()
}

function flatten(mount: OciMount, options: LaunchOptions): FlatMount[] {
  if (mount.type === 'cgroup' || mount.type === 'cgroup2') {
    return cgroupMounts(mount, {
      ownNamespace: options.spec.linux.namespaces.some(({ type }) => type === 'cgroup'),
      procs: options.cgroup.procs,
    })
  }
  return [parseMount(mount)]
}

/** @throws INVALID_PARAMETER when the key would leave /proc/sys */
function sysctlFile(key: string): string {
  const parts = key.includes('/') ? key.split('/') : key.split('.')
  if (parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw new InvalidParameterError(`invalid sysctl "${key}"`)
  }
  // with dots between parts a slash stands for a dot within one, see sysctl(8)
  return `/proc/sys/${parts.join('/')}`
}
