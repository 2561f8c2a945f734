import type { Metadata } from 'next'
import { LogsTab } from '../_components/logs-tab.tsx'

export const metadata: Metadata = { title: 'Logs' }

export default function LogsPage() {
  return <LogsTab />
}
