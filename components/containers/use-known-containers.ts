'use client'
import type { ContainerSummary } from '@/engine/types/docker.ts'
import { useTopic } from '@/components/live/use-topic.tsx'

/**
 * All containers for pages that tell who uses a thing; undefined while they are not known, when nothing may be called
 * unused. Where the server refuses to tell they are none.
 */
export function useKnownContainers(): ContainerSummary[] | undefined {
  const { data, error } = useTopic('containers')
  return data ?? (error === null ? undefined : none)
}

const none: ContainerSummary[] = []
