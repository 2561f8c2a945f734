'use client'
import { Check } from 'lucide-react'
import { useState } from 'react'
import type { Job, JobLayer } from '@/server/live/protocol.ts'
import { formatBytes } from '@/components/ui/format.ts'
import { Progress } from '@/components/ui/progress.tsx'

/** A bar per layer with the sum above; layers that are done fold into one line. */
export function JobLayers({ job }: { job: Job }) {
  const [unfolded, setUnfolded] = useState(false)
  if (job.layers.length === 0) return null
  const done = job.layers.filter(isDone)
  const busy = job.layers.filter((layer) => !isDone(layer))
  const shown = unfolded ? job.layers : busy
  return (
    <div className="flex flex-col gap-2">
      <Sum job={job} />
      <ul aria-label="Layers" className="flex flex-col gap-2">
        {shown.map((layer) => (
          <Layer key={layer.id} layer={layer} />
        ))}
      </ul>
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

function Sum({ job }: { job: Job }) {
  const counted = job.layers.filter((layer) => layer.total > 0)
  const total = counted.reduce((sum, layer) => sum + layer.total, 0)
  if (total === 0 || job.state !== 'running') return null
  const current = counted.reduce(
    (sum, layer) => sum + (isDone(layer) ? layer.total : Math.min(layer.current, layer.total)),
    0,
  )
  return (
    <p className="tabular text-muted-foreground text-xs">
      {formatBytes(current)} of {formatBytes(total)} in this step
    </p>
  )
}

/** Docker's words for a layer that needs nothing more. */
function isDone(layer: JobLayer): boolean {
  return /^(pull complete|already exists|loaded|exists|done|layer already exists)/i.test(
    layer.status,
  )
}
