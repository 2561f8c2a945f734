'use client'
import { CloudDownload, Layers, Trash2, Upload } from 'lucide-react'
import dynamic from 'next/dynamic'
import { useMemo, useRef } from 'react'
import type { ContainerSummary } from '@/engine/types/docker.ts'
import { useKnownContainers } from '@/components/containers/use-known-containers.ts'
import { Chip, Chips } from '@/components/page/chips.tsx'
import { FilterBox } from '@/components/page/filter-box.tsx'
import { orderText, parseOrder } from '@/components/page/list-order.ts'
import { NoMatch } from '@/components/page/no-match.tsx'
import { PageHeader } from '@/components/page/page-header.tsx'
import { QueryStates } from '@/components/page/query-states.tsx'
import { Button } from '@/components/ui/button.tsx'
import { Empty } from '@/components/ui/empty.tsx'
import { count } from '@/components/ui/format.ts'
import { useUrlState } from '@/components/ui/use-url-state.ts'
import { DiskBar } from './disk-bar.tsx'
import { usersByImage, type ListedImage } from './image-name.ts'
import {
  fitsFilter,
  isKind,
  kinds,
  sortedImages,
  sortKeys,
  usualOrder,
  type ImageRow,
  type Kind,
} from './image-order.ts'
import { ImageRows } from './image-rows.tsx'
import { useImages } from './use-images.ts'

const PullDialog = dynamic(() => import('./pull-dialog.tsx').then((module) => module.PullDialog))
const LoadDialog = dynamic(() => import('./load-dialog.tsx').then((module) => module.LoadDialog))
const PruneImagesDialog = dynamic(() =>
  import('./prune-images-dialog.tsx').then((module) => module.PruneImagesDialog),
)

/** All images, read again when one changes; filter, kind and order live in the URL. */
export function ImageList() {
  const query = useImages()
  const [filter, setFilter] = useUrlState('q')
  const [kindText, setKind] = useUrlState('kind')
  const [sort, setSort] = useUrlState('sort', orderText(usualOrder))
  const order = useMemo(() => parseOrder(sort, sortKeys, usualOrder), [sort])
  const [dialog, setDialog] = useUrlState('dialog')
  const filterBox = useRef<HTMLInputElement>(null)
  const containers = useKnownContainers()
  const images = containers && query.data
  const all = useRows(images, containers)
  const kind = isKind(kindText) ? kindText : ''
  const rows = useMemo(() => {
    const { fits } = kinds[kind]
    const shown = all.filter((row) => fits(row) && fitsFilter(row, filter))
    return sortedImages(shown, order)
  }, [all, kind, filter, order])
  const close = () => setDialog('')
  return (
    <div className="flex h-full min-h-0 flex-col">
      <PageHeader
        title="Images"
        filter={
          <FilterBox
            label="Filter images"
            placeholder="Filter by tag, ID or platform"
            value={filter}
            onChange={setFilter}
            ref={filterBox}
          />
        }
        actions={
          <>
            {all.length > 0 && (
              <Button size="sm" onClick={() => setDialog('prune')}>
                <Trash2 aria-hidden /> Prune
              </Button>
            )}
            <Button size="sm" onClick={() => setDialog('load')}>
              <Upload aria-hidden /> Load
            </Button>
            <Button size="sm" variant="primary" onClick={() => setDialog('pull')}>
              <CloudDownload aria-hidden /> Pull
            </Button>
          </>
        }
        chips={
          all.length > 0 && (
            <div className="flex flex-wrap items-center justify-between gap-x-6 gap-y-1">
              <KindChips rows={all} kind={kind} onKind={setKind} />
              <DiskBar onPrune={() => setDialog('prune-unused')} />
            </div>
          )
        }
      />
      <QueryStates
        query={{ data: images, error: query.error, refetch: query.refetch }}
        what="images"
      >
        {(images) =>
          images.length === 0 ? (
            <NoImages onPull={() => setDialog('pull')} onLoad={() => setDialog('load')} />
          ) : rows.length === 0 ? (
            <NoMatch
              noun="image"
              onClear={() => {
                setFilter('')
                setKind('')
              }}
            >
              {count(images.length, 'image')} on this host, none of them fits what you look for.
            </NoMatch>
          ) : (
            <ImageRows
              rows={rows}
              order={order}
              onOrder={(next) => setSort(orderText(next))}
              onFocusFilter={() => filterBox.current?.focus()}
            />
          )
        }
      </QueryStates>
      {dialog === 'pull' && <PullDialog onClose={close} />}
      {dialog === 'load' && <LoadDialog onClose={close} />}
      {(dialog === 'prune' || dialog === 'prune-unused') && (
        <PruneImagesDialog all={dialog === 'prune-unused'} onClose={close} />
      )}
    </div>
  )
}

/** Each image with the containers that stand on it; the same objects as long as nothing of it changes. */
function useRows(
  images: ListedImage[] | undefined,
  containers: ContainerSummary[] | undefined,
): ImageRow[] {
  const users = useMemo(() => usersByImage(containers ?? []), [containers])
  return useMemo(
    () =>
      (images ?? []).map((image) => ({ Id: image.Id, image, users: users.get(image.Id) ?? [] })),
    [images, users],
  )
}

function KindChips(props: { rows: ImageRow[]; kind: Kind; onKind: (kind: string) => void }) {
  return (
    <Chips label="Kinds">
      {Object.entries(kinds).map(([value, { word, fits }]) => (
        <Chip
          key={value}
          word={word}
          number={props.rows.filter(fits).length}
          pressed={props.kind === value}
          onPress={() => props.onKind(value)}
        />
      ))}
    </Chips>
  )
}

function NoImages({ onPull, onLoad }: { onPull: () => void; onLoad: () => void }) {
  return (
    <Empty
      icon={Layers}
      title="No images yet"
      actions={
        <>
          <Button variant="primary" onClick={onPull}>
            Pull one from a registry
          </Button>
          <Button onClick={onLoad}>Load one from a file</Button>
        </>
      }
    >
      What containers are made from is kept here.
    </Empty>
  )
}
