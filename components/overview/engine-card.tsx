'use client'
import { useQuery } from '@tanstack/react-query'
import type { SystemInfo } from '@/engine/types/docker.ts'
import { engine, failureText } from '@/components/engine/client.ts'
import { Facts } from '@/components/page/facts.tsx'
import { Card, CardHeader } from '@/components/ui/card.tsx'
import { CopyButton } from '@/components/ui/copy-button.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { Skeleton } from '@/components/ui/skeleton.tsx'
import { useHost } from './use-host.ts'

export function EngineCard() {
  const query = useQuery({
    queryKey: ['info'],
    staleTime: 60_000,
    queryFn: ({ signal }) => engine.get<SystemInfo>('/info', {}, signal),
  })
  const info = query.data
  const dockerHost = useHost().data?.dockerHost
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
              [
                'Docker API',
                dockerHost && (
                  <span key="api" className="flex min-w-0 items-center gap-1">
                    <span className="min-w-0 break-all">{dockerHost}</span>
                    <CopyButton
                      text={dockerHost}
                      label="Copy the address, for docker -H"
                      className="size-6"
                    />
                  </span>
                ),
              ],
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
