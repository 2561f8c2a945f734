'use client'
import { Check } from 'lucide-react'
import { useState } from 'react'
import type { Job, JobLayer } from '@/server/live/protocol.ts'
import { count, formatBytes, formatDuration } from '@/components/ui/format.ts'
import { cn } from '@/components/ui/cn.ts'
import { Progress } from '@/components/ui/progress.tsx'
import { ScrollList } from '@/components/ui/scroll-list.tsx'

/** A bar per layer with the sum above; layers that are done fold into one line. */
export function JobLayers({ job, className }: { job: Job; className?: string }) {
  const [unfolded, setUnfolded] = useState(false)
  if (job.layers.length === 0) return null
  const done = job.layers.filter(isDone)
  const busy = job.layers.filter((layer) => !isDone(layer))
  const shown = unfolded ? job.layers : busy
  return (
    <div className="flex flex-col gap-2">
      <Sum job={job} />
      <ScrollList aria-label="Layers" className={cn('flex max-h-96 flex-col gap-2', className)}>
        {shown.map((layer) => (
          <Layer key={layer.id} layer={layer} />
        ))}
      </ScrollList>
      {done.length > 0 && (
        <button
          type="button"
          onClick={() => setUnfolded(!unfolded)}
          aria-expanded={unfolded}
          className="text-muted-foreground hover:text-foreground self-start rounded-sm text-xs"
        >
          {done.length} of {job.layers.length} layers done · {unfolded ? 'hide them' : 'show them'}
        </button>
      )}
    </div>
  )
}

function Layer({ layer }: { layer: JobLayer }) {
  const done = isDone(layer)
  const counts = layer.total > 0
  return (
    <li className="grid grid-cols-[6.5rem_1fr] items-center gap-x-3 gap-y-0.5 text-xs sm:grid-cols-[6.5rem_8rem_1fr_9rem]">
      <span className="text-muted-foreground truncate font-mono">{layer.id}</span>
      <span className="flex items-center gap-1 truncate">
        {done && <Check className="text-ok size-3.5" aria-hidden />}
        {layer.status}
      </span>
      <Progress
        label={`Layer ${layer.id}: ${layer.status}`}
        value={
          done ? 100 : counts ? (100 * layer.current) / layer.total : layer.current > 0 ? null : 0
        }
        tone={done ? 'ok' : 'primary'}
        className="col-span-2 sm:col-span-1"
      />
      <span className="tabular text-muted-foreground col-span-2 text-right sm:col-span-1">
        {counts
          ? `${formatBytes(Math.min(layer.current, layer.total))} / ${formatBytes(layer.total)}`
          : ''}
      </span>
    </li>
  )
}

/** All bytes together, how fast they go, and how long that will take. */
function Sum({ job }: { job: Job }) {
  const { bytesPerSecond, current, total, unknown } = job.transfer
  if (job.state !== 'running' || total === 0) return null
  const left = total - current
  return (
    <div className="flex flex-col gap-1">
      <Progress label="All layers" value={(100 * current) / total} />
      <p className="tabular text-muted-foreground flex flex-wrap justify-between gap-x-4 text-xs">
        <span>
          {formatBytes(current)} of {formatBytes(total)}
          {unknown > 0 && `, ${count(unknown, 'layer')} not begun`}
        </span>
        {left > 0 && bytesPerSecond > 0 && (
          <span>
            {formatBytes(bytesPerSecond)}/s
            {unknown === 0 && `, ${formatDuration((1000 * left) / bytesPerSecond)} left`}
          </span>
        )}
      </p>
    </div>
  )
}

/** Docker's words for a layer that needs nothing more. */
function isDone(layer: JobLayer): boolean {
  return /^(pull complete|already exists|pushed|mounted from|skipped foreign layer|loaded|exists|done|layer already exists)/i.test(
    layer.status,
  )
}
