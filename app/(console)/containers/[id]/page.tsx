import type { Metadata } from 'next'
import { Overview } from './_components/overview.tsx'

export const metadata: Metadata = { title: 'Container' }

export default function OverviewPage() {
  return <Overview />
}
