import type { Metadata } from 'next'
import { BuildPage } from '@/components/builds/build-page.tsx'

export const metadata: Metadata = { title: 'Build' }

export default async function OneBuildPage({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params
  return <BuildPage key={id} id={id} />
}
