'use client'
import { useMemo } from 'react'
import { MiniCharts } from '@/components/stats/mini-charts.tsx'
import { useContainer } from './container-provider.tsx'
import { ConfigCard, EnvironmentCard, LabelsCard, LimitsCard } from './config-cards.tsx'
import { LastLines } from './last-lines.tsx'
import { MountsCard, NetworksCard } from './resource-cards.tsx'
import { isUp, limitsOf } from './summary.ts'
import { WhyCard } from './why-card.tsx'

/** Why it is as it is, what it does now, what it printed last, how it is set up. */
export function Overview() {
  const { container, id, removed } = useContainer()
  const { cpuCores, memoryBytes } = limitsOf(container)
  const limits = useMemo(() => ({ cpuCores, memoryBytes }), [cpuCores, memoryBytes])
  return (
    <div className="flex flex-col gap-4 p-3 sm:p-4">
      <WhyCard />
      {isUp(container) && !removed && <MiniCharts containerId={id} limits={limits} />}
      <LastLines />
      <div className="grid items-start gap-4 lg:grid-cols-2">
        <div className="flex min-w-0 flex-col gap-4">
          <ConfigCard />
          <EnvironmentCard />
        </div>
        <div className="flex min-w-0 flex-col gap-4">
          <NetworksCard />
          <MountsCard />
          <LimitsCard />
          <LabelsCard />
        </div>
      </div>
    </div>
  )
}
