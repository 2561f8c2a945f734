'use client'
import { memo } from 'react'
import { UsedBy } from '@/components/page/used-by.tsx'
import { Checkbox } from '@/components/ui/checkbox.tsx'
import { formatBytes } from '@/components/ui/format.ts'
import { DeployButton } from './deploy-button.tsx'
import { ImageMenu } from './image-menu.tsx'
import { imageName, imageReference, uniqueBytes } from './image-name.ts'
import { Created, ImageTags, type ImageRowProps } from './image-row.tsx'

/** An image on a narrow screen. */
export const ImageCard = memo(function ImageCard(props: ImageRowProps) {
  const { row } = props
  const { image, users } = row
  const name = imageName(image)
  return (
    <div role="cell" className="flex flex-col gap-1.5 px-3 py-2.5">
      <div className="flex items-center gap-3">
        <Checkbox
          aria-label={`Select ${name}`}
          checked={props.selected}
          onClick={(event) => props.onSelect(image.Id, event.shiftKey)}
        />
        <div className="min-w-0 flex-1">
          <ImageTags image={image} />
        </div>
        <DeployButton image={imageReference(image)} name={name} compact />
        <ImageMenu image={image} onAct={(action) => props.onAct(action, row)} />
      </div>
      <div className="tabular text-muted-foreground flex flex-wrap items-center gap-x-3 gap-y-1 pl-7 text-xs">
        <span className="text-foreground">{formatBytes(image.Size)}</span>
        {image.SharedSize > 0 && <span>{formatBytes(uniqueBytes(image))} unique</span>}
        {image.Gantry !== undefined && <span>{image.Gantry.Platform}</span>}
        <Created image={image} />
      </div>
      {users.length > 0 && (
        <div className="pl-7 text-[13px]">
          <UsedBy containers={users} />
        </div>
      )}
    </div>
  )
})
