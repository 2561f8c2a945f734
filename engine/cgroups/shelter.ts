import fs from 'node:fs'
import { makeCgroup } from './files.ts'
import type { Hierarchies } from './hierarchies.ts'

/** Beside the containers' cgroups; no container is called so. */
export const SHELTER = 'shims'

/**
 * Makes what takes shims out of the engine's own cgroup. When systemd stops or restarts a service, or closes a session,
 * it kills whatever is in that cgroup: shims in there would end with the engine, and their containers with them.
 *
 * @param ownCgroups as /proc/self/cgroup; with the engine in the root there is nothing to leave
 * @see systemd.kill(5), KillMode=; cgroups(7), /proc/[pid]/cgroup
 */
export function openShelter(
  { unified, v1 }: Hierarchies,
  parent: string,
  ownCgroups = fs.readFileSync('/proc/self/cgroup', 'utf8'),
): (pid: number) => Promise<void> {
  // systemd knows whose process is whose by v2's hierarchy, or by one of v1 that is its own
  const named = v1.find(({ controllers }) => controllers.includes('name=systemd'))?.root
  const places: string[] = []
  if (unified !== undefined && /^0::\/./m.test(ownCgroups)) places.push(unified)
  if (named !== undefined && /^\d+:name=systemd:\/./m.test(ownCgroups)) places.push(named)

  return async (pid) => {
    for (const root of places) {
      makeCgroup(`${root}/${parent}`)
      makeCgroup(`${root}/${parent}/${SHELTER}`)
      try {
        await fs.promises.writeFile(`${root}/${parent}/${SHELTER}/cgroup.procs`, String(pid))
      } catch (error) {
        // it ended meanwhile
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      }
    }
  }
}
