import type { Metadata } from 'next'
import { HistoryTab } from '../_components/history-tab.tsx'

export const metadata: Metadata = { title: 'History' }

export default function HistoryPage() {
  return <HistoryTab />
}
