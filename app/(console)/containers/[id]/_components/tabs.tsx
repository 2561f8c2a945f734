'use client'
import {
  ActivitySquare,
  Braces,
  ChartLine,
  ScrollText,
  SquareTerminal,
  type LucideIcon,
} from 'lucide-react'
import Link from 'next/link'
import { usePathname, useRouter } from 'next/navigation'
import { useEffect, useEffectEvent } from 'react'
import { isTyping } from '@/components/shell/is-typing.ts'
import { tabLook } from '@/components/ui/tabs.tsx'

const TABS: { path: string; label: string; icon: LucideIcon }[] = [
  { path: '', label: 'Overview', icon: ActivitySquare },
  { path: '/logs', label: 'Logs', icon: ScrollText },
  { path: '/stats', label: 'Stats', icon: ChartLine },
  { path: '/terminal', label: 'Terminal', icon: SquareTerminal },
  { path: '/inspect', label: 'Inspect', icon: Braces },
]

/** The container's pages as tabs, each with its own address; `[` and `]` go to the one before and after. */
export function ContainerTabs({ nameOrId }: { nameOrId: string }) {
  const base = `/containers/${encodeURIComponent(nameOrId)}`
  const pathname = usePathname()
  const router = useRouter()
  const open = TABS.findIndex((tab) => tab.path !== '' && pathname.endsWith(tab.path))
  const active = open < 0 ? 0 : open
  const onKey = useEffectEvent((event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return
    const step = event.key === ']' ? 1 : event.key === '[' ? -1 : 0
    if (step === 0) return
    event.preventDefault()
    const next = TABS[(active + step + TABS.length) % TABS.length]
    if (next) router.push(`${base}${next.path}`)
  })
  useEffect(() => {
    const listen = (event: KeyboardEvent) => onKey(event)
    window.addEventListener('keydown', listen)
    return () => window.removeEventListener('keydown', listen)
  }, [])
  return (
    <nav
      aria-label="Container pages"
      className="bg-surface flex shrink-0 gap-0.5 overflow-x-auto border-b px-1 sm:px-3"
    >
      {TABS.map(({ path, label, icon: Icon }, index) => (
        <Link
          key={path}
          href={`${base}${path}`}
          className={tabLook}
          data-state={index === active ? 'active' : 'inactive'}
          aria-current={index === active ? 'page' : undefined}
        >
          <Icon className="hidden size-4 sm:block" aria-hidden />
          {label}
        </Link>
      ))}
    </nav>
  )
}
