'use client'
import { ListChecks } from 'lucide-react'
import dynamic from 'next/dynamic'
import { useState } from 'react'
import { useTopic } from '@/components/live/use-topic.tsx'
import { Button } from '@/components/ui/button.tsx'
import { Sheet, SheetContent, SheetTrigger } from '@/components/ui/sheet.tsx'
import { SkeletonRows } from '@/components/ui/skeleton.tsx'

const JobList = dynamic(
  () => import('@/components/jobs/job-list.tsx').then((module) => module.JobList),
  {
    loading: () => <SkeletonRows rows={3} />,
  },
)

/** Long work (pulls, deployments, loads) wherever it was begun; it lives on the server, so leaving a page ends none. */
export function ActivityCentre() {
  const { data: jobs } = useTopic('jobs')
  const [open, setOpen] = useState(false)
  const running = jobs?.filter((job) => job.state === 'running').length ?? 0
  const label = running === 0 ? 'Activity' : `Activity: ${running} running`
  return (
    <Sheet open={open} onOpenChange={setOpen}>
      <SheetTrigger asChild>
        <Button
          variant="ghost"
          size="icon-sm"
          aria-label={label}
          title={label}
          className="relative"
        >
          <ListChecks aria-hidden />
          {running > 0 && (
            <span className="bg-primary text-primary-foreground absolute -top-0.5 -right-0.5 flex size-4 items-center justify-center rounded-full text-[10px] font-semibold">
              {running}
            </span>
          )}
        </Button>
      </SheetTrigger>
      <SheetContent title="Activity" description="Pulls, deployments and loads, newest first">
        <JobList jobs={jobs} onLeave={() => setOpen(false)} />
      </SheetContent>
    </Sheet>
  )
}
