'use client'
import Link from 'next/link'
import { memo } from 'react'
import { shortId } from '@/components/containers/container-name.ts'
import type { Selection } from '@/components/page/use-selection.ts'
import { UsedBy } from '@/components/page/used-by.tsx'
import { Age } from '@/components/ui/age.tsx'
import { Badge } from '@/components/ui/badge.tsx'
import { Checkbox } from '@/components/ui/checkbox.tsx'
import { cn } from '@/components/ui/cn.ts'
import { CopyButton } from '@/components/ui/copy-button.tsx'
import { formatBytes } from '@/components/ui/format.ts'
import { DeployButton } from './deploy-button.tsx'
import type { ImageAction } from './image-dialogs.tsx'
import { COLUMNS } from './image-head.tsx'
import { ImageMenu } from './image-menu.tsx'
import {
  imageHref,
  imageName,
  imageReference,
  tagBeside,
  tagsOf,
  uniqueBytes,
  type ListedImage,
} from './image-name.ts'
import type { ImageRow as Row } from './image-order.ts'

export interface ImageRowProps {
  row: Row
  selected: boolean
  onSelect: Selection<Row>['toggle']
  onAct: (action: ImageAction, row: Row) => void
}

/** A row of the wide list. Memoised: of a thousand rows only those that changed are drawn again. */
export const ImageRow = memo(function ImageRow(props: ImageRowProps) {
  const { row } = props
  const { image, users } = row
  const name = imageName(image)
  return (
    <div className={cn(COLUMNS, 'min-h-13 text-[13px]')}>
      <div role="cell" className="flex justify-center">
        <Checkbox
          aria-label={`Select ${name}`}
          checked={props.selected}
          // The click's shift key matters, which onCheckedChange does not tell.
          onClick={(event) => props.onSelect(image.Id, event.shiftKey)}
        />
      </div>
      <div role="cell" className="min-w-0 py-1.5 pr-3">
        <ImageTags image={image} />
      </div>
      <div
        role="cell"
        className="text-muted-foreground flex items-center gap-0.5 font-mono text-xs"
      >
        {shortId(image.Id)}
        <CopyButton text={image.Id} label={`Copy the ID of ${name}`} className="size-6" />
      </div>
      <div role="cell" className="text-muted-foreground truncate pr-3">
        {image.Gantry?.Platform ?? '–'}
      </div>
      <div role="cell" className="tabular pr-3 text-right whitespace-nowrap">
        {formatBytes(image.Size)}
      </div>
      <div
        role="cell"
        className="tabular text-muted-foreground pr-3 text-right leading-tight whitespace-nowrap"
      >
        <UniqueSize image={image} />
      </div>
      <div role="cell" className="text-muted-foreground pr-3 text-right">
        <Created image={image} />
      </div>
      <div role="cell" className="min-w-0 pr-3">
        <UsedBy containers={users} />
      </div>
      <div role="cell" className="flex items-center justify-end gap-1 pr-3">
        <DeployButton image={imageReference(image)} name={name} />
        <ImageMenu image={image} onAct={(action) => props.onAct(action, row)} />
      </div>
    </div>
  )
})

const MOST_TAGS = 3

/** The first tag as the link to the image, the others as badges. */
export function ImageTags({ image }: { image: ListedImage }) {
  const [first, ...others] = tagsOf(image)
  return (
    <div className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1">
      <Link
        href={imageHref(image.Id)}
        prefetch={false}
        title={first ?? image.Id}
        className={cn(
          // Never cut off: what tells one image from another stands at the end of its name.
          'min-w-0 rounded-sm font-medium wrap-anywhere hover:underline',
          first === undefined ? 'font-mono text-[13px]' : 'text-sm',
        )}
      >
        {first ?? shortId(image.Id)}
      </Link>
      {first === undefined && <Badge tone="warn">dangling</Badge>}
      {others.slice(0, MOST_TAGS).map((tag) => (
        <Badge key={tag} title={tag} className="max-w-full">
          {/* Cut off at its beginning, as what tells it from others is its end. */}
          <span className="truncate" dir="rtl">
            <bdi dir="ltr">{tagBeside(tag, first)}</bdi>
          </span>
        </Badge>
      ))}
      {others.length > MOST_TAGS && (
        <span className="text-muted-foreground text-xs" title={others.slice(MOST_TAGS).join('\n')}>
          +{others.length - MOST_TAGS}
        </span>
      )}
    </div>
  )
}

/** What removing it frees, and what it shares. Engines of old do not tell. */
function UniqueSize({ image }: { image: ListedImage }) {
  if (image.SharedSize < 0) return '–'
  return (
    <>
      {formatBytes(uniqueBytes(image))}
      {image.SharedSize > 0 && (
        <span className="block text-xs">{formatBytes(image.SharedSize)} shared</span>
      )}
    </>
  )
}

/** Reproducible builds write the epoch, which tells nothing. */
export function Created({ image }: { image: ListedImage }) {
  return image.Created > 0 ? <Age since={image.Created * 1000} /> : '–'
}
