'use client'
import type { Job } from '@/server/live/protocol.ts'
import { useTopic } from '@/components/live/use-topic.tsx'

/** One job as it goes on; undefined until the server tells of it. */
export function useJob(id: string | undefined): Job | undefined {
  const { data: jobs } = useTopic('jobs')
  return id === undefined ? undefined : jobs?.find((job) => job.id === id)
}
