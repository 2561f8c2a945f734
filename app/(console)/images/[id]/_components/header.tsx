'use client'
import { Trash2 } from 'lucide-react'
import Link from 'next/link'
import { useState } from 'react'
import { DeployButton } from '@/components/images/deploy-button.tsx'
import { ImageDialog, type ImageAction } from '@/components/images/image-dialogs.tsx'
import { ImageMenu } from '@/components/images/image-menu.tsx'
import { imageName, imageReference, tagsOf } from '@/components/images/image-name.ts'
import { Age } from '@/components/ui/age.tsx'
import { Badge } from '@/components/ui/badge.tsx'
import { Button } from '@/components/ui/button.tsx'
import { count, formatBytes } from '@/components/ui/format.ts'
import { Notice } from '@/components/ui/notice.tsx'
import { useImage } from './image-provider.tsx'
import { platformOf } from './facts.ts'

/** Which image this is, and what can be done with it. */
export function ImageHeader() {
  const { image, removed, users } = useImage()
  const [asking, setAsking] = useState<ImageAction | null>(null)
  const name = imageName(image)
  const acted = { Id: image.Id, RepoTags: tagsOf(image), Size: image.Size ?? 0 }
  const created = Date.parse(image.Created ?? '')
  return (
    <header className="bg-surface shrink-0 px-3 pt-3 pb-1.5 sm:px-4">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-64">
          <div className="flex min-w-0 flex-wrap items-center gap-x-2.5 gap-y-1">
            <h1 className="min-w-0 text-lg leading-snug font-semibold wrap-anywhere">{name}</h1>
            {removed ? (
              <Badge tone="bad">Removed</Badge>
            ) : users.length > 0 ? (
              <Badge tone="ok">in use</Badge>
            ) : (
              <Badge>unused</Badge>
            )}
            {!removed && acted.RepoTags.length === 0 && <Badge tone="warn">dangling</Badge>}
          </div>
          <div className="tabular text-muted-foreground mt-1 flex flex-wrap items-center gap-x-3 gap-y-1 text-[13px]">
            <span>{formatBytes(acted.Size)}</span>
            <span>{count(image.RootFS?.Layers?.length ?? 0, 'layer')}</span>
            <span>{platformOf(image)}</span>
            {created > 0 && (
              <span>
                made <Age since={created} suffix=" ago" />
              </span>
            )}
          </div>
        </div>
        {removed ? (
          <Button asChild size="sm">
            <Link href="/images">All images</Link>
          </Button>
        ) : (
          <div role="toolbar" aria-label="Image actions" className="flex items-center gap-1.5">
            <DeployButton image={imageReference(image)} name={name} variant="primary" />
            <Button
              size="sm"
              variant="danger-outline"
              className="hidden sm:inline-flex"
              onClick={() => setAsking('remove')}
            >
              <Trash2 aria-hidden /> Remove
            </Button>
            <ImageMenu image={acted} onAct={setAsking} />
          </div>
        )}
      </div>
      {removed && (
        <Notice kind="info" title="Removed" className="mt-2">
          The image is gone; this is what was last known of it.
        </Notice>
      )}
      {asking !== null && (
        <ImageDialog action={asking} image={acted} users={users} onClose={() => setAsking(null)} />
      )}
    </header>
  )
}
