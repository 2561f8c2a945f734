'use client'
import Link from 'next/link'
import { usePathname } from 'next/navigation'
import type { ReactNode } from 'react'
import { tabLook } from '@/components/ui/tabs.tsx'
import { OWN, useRegistries } from './use-registries.ts'

/** A registry's pages: its name, and tabs between what it holds and how it is set up. */
export function RegistryShell({ host, children }: { host: string; children: ReactNode }) {
  const pathname = usePathname()
  const { data } = useRegistries()
  const base = `/registries/${encodeURIComponent(host)}`
  const tabs = [
    { href: base, label: 'Repositories' },
    host === OWN
      ? { href: `${base}/settings`, label: 'Settings' }
      : { href: `${base}/connection`, label: 'Connection' },
  ]
  const name =
    host === OWN
      ? 'This host’s registry'
      : (data?.registries.find((registry) => registry.host === host)?.name ?? host)
  // the host may be encoded in the one and not in the other
  const [first, second] = tabs
  const open = /\/(settings|connection)$/.test(pathname) ? second : first
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="bg-surface border-b px-3 pt-1 md:px-4">
        <h1 className="sr-only">{name}</h1>
        <nav aria-label={name} className="-mb-px flex gap-1">
          {tabs.map(({ href, label }) => (
            <Link
              key={href}
              href={href}
              aria-current={open?.href === href ? 'page' : undefined}
              data-state={open?.href === href ? 'active' : 'inactive'}
              className={tabLook}
            >
              {label}
            </Link>
          ))}
        </nav>
      </div>
      <div className="min-h-0 flex-1">{children}</div>
    </div>
  )
}
