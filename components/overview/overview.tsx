'use client'
import { Rocket } from 'lucide-react'
import Link from 'next/link'
import { useTopic } from '@/components/live/use-topic.tsx'
import { Button } from '@/components/ui/button.tsx'
import { Card, CardHeader } from '@/components/ui/card.tsx'
import { cn } from '@/components/ui/cn.ts'
import { Notice } from '@/components/ui/notice.tsx'
import { SkeletonRows } from '@/components/ui/skeleton.tsx'
import { DiskCard } from './disk-card.tsx'
import { EngineCard } from './engine-card.tsx'
import { EventsCard } from './events-card.tsx'
import { HostCards } from './host-cards.tsx'
import { RunningCard } from './running-card.tsx'
import { Welcome } from './welcome.tsx'

/** The host, what runs on it, and what happened of late. */
export function Overview() {
  const { data: containers, stale, error } = useTopic('containers')
  return (
    <div className="mx-auto flex max-w-7xl flex-col gap-3 p-3 md:p-4">
      <div className="flex items-center gap-3">
        <h1 className="text-base font-semibold">Overview</h1>
        <Button asChild variant="primary" size="sm" className="ml-auto">
          <Link href="/containers/new">
            <Rocket aria-hidden /> Deploy
          </Link>
        </Button>
      </div>
      <HostCards />
      <div
        className={cn('grid items-start gap-3 lg:grid-cols-[3fr_2fr]', stale !== null && 'stale')}
      >
        <div className="flex min-w-0 flex-col gap-3">
          {containers === undefined ? (
            <Card>
              <CardHeader title="Containers" />
              {error === null ? (
                <SkeletonRows rows={5} label="Loading the containers" />
              ) : (
                <Notice title="The containers cannot be listed" className="m-4">
                  {error}
                </Notice>
              )}
            </Card>
          ) : containers.length === 0 ? (
            <Welcome />
          ) : (
            <RunningCard containers={containers} />
          )}
          <EventsCard />
        </div>
        <div className="flex min-w-0 flex-col gap-3">
          <DiskCard />
          <EngineCard />
        </div>
      </div>
    </div>
  )
}
