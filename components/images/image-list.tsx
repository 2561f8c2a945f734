'use client'
import { CloudDownload, FilterX, Layers, Trash2, Upload } from 'lucide-react'
import dynamic from 'next/dynamic'
import { useState } from 'react'
import type { ContainerSummary, ImageSummary } from '@/engine/types/docker.ts'
import { shortId } from '@/components/containers/container-name.ts'
import { Chip, Chips, FilterBox } from '@/components/containers/list-toolbar.tsx'
import { useTopic } from '@/components/live/use-topic.tsx'
import { PageHeader } from '@/components/page/page-header.tsx'
import { QueryStates } from '@/components/page/query-states.tsx'
import { UsedBy } from '@/components/page/used-by.tsx'
import { Age } from '@/components/ui/age.tsx'
import { Badge } from '@/components/ui/badge.tsx'
import { Button } from '@/components/ui/button.tsx'
import { CopyButton } from '@/components/ui/copy-button.tsx'
import { Empty } from '@/components/ui/empty.tsx'
import { count, formatBytes } from '@/components/ui/format.ts'
import { Table, TableCell, TableHead, TableRow } from '@/components/ui/table.tsx'
import { useUrlState } from '@/components/ui/use-url-state.ts'
import { DeployButton } from './deploy-button.tsx'
import { isDangling, tagsOf, usersOf } from './image-name.ts'
import { useImages } from './use-images.ts'

const PullDialog = dynamic(() => import('./pull-dialog.tsx').then((module) => module.PullDialog))
const LoadDialog = dynamic(() => import('./load-dialog.tsx').then((module) => module.LoadDialog))
const RemoveImageDialog = dynamic(() =>
  import('./remove-image-dialog.tsx').then((module) => module.RemoveImageDialog),
)
const PruneImagesDialog = dynamic(() =>
  import('./prune-images-dialog.tsx').then((module) => module.PruneImagesDialog),
)

const kinds = {
  '': { word: 'All', fits: () => true },
  used: { word: 'In use', fits: (_: ImageSummary, users: ContainerSummary[]) => users.length > 0 },
  unused: {
    word: 'Unused',
    fits: (_: ImageSummary, users: ContainerSummary[]) => users.length === 0,
  },
  dangling: { word: 'Dangling', fits: (image: ImageSummary) => isDangling(image) },
}

