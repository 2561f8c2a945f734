'use client'
import { memo } from 'react'
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
  return (
    <div
      className={cn(
        'flex flex-col gap-1.5 px-3 py-2.5',
        props.gone && 'opacity-40 transition-opacity duration-500',
      )}
    >
      <div className="flex items-center gap-3">
        <Checkbox
          aria-label={`Select ${containerName(container)}`}
          checked={props.selected}
          onClick={(event) => props.onSelect(id, event.shiftKey)}
        />
        <div className="min-w-0 flex-1">
          <NameCell container={container} pending={pending} />
        </div>
        <RowMenu
          container={container}
          onVerb={(verb) => props.onVerb(verb, container)}
          onRemove={() => props.onRemove(container)}
        />
      </div>
      <div className="grid grid-cols-[1fr_auto] gap-x-3 gap-y-1 pl-7">
        <div className="text-muted-foreground truncate text-[13px]">{container.Image}</div>
        <Ports ports={container.Ports ?? []} first={2} />
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
