import type { Metadata } from 'next'
import { RegistryBrowser } from '@/components/registries/registry-browser.tsx'

export const metadata: Metadata = { title: 'Registry' }

export default async function RegistryPage(props: { params: Promise<{ host: string }> }) {
  const { host } = await props.params
  return <RegistryBrowser host={decodeURIComponent(host)} />
}
