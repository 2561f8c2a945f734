import type { ReactNode } from 'react'
import { RegistryShell } from '@/components/registries/registry-shell.tsx'

export default async function RegistryLayout(props: {
  params: Promise<{ host: string }>
  children: ReactNode
}) {
  const { host } = await props.params
  return <RegistryShell host={decodeURIComponent(host)}>{props.children}</RegistryShell>
}
