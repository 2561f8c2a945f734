import path from 'node:path'
import type { OciProcess } from '../types/oci-runtime.ts'
import type { OciBundle, RuntimeCommand } from './bundle.ts'
import { parseMount, type FlatMount } from './mount-options.ts'
import { placeParts } from './mount-parts.ts'
import { CgroupFlag, isCgroup2 } from './plan/cgroups.ts'
import { writeExec, writeLaunch } from './plan/launch.ts'
import { writeMount } from './plan/mount.ts'
import { NAMESPACE } from './plan/namespaces.ts'
import { writePropagation, writeRoot } from './plan/root.ts'
import { PlanWriter, Rec } from './plan/writer.ts'
import type { LaunchOptions } from './launch-options.ts'

/**
 * The launch plan of a container that another OCI runtime makes: how it is supervised, its root, and the commands.
 *
 * @see engine/native/shim/runtime.c for what the shim does with it
 */
export function encodeRuntimePlan(options: LaunchOptions, bundle: OciBundle): Buffer {
  const { spec } = options
  const plan = new PlanWriter()
  writeLaunch(plan, options)
  const unified = unifiedOf(options.cgroup.procs)
  writeCgroups(plan, options, unified)
  // whether everything in it ends with its first process
  const ownPids = spec.linux.namespaces.some((ns) => ns.type === 'pid' && ns.path === undefined)
  plan.record(Rec.new, (r) => r.u32(ownPids ? NAMESPACE.pid : 0))
  writeRoot(plan, options)
  const mounts: FlatMount[] = spec.mounts.map(parseMount)
  writePropagation(plan, spec, options, mounts)
  for (const mount of placeParts(spec.mounts, options.runDir).placed)
    writeMount(plan, parseMount(mount))
  writeCommand(plan, bundle.createCommand(options.tty))
  plan.record(Rec.runtimeStart, (r) => r.strings(bundle.startCommand()))
  if (unified !== undefined) {
    const root = unified.slice(0, unified.indexOf(`${spec.linux.cgroupsPath ?? ''}/cgroup.procs`))
    // crun gives up where v2 has controllers that v1 has not taken, though it uses none of them
    plan.record(Rec.runtimeHide, (r) => r.str(path.join(root, 'cgroup.controllers')))
  }
  return plan.finish()
}

/** The plan of an exec whose process the runtime starts. */
export function encodeRuntimeExecPlan(
  id: string,
  process: OciProcess,
  command: RuntimeCommand,
): Buffer {
  const plan = new PlanWriter()
  writeExec(plan, id, process)
  writeCommand(plan, command)
  return plan.finish()
}

/** Of a hybrid host: the cgroup in its v2 tree, which limits nothing, and by which containers are killed. */
function unifiedOf(procs: string[]): string | undefined {
  return procs.length > 1 ? procs.find(isCgroup2) : undefined
}

/**
 * A runtime has its processes enter their cgroup by itself, and must not be within the limits when it makes them. Of a
 * hybrid host's v2 tree runc knows nothing: that one is entered before it is run.
 */
function writeCgroups(plan: PlanWriter, options: LaunchOptions, unified: string | undefined): void {
  const { cgroup, runtime } = options
  // the first is also where what a container leaves behind is looked for: the v2 tree's, where there is one
  const files = cgroup.procs.filter((file) => file !== unified)
  for (const file of unified === undefined ? files : [unified, ...files]) {
    const byRuntime = file !== unified || runtime?.entersUnified === true
    const flags = (isCgroup2(file) ? CgroupFlag.v2 : 0) | (byRuntime ? CgroupFlag.byRuntime : 0)
    plan.record(Rec.cgroup, (r) => r.u32(flags).str(file))
  }
}

function writeCommand(plan: PlanWriter, { argv, consoleSocket, pidFile }: RuntimeCommand): void {
  plan.record(Rec.runtime, (r) => r.str(pidFile).str(consoleSocket).strings(argv))
}
