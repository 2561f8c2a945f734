import type { BuildSummary } from '@/engine/contract/builds.ts'
import type { ContainerSummary } from '@/engine/types/docker.ts'
import type { Job, TopicName, Topics } from '@/server/live/protocol.ts'

type Apply = {
  [T in TopicName]: (
    data: Topics[T]['snapshot'],
    change: Topics[T]['change'],
  ) => Topics[T]['snapshot']
}

const MAX_EVENTS = 2000
const MAX_STATS = 3600
const MAX_HOST = 900
const MAX_LINES = 10_000

const apply: Apply = {
  containers: (data, { changed, removed }) => patchContainers(data, changed, removed),
  events: (data, change) => [...data, ...change].slice(-MAX_EVENTS),
  fleet: (_, change) => change,
  stats: (data, change) => [...data, ...change].slice(-MAX_STATS),
  logs: (data, change) => ({
    lines: [...data.lines, ...change.lines].slice(-MAX_LINES),
    skipped: data.skipped + change.skipped,
    ...(change.ended === undefined ? {} : { ended: change.ended }),
  }),
  host: (data, change) => [...data, ...change].slice(-MAX_HOST),
  jobs: (data, change) => patchJobs(data, change),
  changes: () => null,
  builds: (data, { changed, removed }) => patchBuilds(data, changed, removed),
  // Its lines are kept by the page that shows them (components/builds/build-store.ts).
  build: (data, change) => ({
    build: change.build === null ? data.build : { ...data.build, ...change.build },
    lines: change.lines,
    total: change.total,
  }),
}

/** A topic's data after one change. Never alters what it was given. */
export function applyChange<T extends TopicName>(
  name: T,
  data: Topics[T]['snapshot'],
  change: Topics[T]['change'],
): Topics[T]['snapshot'] {
  return apply[name](data, change)
}

function patchContainers(
  data: ContainerSummary[],
  changed: ContainerSummary[],
  removed: string[],
): ContainerSummary[] {
  const fresh = new Map(changed.map((row) => [row.Id, row]))
  const gone = new Set(removed)
  const kept: ContainerSummary[] = []
  for (const row of data) {
    if (row.Id !== undefined && gone.has(row.Id)) continue
    const newer = fresh.get(row.Id)
    if (newer !== undefined) fresh.delete(row.Id)
    kept.push(newer ?? row)
  }
  // What is left is new: newest first, as the engine lists them.
  return fresh.size === 0 ? kept : [...fresh.values(), ...kept]
}

function patchBuilds(
  data: BuildSummary[],
  changed: BuildSummary[],
  removed: string[],
): BuildSummary[] {
  const fresh = new Map(changed.map((build) => [build.id, build]))
  const kept = data
    .filter((build) => !removed.includes(build.id))
    .map((build) => {
      const newer = fresh.get(build.id)
      fresh.delete(build.id)
      return newer ?? build
    })
  return [...[...fresh.values()].reverse(), ...kept]
}

function patchJobs(data: Job[], change: Job[]): Job[] {
  const fresh = new Map(change.map((job) => [job.id, job]))
  const kept = data.map((job) => {
    const newer = fresh.get(job.id)
    fresh.delete(job.id)
    return newer ?? job
  })
  return [...kept, ...fresh.values()]
}
