'use client'
import type { Job } from '@/server/live/protocol.ts'
import { Sheet, SheetContent } from '@/components/ui/sheet.tsx'
import { JobList } from './job-list.tsx'

export function ActivitySheet({ jobs, onClose }: { jobs: Job[] | undefined; onClose: () => void }) {
  return (
    <Sheet open onOpenChange={(open) => !open && onClose()}>
      <SheetContent
        title="Activity"
        description="Pulls, pushes, builds, deployments and loads, newest first"
      >
        <JobList jobs={jobs} onLeave={onClose} />
      </SheetContent>
    </Sheet>
  )
}
