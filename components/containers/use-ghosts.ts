'use client'
import { useEffect, useState } from 'react'
import type { ContainerSummary } from '@/engine/types/docker.ts'

const FADE_MS = 700

/** Rows that have just gone, kept a moment so that they fade instead of making the list jump. */
export function useGhosts(containers: ContainerSummary[] | undefined): ContainerSummary[] {
  const [previous, setPrevious] = useState<ContainerSummary[]>([])
  const [ghosts, setGhosts] = useState<ContainerSummary[]>([])
  // Compared while rendering, so that no frame shows the list without its ghosts.
  if (containers !== undefined && containers !== previous) {
    const present = new Set(containers.map((row) => row.Id))
    const gone = previous.filter((row) => !present.has(row.Id))
    setPrevious(containers)
    const kept = ghosts.filter((row) => !present.has(row.Id))
    if (gone.length > 0 || kept.length !== ghosts.length) setGhosts([...kept, ...gone])
  }
  useEffect(() => {
    if (ghosts.length === 0) return
    const timer = setTimeout(() => setGhosts([]), FADE_MS)
    return () => clearTimeout(timer)
  }, [ghosts])
  return ghosts
}
