import type { Metadata } from 'next'
import { notFound } from 'next/navigation'
import { Connection } from '@/components/registries/connection.tsx'

export const metadata: Metadata = { title: 'Connection' }

export default async function ConnectionPage(props: { params: Promise<{ host: string }> }) {
  const { host } = await props.params
  if (host === 'own') notFound()
  return <Connection host={decodeURIComponent(host)} />
}
