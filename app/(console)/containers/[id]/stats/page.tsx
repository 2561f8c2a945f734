import type { Metadata } from 'next'
import { StatsTab } from '../_components/stats-tab.tsx'

export const metadata: Metadata = { title: 'Stats' }

export default function StatsPage() {
  return <StatsTab />
}
