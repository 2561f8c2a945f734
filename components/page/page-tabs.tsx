'use client'
import type { LucideIcon } from 'lucide-react'
import Link from 'next/link'
import { usePathname, useRouter } from 'next/navigation'
import { useEffect, useEffectEvent } from 'react'
import { isTyping } from '@/components/shell/is-typing.ts'
import { tabLook } from '@/components/ui/tabs.tsx'

export interface PageTab {
  /** Behind the base: '' of the first, `/logs`. */
  path: string
  label: string
  icon: LucideIcon
}

/** The pages of one thing as tabs, each with its own address; `[` and `]` go to the one before and after. */
export function PageTabs({
  base,
  label,
  tabs,
}: {
  base: string
  label: string
  tabs: readonly PageTab[]
}) {
  const pathname = usePathname()
  const router = useRouter()
  const open = tabs.findIndex((tab) => tab.path !== '' && pathname.endsWith(tab.path))
  const active = open < 0 ? 0 : open
  const onKey = useEffectEvent((event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return
    const step = event.key === ']' ? 1 : event.key === '[' ? -1 : 0
    if (step === 0) return
    event.preventDefault()
    const next = tabs[(active + step + tabs.length) % tabs.length]
    if (next) router.push(`${base}${next.path}`)
  })
  useEffect(() => {
    const listen = (event: KeyboardEvent) => onKey(event)
    window.addEventListener('keydown', listen)
    return () => window.removeEventListener('keydown', listen)
  }, [])
  return (
    <nav
      aria-label={label}
      className="bg-surface flex shrink-0 gap-0.5 overflow-x-auto border-b px-1 sm:px-3"
    >
      {tabs.map(({ path, label: words, icon: Icon }, index) => (
        <Link
          key={path}
          href={`${base}${path}`}
          className={tabLook}
          data-state={index === active ? 'active' : 'inactive'}
          aria-current={index === active ? 'page' : undefined}
        >
          <Icon className="hidden size-4 sm:block" aria-hidden />
          {words}
        </Link>
      ))}
    </nav>
  )
}
