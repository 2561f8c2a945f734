'use client'
import type { ImageLayers } from '@/engine/contract/image-layers.ts'
import { formatBytes, formatPercent } from '@/components/ui/format.ts'
import { Progress } from '@/components/ui/progress.tsx'

/** How much of the image nothing can see, and by which files. */
export function Wasted(props: { image: ImageLayers; onOpen: (layer: number) => void }) {
  const { sizeBytes, wasted, wastedBytes } = props.image
  const percent = sizeBytes === 0 ? 0 : (100 * wastedBytes) / sizeBytes
  if (wastedBytes === 0) {
    return (
      <p className="text-muted-foreground text-[13px]">
        No space is wasted: no layer overwrites or removes what is in one below.
      </p>
    )
  }
  return (
    <details className="group text-[13px]">
      <summary className="flex cursor-pointer flex-wrap items-center gap-x-3 gap-y-1 rounded-sm">
        <span>
          <strong className="font-semibold">{formatBytes(wastedBytes)} wasted</strong>
          <span className="text-muted-foreground">
            {' '}
            of {formatBytes(sizeBytes)}, {formatPercent(percent)}
          </span>
        </span>
        <Progress
          label="Wasted part of the image"
          value={percent}
          tone={percent > 10 ? 'warn' : 'primary'}
          className="w-32"
        />
        <span className="text-link group-open:hidden">Show the files</span>
        <span className="text-link hidden group-open:inline">Hide the files</span>
      </summary>
      <p className="text-muted-foreground mt-2 text-xs">
        Files that are in one layer and overwritten or removed by a later one: they take space and
        nothing can see them. Put such steps into one instruction.
      </p>
      <ul
        aria-label="Wasted files"
        className="mt-2 max-h-56 divide-y overflow-y-auto rounded-md border"
      >
        {wasted.map((file) => (
          <li
            key={`${file.layer} ${file.path}`}
            className="flex flex-wrap items-center gap-x-3 px-3 py-1"
          >
            <code className="min-w-0 flex-1 basis-48 font-mono text-xs break-all">{file.path}</code>
            <span className="text-muted-foreground text-xs whitespace-nowrap">
              <LayerLink layer={file.layer} onOpen={props.onOpen} /> hidden by{' '}
              <LayerLink layer={file.hiddenBy} onOpen={props.onOpen} />
            </span>
            <span className="tabular w-20 text-right text-xs">{formatBytes(file.sizeBytes)}</span>
          </li>
        ))}
      </ul>
    </details>
  )
}

function LayerLink({ layer, onOpen }: { layer: number; onOpen: (layer: number) => void }) {
  return (
    <button
      type="button"
      className="text-link rounded-sm hover:underline"
      onClick={() => onOpen(layer)}
    >
      layer {layer + 1}
    </button>
  )
}
