'use client'
import { useQuery } from '@tanstack/react-query'
import Link from 'next/link'
import { ALL_UNUSED, usePrunable } from '@/components/images/use-prunable.ts'
import { engine, failureText } from '@/components/engine/client.ts'
import { Button } from '@/components/ui/button.tsx'
import { Card, CardHeader } from '@/components/ui/card.tsx'
import { formatBytes } from '@/components/ui/format.ts'
import { Skeleton } from '@/components/ui/skeleton.tsx'
import { readDiskUsage, type DiskUsageAnswer, type Usage } from './disk-usage.ts'

/** What images, containers and volumes take on the disk, and how much of it could be had back. */
export function DiskCard() {
  const query = useQuery({
    // Under `images`, so that it is read again when one comes or goes.
    queryKey: ['images', 'disk-usage'],
    staleTime: 30_000,
    refetchInterval: 60_000,
    queryFn: async ({ signal }) =>
      readDiskUsage(await engine.get<DiskUsageAnswer>('/system/df', {}, signal)),
  })
  // df adds up sizes as the docker CLI does, layers in use too; a prune's plan knows what would really go
  const prunable = usePrunable(ALL_UNUSED)
  return (
    <Card aria-label="Disk usage">
      <CardHeader title="On the disk" />
      <div className="flex flex-col gap-3 p-4">
        {query.error !== null && query.data === undefined && (
          <p className="text-bad text-sm">{failureText(query.error)}</p>
        )}
        {query.isPending && <Skeleton className="h-20" />}
        {query.data !== undefined && (
          <>
            <Line
              name="Images"
              usage={{ ...query.data.images, reclaimable: prunable.data?.SpaceReclaimable }}
              href="/images?kind=unused"
            />
            <Line name="Containers" usage={query.data.containers} href="/containers?q=is:stopped" />
            <Line name="Volumes" usage={query.data.volumes} href="/volumes?kind=unused" />
            {query.data.registry !== undefined && query.data.registry.number > 0 && (
              <Line
                name="Registry"
                title="What was pushed and no image of this host needs; repositories are counted"
                usage={query.data.registry}
                href="/registries/own/settings"
              />
            )}
          </>
        )}
      </div>
    </Card>
  )
}

function Line(props: {
  name: string
  title?: string
  /** what can be had back is undefined while it is not known */
  usage: Omit<Usage, 'reclaimable'> & { reclaimable: number | undefined }
  href: string
}) {
  const { href, name, title, usage } = props
  return (
    <div className="flex items-center gap-3 text-sm" title={title}>
      <span className="w-24">
        {name}
        <span className="text-muted-foreground block text-xs">{usage.number}</span>
      </span>
      <span className="tabular w-20 text-right">{formatBytes(usage.bytes)}</span>
      <span className="text-muted-foreground ml-auto text-right text-xs">
        {usage.reclaimable === undefined ? null : usage.reclaimable > 0 ? (
          <Button asChild size="xs">
            <Link href={href}>{formatBytes(usage.reclaimable)} reclaimable</Link>
          </Button>
        ) : (
          'nothing reclaimable'
        )}
      </span>
    </div>
  )
}
