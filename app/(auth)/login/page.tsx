import type { Metadata } from 'next'
import { redirect } from 'next/navigation'
import { LoginForm } from '@/components/auth/login-form.tsx'
import { safeNext } from '@/components/auth/safe-next.ts'
import { currentUser, needsSetup } from '@/server/api/current-user.ts'

export const metadata: Metadata = { title: 'Sign in' }

export default async function LoginPage({
  searchParams,
}: {
  searchParams: Promise<{ next?: string | string[] }>
}) {
  if (await needsSetup()) redirect('/setup')
  const next = safeNext((await searchParams).next)
  if ((await currentUser()) !== null) redirect(next)
  return <LoginForm next={next} />
}
