'use client'
import { useQueryClient } from '@tanstack/react-query'
import type { ImageSummary } from '@/engine/types/docker.ts'
import { shortId } from '@/components/containers/container-name.ts'
import { engine } from '@/components/engine/client.ts'
import { PruneDialog } from '@/components/page/prune-dialog.tsx'
import { Age } from '@/components/ui/age.tsx'
import { formatBytes } from '@/components/ui/format.ts'

export function PruneImagesDialog({
  images,
  onClose,
}: {
  images: ImageSummary[]
  onClose: () => void
}) {
  const queries = useQueryClient()
  return (
    <PruneDialog
      noun="image"
      description={`Images without a tag that no container uses: up to ${formatBytes(images.reduce((sum, image) => sum + image.Size, 0))}.`}
      items={images.map((image) => ({
        key: image.Id,
        name: <span className="font-mono text-[13px]">{shortId(image.Id)}</span>,
        detail: (
          <>
            {formatBytes(image.Size)}, <Age since={image.Created * 1000} suffix=" old" />
          </>
        ),
      }))}
      onPrune={async () => {
        const answer = await engine.post<{
          ImagesDeleted: unknown[] | null
          SpaceReclaimed: number
        }>('/images/prune', {
          filters: { dangling: ['true'] },
        })
        await queries.invalidateQueries({ queryKey: ['images'] })
        return `Freed ${formatBytes(answer.SpaceReclaimed)}`
      }}
      onClose={onClose}
    />
  )
}
