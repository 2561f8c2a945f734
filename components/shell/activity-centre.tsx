'use client'
import { ListChecks } from 'lucide-react'
import dynamic from 'next/dynamic'
import { useState } from 'react'
import { useTopic } from '@/components/live/use-topic.tsx'
import { Button } from '@/components/ui/button.tsx'

const ActivitySheet = dynamic(
  () => import('@/components/jobs/activity-sheet.tsx').then((module) => module.ActivitySheet),
  {
    ssr: false,
  },
)

/** Long work (pulls, builds, deployments, loads) wherever it was begun; it lives on the server, so leaving a page ends none. */
export function ActivityCentre() {
  const { data: jobs } = useTopic('jobs')
  const [open, setOpen] = useState(false)
  const running = jobs?.filter((job) => job.state === 'running').length ?? 0
  const label = running === 0 ? 'Activity' : `Activity: ${running} running`
  return (
    <>
      <Button
        variant="ghost"
        size="icon-sm"
        aria-label={label}
        title={label}
        aria-haspopup="dialog"
        className="relative"
        onClick={() => setOpen(true)}
      >
        <ListChecks aria-hidden />
        {running > 0 && (
          <span className="bg-primary text-primary-foreground absolute -top-0.5 -right-0.5 flex size-4 items-center justify-center rounded-full text-[10px] font-semibold">
            {running}
          </span>
        )}
      </Button>
      {open && <ActivitySheet jobs={jobs} onClose={() => setOpen(false)} />}
    </>
  )
}
