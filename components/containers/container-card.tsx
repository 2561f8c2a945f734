'use client'
import { Play, RotateCw, ScrollText } from 'lucide-react'
import Link from 'next/link'
import { memo } from 'react'
import { Button } from '@/components/ui/button.tsx'
import { Checkbox } from '@/components/ui/checkbox.tsx'
import { cn } from '@/components/ui/cn.ts'
import { formatBytes, formatPercent } from '@/components/ui/format.ts'
import { containerName } from './container-name.ts'
import { Failure, NameCell, StateCell, type RowProps } from './container-row.tsx'
import { Ports } from './ports.tsx'
import { RowMenu } from './row-menu.tsx'
import { Sparkline } from './sparkline.tsx'
import { useTrace } from './use-fleet.ts'

/** A container on a narrow screen. */
export const ContainerCard = memo(function ContainerCard(props: RowProps) {
  const { container, pending, failure } = props
  const id = container.Id ?? ''
  const trace = useTrace(id)
  const name = containerName(container)
  const running = container.State === 'running'
  return (
    <div
      role="cell"
      className={cn(
        'flex flex-col gap-1.5 px-3 py-2.5',
        props.gone && 'opacity-40 transition-opacity duration-500',
      )}
    >
      <div className="flex items-center gap-3">
        <Checkbox
          aria-label={`Select ${name}`}
          checked={props.selected}
          onClick={(event) => props.onSelect(id, event.shiftKey)}
        />
        <div className="min-w-0 flex-1">
          <NameCell container={container} pending={pending} />
        </div>
        <Button asChild variant="ghost" size="icon-sm">
          <Link href={`/containers/${id}/logs`} prefetch={false} aria-label={`Logs of ${name}`}>
            <ScrollText aria-hidden />
          </Link>
        </Button>
        <Button
          variant="ghost"
          size="icon-sm"
          disabled={pending !== undefined}
          aria-label={`${running ? 'Restart' : 'Start'} ${name}`}
          onClick={() => props.onVerb(running ? 'restart' : 'start', container)}
        >
          {running ? <RotateCw aria-hidden /> : <Play aria-hidden />}
        </Button>
        <RowMenu
          container={container}
          onVerb={(verb) => props.onVerb(verb, container)}
          onRemove={() => props.onRemove(container)}
        />
      </div>
      <div className="grid grid-cols-[1fr_auto] gap-x-3 gap-y-1 pl-7">
        <div className="text-muted-foreground truncate text-[13px]">{container.Image}</div>
        <div className="justify-self-end">
          {(container.Ports ?? []).some((port) => port.PublicPort !== undefined) && (
            <Ports ports={container.Ports ?? []} first={2} />
          )}
        </div>
        <StateCell container={container} pending={pending} />
        {trace !== undefined && (
          <div className="tabular text-muted-foreground flex items-center gap-2 text-xs">
            {formatPercent(trace.latest.cpu)}
            <Sparkline values={trace.cpu} floor={5} colour={1} className="h-5 w-12" />
            {formatBytes(trace.latest.memory)}
          </div>
        )}
      </div>
      {failure !== undefined && <Failure words={failure} onDismiss={() => props.onDismiss(id)} />}
    </div>
  )
})