export function ImageList() {
  const query = useImages()
  const { data: containers = [] } = useTopic('containers')
  const [filter, setFilter] = useUrlState('q')
  const [kind, setKind] = useUrlState('kind')
  const [dialog, setDialog] = useUrlState('dialog')
  const [removing, setRemoving] = useState<ImageSummary>()
  const close = () => setDialog('')
  const images = (query.data ?? []).map((image) => ({ image, users: usersOf(image, containers) }))
  const test = kind in kinds ? kinds[kind as keyof typeof kinds] : kinds['']
  const shown = images.filter(({ image, users }) => test.fits(image, users) && fits(image, filter))
  const dangling = images.filter(({ image }) => isDangling(image))
  return (
    <>
      <PageHeader
        title="Images"
        filter={
          <FilterBox
            label="Filter images"
            placeholder="Filter by tag or ID"
            value={filter}
            onChange={setFilter}
          />
        }
        actions={
          <>
            {dangling.length > 0 && (
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
          images.length > 0 && (
            <Chips label="Kinds">
              {Object.entries(kinds).map(([value, { word, fits: fitsKind }]) => (
                <Chip
                  key={value}
                  word={word}
                  number={images.filter(({ image, users }) => fitsKind(image, users)).length}
                  pressed={kind === value}
                  onPress={() => setKind(value)}
                />
              ))}
            </Chips>
          )
        }
      />
      <QueryStates query={query} what="images">
        {(all) =>
          all.length === 0 ? (
            <NoImages onPull={() => setDialog('pull')} onLoad={() => setDialog('load')} />
          ) : shown.length === 0 ? (
            <Empty
              icon={FilterX}
              title="No image matches"
              actions={
                <Button
                  onClick={() => {
                    setFilter('')
                    setKind('')
                  }}
                >
                  Clear the filters
                </Button>
              }
            >
              {count(all.length, 'image')} on this host, none of them fits what you look for.
            </Empty>
          ) : (
            <ImageTable images={shown} onRemove={setRemoving} />
          )
        }
      </QueryStates>
      {dialog === 'pull' && <PullDialog onClose={close} />}
      {dialog === 'load' && <LoadDialog onClose={close} />}
      {dialog === 'prune' && (
        <PruneImagesDialog
          images={dangling.filter(({ users }) => users.length === 0).map(({ image }) => image)}
          onClose={close}
        />
      )}
      {removing !== undefined && (
        <RemoveImageDialog
          image={removing}
          users={usersOf(removing, containers)}
          onClose={() => setRemoving(undefined)}
        />
      )}
    </>
  )
}

function fits(image: ImageSummary, filter: string): boolean {
  const word = filter.trim().toLowerCase()
  return image.Id.includes(word) || image.RepoTags.some((tag) => tag.toLowerCase().includes(word))
}

function ImageTable(props: {
  images: { image: ImageSummary; users: ContainerSummary[] }[]
  onRemove: (image: ImageSummary) => void
}) {
  const total = props.images.reduce((sum, { image }) => sum + image.Size, 0)
  return (
    <div className="bg-surface">
      <Table aria-label="Images">
        <thead>
          <tr>
            <TableHead className="pl-4">Tag</TableHead>
            <TableHead className="hidden lg:table-cell">ID</TableHead>
            <TableHead className="text-right">Size</TableHead>
            <TableHead className="hidden sm:table-cell">Created</TableHead>
            <TableHead className="hidden sm:table-cell">Used by</TableHead>
            <TableHead>
              <span className="sr-only">Actions</span>
            </TableHead>
          </tr>
        </thead>
        <tbody>
          {props.images.map(({ image, users }) => (
            <ImageRow
              key={image.Id}
              image={image}
              users={users}
              onRemove={() => props.onRemove(image)}
            />
          ))}
        </tbody>
      </Table>
      <p className="text-muted-foreground border-t px-4 py-2 text-xs">
        {count(props.images.length, 'image')}, {formatBytes(total)}
        {props.images.length > 1 && ' with shared layers counted each time'}
      </p>
    </div>
  )
}

function ImageRow({
  image,
  users,
  onRemove,
}: {
  image: ImageSummary
  users: ContainerSummary[]
  onRemove: () => void
}) {
  const tags = tagsOf(image)
  const name = tags[0] ?? shortId(image.Id)
  return (
    <TableRow>
      <TableCell className="max-w-0 min-w-36 py-2 pl-4 sm:max-w-xs">
        {tags.length === 0 ? (
          <span className="flex items-center gap-2">
            <span className="font-mono text-[13px]">{shortId(image.Id)}</span>{' '}
            <Badge>dangling</Badge>
          </span>
        ) : (
          tags.map((tag) => (
            <div key={tag} className="truncate font-medium" title={tag}>
              {tag}
            </div>
          ))
        )}
      </TableCell>
      <TableCell className="hidden lg:table-cell">
        <span className="text-muted-foreground inline-flex items-center gap-1 font-mono text-xs">
          {shortId(image.Id)}
          <CopyButton text={image.Id} label={`Copy the ID of ${name}`} size="icon-sm" />
        </span>
      </TableCell>
      <TableCell className="tabular text-right whitespace-nowrap">
        {formatBytes(image.Size)}
        {image.SharedSize > 0 && (
          <div className="text-muted-foreground text-xs">
            {formatBytes(image.SharedSize)} shared
          </div>
        )}
      </TableCell>
      <TableCell className="text-muted-foreground hidden sm:table-cell">
        {/* Reproducible builds write the epoch. */}
        {image.Created > 0 ? <Age since={image.Created * 1000} suffix=" ago" /> : 'unknown'}
      </TableCell>
      <TableCell className="hidden py-1.5 sm:table-cell">
        <UsedBy containers={users} />
      </TableCell>
      <TableCell className="pr-4">
        <div className="flex justify-end gap-1">
          <DeployButton image={tags[0] ?? image.Id} name={name} />
          <Button
            variant="ghost"
            size="icon-sm"
            aria-label={`Remove ${name}`}
            title="Remove"
            onClick={onRemove}
          >
            <Trash2 aria-hidden />
          </Button>
        </div>
      </TableCell>
    </TableRow>
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
