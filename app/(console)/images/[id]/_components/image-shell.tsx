'use client'
import { Braces, History, Layers, ListTree, SearchX } from 'lucide-react'
import Link from 'next/link'
import { useEffect, type ReactNode } from 'react'
import { RequestError } from '@/components/engine/client.ts'
import { imageHref, imageName } from '@/components/images/image-name.ts'
import { PageTabs, type PageTab } from '@/components/page/page-tabs.tsx'
import { Button } from '@/components/ui/button.tsx'
import { Empty } from '@/components/ui/empty.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { SkeletonRows } from '@/components/ui/skeleton.tsx'
import { ImageHeader } from './header.tsx'
import { ImageContext, useImageQuery } from './image-provider.tsx'

const TABS: PageTab[] = [
  { path: '', label: 'Overview', icon: Layers },
  { path: '/layers', label: 'Layers', icon: ListTree },
  { path: '/history', label: 'History', icon: History },
  { path: '/inspect', label: 'Inspect', icon: Braces },
]

/** The frame of all pages of one image: its header and tabs stay, what is below scrolls. */
export function ImageShell({ nameOrId, children }: { nameOrId: string; children: ReactNode }) {
  const { view, error, retry } = useImageQuery(nameOrId)
  const name = view === null ? null : imageName(view.image)
  useEffect(() => {
    if (name !== null) document.title = `${name} · Gantry`
  }, [name])
  if (view === null) return <NotThere nameOrId={nameOrId} error={error} retry={retry} />
  return (
    <ImageContext view={view}>
      <div className="flex h-full min-h-0 flex-col">
        <ImageHeader />
        {error !== null && !view.removed && (
          <Notice kind="warning" title="What is shown may be old" className="mx-4 mb-2">
            {error.message}
          </Notice>
        )}
        <PageTabs base={imageHref(nameOrId)} label="Image pages" tabs={TABS} />
        <div className="flex min-h-0 flex-1 flex-col overflow-y-auto">{children}</div>
      </div>
    </ImageContext>
  )
}

function NotThere(props: { nameOrId: string; error: Error | null; retry: () => void }) {
  const { error } = props
  if (error === null) return <SkeletonRows rows={10} label="Loading the image" />
  if (error instanceof RequestError && error.status === 404) {
    return (
      <Empty
        icon={SearchX}
        title="No such image"
        actions={
          <Button asChild>
            <Link href="/images">All images</Link>
          </Button>
        }
      >
        There is no image with the name or ID <code className="break-all">{props.nameOrId}</code>.
        It may have been removed, or its tag given to another.
      </Empty>
    )
  }
  return (
    <div className="p-4">
      <Notice
        title="The image could not be read"
        actions={
          <Button size="sm" onClick={props.retry}>
            Try again
          </Button>
        }
      >
        {error.message}
      </Notice>
    </div>
  )
}
