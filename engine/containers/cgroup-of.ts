import type { Cgroup } from '../cgroups/manager.ts'
import { parseCgroupParent } from '../cgroups/parents.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'

/** The cgroup a container has when it runs, and had when it ran last: where, its settings say. */
export function cgroupOf(context: ContainersContext, container: Container): Cgroup {
  return container.cgroup ?? context.cgroups.open(container.id, cgroupParentOf(container))
}

/** undefined is the engine's own. */
export function cgroupParentOf({ document }: Container): string | undefined {
  return parseCgroupParent(document.hostConfig.CgroupParent)
}
