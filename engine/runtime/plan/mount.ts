import type { FlatMount } from '../mount-options.ts'
import { overlayOptions } from './overlay-options.ts'
import { Rec, type PlanWriter } from './writer.ts'

/** One step of what is mounted, or linked, below the root. */
export function writeMount(plan: PlanWriter, mount: FlatMount): void {
  if (mount.link !== undefined) {
    const { link, target } = mount
    plan.record(Rec.symlink, (r) => r.str(link).str(target))
    return
  }
  const { image, subpath = '' } = mount.part ?? {}
  const { data, listed } = image
    ? overlayOptions(image.lower)
    : { data: mount.data, listed: [] as string[] }
  plan.record(Rec.mount, (r) =>
    r
      .u32(mount.kind)
      .u32((mount.recursive ? 1 : 0) | (mount.idmap ? 2 : 0) | (mount.optional ? 4 : 0))
      .u64(mount.flags)
      .u64(mount.attrSet)
      .u64(mount.attrClear)
      .u64(mount.propagation)
      .str(mount.source)
      .str(mount.target)
      .str(mount.type)
      .str(data)
      .str(subpath)
      .strings(listed),
  )
}
