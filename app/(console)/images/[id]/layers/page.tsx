import type { Metadata } from 'next'
import { LayersTab } from '../_components/layers-tab.tsx'

export const metadata: Metadata = { title: 'Layers' }

export default function LayersPage() {
  return <LayersTab />
}
