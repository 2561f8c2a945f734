'use client'
import { useMemo } from 'react'
import { StatsView } from '@/components/stats/stats-view.tsx'
import { useContainer } from './container-provider.tsx'
import { isUp, limitsOf } from './summary.ts'

export function StatsTab() {
  const { container, id, removed } = useContainer()
  // The same object while the numbers are the same: charts are made anew with other limits.
  const { cpuCores, memoryBytes } = limitsOf(container)
  const limits = useMemo(() => ({ cpuCores, memoryBytes }), [cpuCores, memoryBytes])
  return <StatsView containerId={id} running={isUp(container) && !removed} limits={limits} />
}
