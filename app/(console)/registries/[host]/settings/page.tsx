import type { Metadata } from 'next'
import { notFound, redirect } from 'next/navigation'
import { OwnSettings } from '@/components/registries/settings/own-settings.tsx'
import { currentUser } from '@/server/api/current-user.ts'

export const metadata: Metadata = { title: 'Registry settings' }

export default async function RegistrySettingsPage(props: { params: Promise<{ host: string }> }) {
  const { host } = await props.params
  if (host !== 'own') notFound()
  const user = await currentUser()
  if (user === null) redirect('/login')
  return <OwnSettings userName={user.name} />
}
