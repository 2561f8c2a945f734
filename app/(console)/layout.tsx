import { hostname } from 'node:os'
import { cookies } from 'next/headers'
import { redirect } from 'next/navigation'
import type { ReactNode } from 'react'
import { ConsoleProviders } from '@/components/shell/providers.tsx'
import { Shell } from '@/components/shell/shell.tsx'
import { SIDEBAR_COOKIE } from '@/components/shell/sidebar-cookie.ts'
import { currentUser, needsSetup } from '@/server/api/current-user.ts'

export default async function ConsoleLayout({ children }: { children: ReactNode }) {
  const user = await currentUser()
  if (user === null) redirect((await needsSetup()) ? '/setup' : '/login')
  const jar = await cookies()
  return (
    <ConsoleProviders>
      <Shell
        host={hostname()}
        userName={user.name}
        startsNarrow={jar.get(SIDEBAR_COOKIE)?.value === 'narrow'}
      >
        {children}
      </Shell>
    </ConsoleProviders>
  )
}
