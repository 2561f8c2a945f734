'use client'
import { useQuery } from '@tanstack/react-query'
import { engine } from '@/components/engine/client.ts'
import { readDiskUsage, type DiskUsageAnswer } from '@/components/overview/disk-usage.ts'
import { Button } from '@/components/ui/button.tsx'
import { formatBytes } from '@/components/ui/format.ts'
import { ALL_UNUSED, usePrunable } from './use-prunable.ts'

/** What all layers take, and how much of it could be had back; it leads to the prune. */
export function DiskBar({ onPrune }: { onPrune: () => void }) {
  const usage = useQuery({
    queryKey: ['images', 'disk'],
    staleTime: 10_000,
    queryFn: async ({ signal }) =>
      readDiskUsage(await engine.get<DiskUsageAnswer>('/system/df', { type: 'image' }, signal))
        .images,
  })
  const prunable = usePrunable(ALL_UNUSED)
  const total = usage.data?.bytes
  if (total === undefined || total === 0) return null
  const reclaimable = Math.min(total, prunable.data?.SpaceReclaimable ?? 0)
  const percent = (100 * (total - reclaimable)) / total
  return (
    <div className="flex min-w-0 flex-wrap items-center gap-x-3 gap-y-1 text-xs">
      <div
        role="meter"
        aria-label="Bytes in use of all image layers"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(percent)}
        aria-valuetext={`${formatBytes(total - reclaimable)} of ${formatBytes(total)} in use`}
        className="bg-warn/40 h-1.5 w-36 overflow-hidden rounded-full"
      >
        <div className="bg-chart-1 h-full" style={{ width: `${percent}%` }} />
      </div>
      <span className="tabular text-muted-foreground whitespace-nowrap">
        {formatBytes(total)} on the disk
      </span>
      {reclaimable > 0 ? (
        <Button size="xs" variant="link" className="h-6 px-0" onClick={onPrune}>
          {formatBytes(reclaimable)} reclaimable
        </Button>
      ) : (
        prunable.data !== undefined && (
          <span className="text-muted-foreground whitespace-nowrap">all in use</span>
        )
      )}
    </div>
  )
}
