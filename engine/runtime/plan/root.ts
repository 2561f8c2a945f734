import { InvalidParameterError } from '../../errors.ts'
import { mountOf } from '../../mountinfo.ts'
import type { OciSpec } from '../../types/oci-runtime.ts'
import { MS, propagationOf, type FlatMount } from '../mount-options.ts'
import type { LaunchOptions } from '../launch-options.ts'
import { overlayOptions } from './overlay-options.ts'
import { Rec, type PlanWriter } from './writer.ts'

type RootOptions = Pick<LaunchOptions, 'rootfs'> & Partial<Pick<LaunchOptions, 'runtime' | 'spec'>>

/** Where on the host's tree, as the container's first process still sees it, the root gets mounted. */
function rootTarget({ rootfs, runtime, spec }: RootOptions): string {
  if (runtime && spec) return spec.root.path
  // an overlay has its directories by the time it covers one of them
  return rootfs.kind === 'overlay' ? rootfs.upper : rootfs.path
}

/** The container's root, mounted by the shim whoever makes the container. */
export function writeRoot(plan: PlanWriter, options: RootOptions): void {
  const { rootfs } = options
  if (rootfs.kind === 'bind') {
    plan.record(Rec.rootBind, (r) => r.str(rootfs.path))
    return
  }
  const { layersRoot, lower, upper, work } = rootfs
  const { data, listed } = overlayOptions(lower, { upperdir: upper, workdir: work })
  plan.record(Rec.rootOverlay, (r) =>
    r.str(layersRoot).str(data).strings(listed).str(rootTarget(options)),
  )
}

/**
 * Mounts of the host reach in (slave) but nothing goes out, unless a bind asks to be shared: it then has to stay the
 * peer of its source, and only the mount below the new root is cut off.
 */
export function writePropagation(
  plan: PlanWriter,
  spec: OciSpec,
  options: LaunchOptions,
  mounts: FlatMount[],
): void {
  const shared = mounts.some((mount) => mount.propagation & MS.SHARED)
  const root = spec.linux.rootfsPropagation ? propagationOf(spec.linux.rootfsPropagation) : 0
  if (root === undefined) {
    throw new InvalidParameterError(
      `linux.rootfsPropagation: invalid value "${spec.linux.rootfsPropagation ?? ''}"`,
    )
  }
  plan.record(Rec.propagation, (r) => r.u64(shared ? 0 : MS.SLAVE | MS.REC).u64(root))
  if (shared) plan.record(Rec.private, (r) => r.str(mountOf(rootTarget(options)).point))
}
