'use client'
import { Layers, PlugZap } from 'lucide-react'
import { useMemo, useState } from 'react'
import type { ImageLayers } from '@/engine/contract/image-layers.ts'
import { RequestError, failureText } from '@/components/engine/client.ts'
import { Chip, Chips } from '@/components/page/chips.tsx'
import { QueryStates } from '@/components/page/query-states.tsx'
import { Button } from '@/components/ui/button.tsx'
import { CopyButton } from '@/components/ui/copy-button.tsx'
import { Empty } from '@/components/ui/empty.tsx'
import { formatBytes } from '@/components/ui/format.ts'
import { Notice } from '@/components/ui/notice.tsx'
import { SkeletonRows } from '@/components/ui/skeleton.tsx'
import { useUrlState } from '@/components/ui/use-url-state.ts'
import { Instruction } from '../instruction-text.tsx'
import { LayerList } from './layer-list.tsx'
import { LayerTree } from './layer-tree.tsx'
import { marks, type Mark } from './marks.tsx'
import { useLayers, useLayerTree } from './use-layers.ts'
import { Wasted } from './wasted.tsx'

/** What each layer of an image is made of, and what it hides of those below; the open layer is in the URL. */
export function LayersExplorer({ imageId }: { imageId: string }) {
  const query = useLayers(imageId)
  if (query.error instanceof RequestError && query.error.status === 501) {
    return (
      <Empty icon={PlugZap} title="Not on this engine">
        The console talks to another engine by its Docker API, which has no call for the files in
        layers. The history tells the steps and their sizes.
      </Empty>
    )
  }
  return (
    <QueryStates query={query} what="layers">
      {(image) =>
        image.layers.length === 0 ? (
          <Empty icon={Layers} title="No layers">
            The image has no files of its own: it was made from scratch, and nothing was added.
          </Empty>
        ) : (
          <Explorer image={image} />
        )
      }
    </QueryStates>
  )
}

function Explorer({ image }: { image: ImageLayers }) {
  const [layerText, setLayer] = useUrlState('layer', '1')
  const open = Math.min(image.layers.length, Math.max(1, Number(layerText) || 1)) - 1
  const onOpen = (layer: number) => setLayer(String(layer + 1))
  return (
    <div className="flex flex-col lg:min-h-0 lg:flex-1 lg:overflow-hidden">
      <div className="bg-surface border-b px-3 py-2.5 sm:px-4">
        <Wasted image={image} onOpen={onOpen} />
      </div>
      <div className="flex flex-col lg:grid lg:min-h-0 lg:flex-1 lg:grid-cols-[minmax(20rem,2fr)_3fr]">
        <div className="bg-surface max-h-72 shrink-0 overflow-y-auto border-b lg:max-h-none lg:min-h-0 lg:border-r lg:border-b-0">
          <LayerList image={image} open={open} onOpen={onOpen} />
        </div>
        {/* Another layer begins with its root alone. */}
        <LayerPane key={open} image={image} layer={open} />
      </div>
    </div>
  )
}

function LayerPane({ image, layer }: { image: ImageLayers; layer: number }) {
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set())
  const tree = useLayerTree(image.id, layer, hidden)
  const summary = useMemo(() => image.layers[layer], [image, layer])
  if (summary === undefined) return null
  const toggle = (mark: Mark) => {
    const next = new Set(hidden)
    if (!next.delete(mark)) next.add(mark)
    setHidden(next)
  }
  const isEmpty = summary.added + summary.modified + summary.removed === 0
  return (
    <section
      aria-label={`Layer ${layer + 1}`}
      className="bg-surface flex h-[75dvh] min-w-0 flex-col lg:h-auto lg:min-h-0"
    >
      <header className="flex flex-col gap-1.5 border-b px-3 py-2">
        <div className="flex items-start gap-2">
          <div className="min-w-0 flex-1">
            <Instruction createdBy={summary.instruction} className="line-clamp-3" />
          </div>
          <CopyButton text={summary.diffId} label="Copy the diff ID" variant="secondary" size="xs">
            diff ID
          </CopyButton>
        </div>
        <div className="flex flex-wrap items-center justify-between gap-x-4">
          <span className="tabular text-muted-foreground text-xs">
            {formatBytes(summary.sizeBytes)} unpacked, archive {formatBytes(summary.archiveBytes)}
          </span>
          <Chips label="Marks">
            {(Object.keys(marks) as Mark[]).map((mark) => (
              <Chip
                key={mark}
                word={marks[mark].word}
                number={summary[mark]}
                pressed={!hidden.has(mark)}
                onPress={() => toggle(mark)}
              />
            ))}
          </Chips>
        </div>
      </header>
      {tree.error !== null && (
        <Notice title="The files cannot be read" className="m-3">
          {failureText(tree.error)}
        </Notice>
      )}
      {tree.isLoading ? (
        <SkeletonRows rows={8} label="Loading the files" />
      ) : tree.rows.length > 0 ? (
        <LayerTree tree={tree} />
      ) : (
        tree.error === null && (
          <Empty
            icon={Layers}
            title={isEmpty ? 'No files' : 'Nothing of these kinds'}
            actions={
              !isEmpty && <Button onClick={() => setHidden(new Set())}>Show all kinds</Button>
            }
          >
            {isEmpty
              ? 'This step changed no file.'
              : 'The layer changes files, but none of the kinds that are chosen.'}
          </Empty>
        )
      )}
    </section>
  )
}
