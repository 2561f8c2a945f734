import type { Metadata } from 'next'
import { BuildList } from '@/components/builds/build-list.tsx'

export const metadata: Metadata = { title: 'Builds' }

export default function BuildsPage() {
  return <BuildList />
}
