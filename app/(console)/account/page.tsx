import type { Metadata } from 'next'
import { redirect } from 'next/navigation'
import { TokenCard } from '@/components/account/token-card.tsx'
import { currentUser } from '@/server/api/current-user.ts'

export const metadata: Metadata = { title: 'Account' }

export default async function AccountPage() {
  const user = await currentUser()
  if (user === null) redirect('/login')
  return (
    <div className="mx-auto flex max-w-5xl flex-col gap-4 p-3 md:p-4">
      <h1 className="sr-only">Account</h1>
      <TokenCard userName={user.name} />
    </div>
  )
}
