import Link from 'next/link'
import type { ContainerSummary } from '@/engine/types/docker.ts'
import { containerName } from '@/components/containers/container-name.ts'
import { StateDot } from '@/components/containers/state-dot.tsx'
import { stateOf } from '@/components/containers/state.ts'

/** How many names a tooltip can hold. */
const NAMED = 20

/** The containers that use a thing, as links: three, those that run first, and how many more. */
export function UsedBy({
  containers,
  all = false,
}: {
  containers: ContainerSummary[]
  all?: boolean
}) {
  if (containers.length === 0) return <span className="text-muted-foreground">nothing</span>
  const runs = ({ State }: ContainerSummary) => Number(State === 'running')
  const ordered = [...containers].sort((a, b) => runs(b) - runs(a))
  const shown = all ? ordered : ordered.slice(0, 3)
  const named = ordered.slice(shown.length, shown.length + NAMED)
  return (
    <span className="flex min-w-0 flex-wrap items-center gap-x-3 gap-y-1">
      {shown.map((container) => (
        <Link
          key={container.Id}
          href={`/containers/${container.Id ?? ''}`}
          prefetch={false}
          className="text-link inline-flex max-w-[min(12rem,100%)] items-center gap-1.5 rounded-sm underline-offset-4 hover:underline"
        >
          <StateDot view={stateOf(container)} className="size-2.5 shrink-0" />
          <span className="truncate">{containerName(container)}</span>
        </Link>
      ))}
      {shown.length < containers.length && (
        <span
          className="text-muted-foreground text-xs"
          title={`${named.map(containerName).join(', ')}${shown.length + named.length < ordered.length ? ', …' : ''}`}
        >
          +{containers.length - shown.length}
        </span>
      )}
    </span>
  )
}
