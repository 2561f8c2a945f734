import type { Metadata } from 'next'
import { InspectTab } from '../_components/inspect-tab.tsx'

export const metadata: Metadata = { title: 'Inspect' }

export default function InspectPage() {
  return <InspectTab />
}
