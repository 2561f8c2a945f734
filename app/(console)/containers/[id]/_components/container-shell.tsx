'use client'
import { SearchX } from 'lucide-react'
import Link from 'next/link'
import { usePathname, useRouter } from 'next/navigation'
import { useEffect, type ReactNode } from 'react'
import { RequestError } from '@/components/engine/client.ts'
import { Button } from '@/components/ui/button.tsx'
import { Empty } from '@/components/ui/empty.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { SkeletonRows } from '@/components/ui/skeleton.tsx'
import { ContainerContext, useContainerQuery } from './container-provider.tsx'
import { ContainerHeader } from './header.tsx'
import { nameOf } from './summary.ts'
import { ContainerTabs } from './tabs.tsx'

/** The frame of all pages of one container: its header and tabs stay, what is below scrolls. */
export function ContainerShell({ nameOrId, children }: { nameOrId: string; children: ReactNode }) {
  const { view, error, retry } = useContainerQuery(nameOrId)
  const name = view === null ? null : nameOf(view.container)
  useEffect(() => {
    if (name !== null) document.title = `${name} · Gantry`
  }, [name])
  useFollowRename(nameOrId, view?.id ?? null, name)

  if (view === null) return <NotThere nameOrId={nameOrId} error={error} retry={retry} />
  const stale = error !== null && !view.removed
  return (
    <ContainerContext view={view}>
      <div className="flex h-full min-h-0 flex-col">
        <ContainerHeader />
        {stale && (
          <Notice kind="warning" title="What is shown may be old" className="mx-4 mb-2">
            {error.message}
          </Notice>
        )}
        <ContainerTabs nameOrId={nameOrId} />
        <div className="flex min-h-0 flex-1 flex-col overflow-y-auto">{children}</div>
      </div>
    </ContainerContext>
  )
}

/** An address with the container's name goes along when that changes, so that a reload finds it. */
function useFollowRename(nameOrId: string, id: string | null, name: string | null): void {
  const pathname = usePathname()
  const router = useRouter()
  useEffect(() => {
    if (id === null || name === null || name === nameOrId || id.startsWith(nameOrId)) return
    const rest = pathname.split('/').slice(3)
    router.replace(['/containers', encodeURIComponent(name), ...rest].join('/'))
  }, [nameOrId, id, name, pathname, router])
}

function NotThere(props: { nameOrId: string; error: Error | null; retry: () => void }) {
  const { error } = props
  if (error === null) return <SkeletonRows rows={10} label="Loading the container" />
  const back = (
    <Button asChild>
      <Link href="/containers">All containers</Link>
    </Button>
  )
  if (error instanceof RequestError && error.status === 404) {
    return (
      <Empty icon={SearchX} title="No such container" actions={back}>
        There is no container with the name or ID{' '}
        <code className="break-all">{props.nameOrId}</code>. It may have been removed.
      </Empty>
    )
  }
  return (
    <div className="p-4">
      <Notice
        title="The container could not be read"
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
