import type { Metadata } from 'next'
import { Overview } from './_components/overview.tsx'

export const metadata: Metadata = { title: 'Image' }

export default function OverviewPage() {
  return <Overview />
}
