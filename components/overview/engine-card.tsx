'use client'
import { useQuery } from '@tanstack/react-query'
import type { SystemInfo } from '@/engine/types/docker.ts'
import { engine, failureText } from '@/components/engine/client.ts'
import { Facts } from '@/components/page/facts.tsx'
import { Card, CardHeader } from '@/components/ui/card.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { Skeleton } from '@/components/ui/skeleton.tsx'

export function EngineCard() {
  const query = useQuery({
    queryKey: ['info'],
    staleTime: 60_000,
    queryFn: ({ signal }) => engine.get<SystemInfo>('/info', {}, signal),
  })
  const info = query.data
  return (
    <Card aria-label="Engine">
      <CardHeader title="Engine" />
      <div className="flex flex-col gap-3 p-4">
        {query.error !== null && <p className="text-bad text-sm">{failureText(query.error)}</p>}
        {query.isPending && <Skeleton className="h-20" />}
        {info !== undefined && (
          <Facts
            facts={[
              ['Version', info.ServerVersion],
              ['System', info.OperatingSystem],
              ['Kernel', info.KernelVersion],
              ['cgroup', info.CgroupVersion === undefined ? undefined : `v${info.CgroupVersion}`],
              ['Storage', info.Driver],
              ['Data', info.DockerRootDir],
            ]}
          />
        )}
        {info?.Warnings?.map((warning) => (
          <Notice key={warning} kind="warning" title={warning} />
        ))}
      </div>
    </Card>
  )
}
