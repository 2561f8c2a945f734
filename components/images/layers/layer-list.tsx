'use client'
import type { ImageLayers } from '@/engine/contract/image-layers.ts'
import { cn } from '@/components/ui/cn.ts'
import { formatBytes } from '@/components/ui/format.ts'
import { Instruction } from '../instruction-text.tsx'
import { Counts } from './marks.tsx'

/** The layers from the lowest up, each with its part of the image's size; one is open. */
export function LayerList(props: {
  image: ImageLayers
  open: number
  onOpen: (layer: number) => void
}) {
  const { layers } = props.image
  const largest = Math.max(1, ...layers.map(({ sizeBytes }) => sizeBytes))
  return (
    <ol aria-label="Layers, the lowest first" className="divide-y">
      {layers.map((layer, index) => (
        <li key={layer.chainId}>
          <button
            type="button"
            aria-current={index === props.open}
            onClick={() => props.onOpen(index)}
            className={cn(
              'flex w-full flex-col gap-1 px-3 py-2 text-left outline-offset-[-2px]',
              index === props.open ? 'bg-accent' : 'hover:bg-muted/60',
            )}
          >
            <span className="flex w-full items-baseline gap-2">
              <span className="tabular text-muted-foreground w-6 shrink-0 text-xs">
                {index + 1}
              </span>
              <span className="min-w-0 flex-1">
                <Instruction createdBy={layer.instruction} className="line-clamp-2" />
              </span>
              <span className="tabular shrink-0 text-[13px]">{formatBytes(layer.sizeBytes)}</span>
            </span>
            <span className="flex w-full items-center gap-3 pl-8">
              <Counts {...layer} />
              {layer.wastedBytes > 0 && (
                <span
                  className="text-warn text-xs whitespace-nowrap"
                  title="Of its files, those that later layers overwrite or remove"
                >
                  {formatBytes(layer.wastedBytes)} wasted
                </span>
              )}
              <span className="bg-accent ml-auto h-1 w-20 shrink-0 overflow-hidden rounded-full">
                <span
                  className="bg-chart-1 block h-full rounded-full"
                  style={{ width: `${(100 * layer.sizeBytes) / largest}%` }}
                />
              </span>
            </span>
          </button>
        </li>
      ))}
    </ol>
  )
}
