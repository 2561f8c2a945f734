'use client'
import { Rocket } from 'lucide-react'
import Link from 'next/link'
import { useSyncExternalStore } from 'react'
import type { ContainerSummary } from '@/engine/types/docker.ts'
import { containerName } from '@/components/containers/container-name.ts'
import { Sparkline } from '@/components/containers/sparkline.tsx'
import { StateDot } from '@/components/containers/state-dot.tsx'
import { conditions, stateOf, type Condition } from '@/components/containers/state.ts'
import { useFleet, useTrace } from '@/components/containers/use-fleet.ts'
import { Button } from '@/components/ui/button.tsx'
import { Card, CardHeader } from '@/components/ui/card.tsx'
import { formatBytes, formatPercent } from '@/components/ui/format.ts'

const TOP = 6

/** How many containers are in which state, and which of them take the most. */
export function RunningCard({ containers }: { containers: ContainerSummary[] }) {
  const fleet = useFleet()
  useSyncExternalStore(fleet.watch, fleet.orderVersion, () => 0)
  const running = containers.filter((container) => container.State === 'running')
  const load = (container: ContainerSummary) => {
    const trace = fleet.trace(container.Id ?? '')
    // A core's per cent weighs like 32 MiB: either can make a container the one to look at.
    return trace === undefined ? -1 : trace.averageCpu + trace.averageMemory / 2 ** 25
  }
  const top = [...running].sort((a, b) => load(b) - load(a)).slice(0, TOP)
  return (
    <Card aria-label="Containers">
      <CardHeader
        title="Containers"
        hint={`${running.length.toLocaleString('en')} of ${containers.length.toLocaleString('en')} running`}
        actions={
          <Button asChild size="xs">
            <Link href="/containers">All</Link>
          </Button>
        }
      />
      <div className="flex flex-wrap gap-2 px-4 pt-3">
        {conditions.map((condition) => (
          <StateCount key={condition} condition={condition} containers={containers} />
        ))}
      </div>
      <ul aria-label="Top consumers" className="px-2 py-2">
        {top.map((container) => (
          <Consumer key={container.Id} container={container} />
        ))}
      </ul>
      {running.length === 0 && (
        <div className="text-muted-foreground flex flex-wrap items-center gap-3 px-4 pb-4 text-sm">
          Nothing runs just now.
          <Button asChild size="sm">
            <Link href="/containers/new">
              <Rocket aria-hidden /> Deploy
            </Link>
          </Button>
        </div>
      )}
    </Card>
  )
}

function StateCount({
  condition,
  containers,
}: {
  condition: Condition
  containers: ContainerSummary[]
}) {
  const inIt = containers.filter((container) => stateOf(container).condition === condition)
  const one = inIt[0]
  if (one === undefined) return null
  // Of the ended ones the failed stand out.
  const view = inIt.map(stateOf).find((each) => each.tone === 'bad') ?? stateOf(one)
  return (
    <Link
      href={`/containers?state=${condition}`}
      className="hover:bg-accent flex items-center gap-2 rounded-md border px-2.5 py-1 text-[13px]"
    >
      <StateDot view={view} className="size-2.5" />
      <span className="tabular font-semibold">{inIt.length}</span>
      <span className="text-muted-foreground">{condition}</span>
    </Link>
  )
}

function Consumer({ container }: { container: ContainerSummary }) {
  const id = container.Id ?? ''
  const trace = useTrace(id)
  return (
    <li>
      <Link
        href={`/containers/${id}`}
        prefetch={false}
        className="hover:bg-accent grid grid-cols-[1fr_auto] items-center gap-x-3 rounded-md px-2 py-1.5 outline-offset-[-2px] sm:grid-cols-[1fr_7.5rem_8.5rem]"
      >
        <span className="flex min-w-0 items-center gap-2.5">
          <StateDot view={stateOf(container)} className="size-2.5" />
          <span className="min-w-0">
            <span className="block truncate text-sm font-medium">{containerName(container)}</span>
            <span className="text-muted-foreground block truncate text-xs">{container.Image}</span>
          </span>
        </span>
        <span className="tabular flex items-center justify-end gap-2 text-[13px]">
          {trace === undefined ? '–' : formatPercent(trace.latest.cpu)}
          <Sparkline values={trace?.cpu ?? []} floor={5} colour={1} className="w-14" />
        </span>
        <span className="tabular hidden items-center justify-end gap-2 text-[13px] sm:flex">
          {trace === undefined ? '–' : formatBytes(trace.latest.memory)}
          <Sparkline values={trace?.memory ?? []} floor={1_048_576} colour={2} className="w-14" />
        </span>
      </Link>
    </li>
  )
}
