'use client'
import { CloudDownload, Trash2 } from 'lucide-react'
import type { RegistryImage } from '@/engine/contract/registry.ts'
import { api, failureText } from '@/components/engine/client.ts'
import { DeployButton } from '@/components/images/deploy-button.tsx'
import { tagsOf } from '@/components/images/image-name.ts'
import { useImages } from '@/components/images/use-images.ts'
import { Age } from '@/components/ui/age.tsx'
import { Badge } from '@/components/ui/badge.tsx'
import { Button } from '@/components/ui/button.tsx'
import { CopyButton } from '@/components/ui/copy-button.tsx'
import { formatBytes } from '@/components/ui/format.ts'
import { Skeleton } from '@/components/ui/skeleton.tsx'
import { toast } from '@/components/ui/toast.tsx'
import { useOwnHost } from './own-host.ts'
import { referenceOf } from './reference.ts'
import { useRegistryImage } from './use-registry-image.ts'
import { DOCKER_HUB, OWN } from './use-registries.ts'

/** Of the head and of each row, where there is room for columns. */
export const TAG_COLUMNS = 'lg:grid-cols-[minmax(7rem,1fr)_5rem_8.5rem_5rem_7rem] lg:gap-x-4'

export function TagRow(props: {
  host: string
  repository: string
  tag: string
  isSettled: boolean
  onDelete: () => void
}) {
  const { host, repository, tag } = props
  const ownHost = useOwnHost()
  const reference = referenceOf(host === OWN ? ownHost : host, repository, tag)
  // each look at a manifest counts as a pull at Docker Hub
  const isCounted = host === DOCKER_HUB
  const query = useRegistryImage(host, repository, tag, props.isSettled && !isCounted)
  const image = query.data
  return (
    <div
      className={`flex min-h-13 flex-wrap items-center gap-x-3 px-3 py-1.5 text-sm md:px-4 lg:grid ${TAG_COLUMNS}`}
    >
      <div role="cell" className="min-w-0 flex-1 basis-40">
        <div className="flex items-center gap-0.5">
          <span className="font-medium wrap-anywhere">{tag}</span>
          <CopyButton text={reference} label={`Copy ${reference}`} className="size-6 shrink-0" />
        </div>
        <div className="text-muted-foreground truncate font-mono text-xs" title={image?.digest}>
          {image === undefined ? '' : image.digest.slice(0, 19)}
        </div>
      </div>
      {query.error !== null ? (
        <div role="cell" className="text-bad min-w-0 basis-full text-xs lg:col-span-3">
          {failureText(query.error)}
        </div>
      ) : image === undefined ? (
        <div role="cell" className="lg:col-span-3">
          {isCounted ? (
            <Button
              size="xs"
              variant="ghost"
              busy={query.isFetching}
              title="Docker Hub counts this as a pull"
              onClick={() => void query.refetch()}
            >
              What it holds
            </Button>
          ) : (
            <Skeleton className="w-40" />
          )}
        </div>
      ) : (
        // below the name, where there is no room for columns
        <div className="order-last flex basis-full items-center gap-3 lg:contents">
          <Cells image={image} />
        </div>
      )}
      <div role="cell" className="ml-auto flex justify-end gap-1">
        {image?.kind !== 'other' && <Deploy {...props} reference={reference} />}
        {host !== OWN && image?.kind !== 'other' && (
          <Button
            variant="ghost"
            size="icon-sm"
            aria-label={`Pull ${reference}`}
            title="Pull"
            onClick={() => void pull(reference)}
          >
            <CloudDownload aria-hidden />
          </Button>
        )}
        {!isCounted && (
          <Button
            variant="ghost"
            size="icon-sm"
            aria-label={`Delete ${tag}`}
            title="Delete"
            onClick={props.onDelete}
          >
            <Trash2 aria-hidden />
          </Button>
        )}
      </div>
    </div>
  )
}

function Cells({ image }: { image: RegistryImage }) {
  const created = image.created === null ? NaN : Date.parse(image.created)
  return (
    <>
      <div
        role="cell"
        className="tabular text-right text-xs whitespace-nowrap lg:text-sm"
        title={image.platform === '' ? 'To download' : `To download, for ${image.platform}`}
      >
        {image.size === null ? '–' : formatBytes(image.size)}
      </div>
      <div role="cell" className="flex min-w-0 items-center gap-1">
        {image.kind === 'other' ? (
          <Badge className="max-w-full" title={image.artifactType ?? image.mediaType}>
            <span className="truncate">{image.artifactType ?? 'no image'}</span>
          </Badge>
        ) : (
          <span
            className="text-muted-foreground truncate text-xs"
            title={image.platforms.join('\n')}
          >
            {platformWords(image.platforms)}
          </span>
        )}
      </div>
      <div role="cell" className="text-muted-foreground text-xs lg:text-sm">
        {/* Reproducible builds write the epoch. */}
        {created > 0 ? <Age since={created} suffix=" ago" /> : 'unknown'}
      </div>
    </>
  )
}

/** What is pushed to this host’s registry is an image here, under the name by which it was pushed. */
function Deploy(props: { host: string; repository: string; tag: string; reference: string }) {
  const images = useImages()
  if (props.host !== OWN) return <DeployButton image={props.reference} compact />
  const names = (images.data ?? []).flatMap(tagsOf)
  const here = names.includes(props.reference)
    ? props.reference
    : names.find((name) => name.endsWith(`/${props.repository}:${props.tag}`))
  return here === undefined ? null : <DeployButton image={here} name={props.reference} compact />
}

function platformWords(platforms: readonly string[]): string {
  const shown = platforms.slice(0, 2).map((platform) => platform.replace(/^linux\//, ''))
  const more = platforms.length - shown.length
  return `${shown.join(', ')}${more > 0 ? ` +${more}` : ''}`
}

async function pull(image: string): Promise<void> {
  try {
    await api.post('/api/pull', { image })
    toast.success(`Pulling ${image}: see Activity`)
  } catch (error) {
    toast.error(failureText(error))
  }
}
