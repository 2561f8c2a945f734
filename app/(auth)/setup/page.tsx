import type { Metadata } from 'next'
import { redirect } from 'next/navigation'
import { SetupForm } from '@/components/auth/setup-form.tsx'
import { needsSetup } from '@/server/api/current-user.ts'

export const metadata: Metadata = { title: 'Set up' }

export default async function SetupPage() {
  if (!(await needsSetup())) redirect('/login')
  return <SetupForm />
}
