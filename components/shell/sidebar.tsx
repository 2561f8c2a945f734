'use client'
import { PanelLeftClose, PanelLeftOpen } from 'lucide-react'
import Link from 'next/link'
import { usePathname } from 'next/navigation'
import { useState } from 'react'
import { Button } from '@/components/ui/button.tsx'
import { cn } from '@/components/ui/cn.ts'
import { Logo } from './logo.tsx'
import { isOpen, places } from './nav.ts'
import { SIDEBAR_COOKIE } from './sidebar-cookie.ts'

export function Sidebar({ host, startsNarrow }: { host: string; startsNarrow: boolean }) {
  const [narrow, setNarrow] = useState(startsNarrow)
  const toggle = () => {
    document.cookie = `${SIDEBAR_COOKIE}=${narrow ? 'wide' : 'narrow'}; path=/; max-age=31536000; samesite=lax`
    setNarrow(!narrow)
  }
  const words = narrow ? 'Widen the sidebar' : 'Narrow the sidebar'
  return (
    <aside
      className={cn(
        'bg-surface hidden h-dvh shrink-0 flex-col border-r transition-[width] duration-150 md:flex',
        narrow ? 'w-14' : 'w-54',
      )}
    >
      <div
        className={cn(
          'flex h-13 items-center gap-2.5 border-b',
          narrow ? 'justify-center' : 'px-3.5',
        )}
      >
        <Logo />
        {!narrow && (
          <div className="min-w-0 leading-tight">
            <div className="font-semibold tracking-tight">Gantry</div>
            <div className="text-muted-foreground truncate text-xs" title={host}>
              {host}
            </div>
          </div>
        )}
      </div>
      <PlaceLinks narrow={narrow} />
      <div className={cn('mt-auto border-t p-2', narrow && 'flex justify-center')}>
        <Button variant="ghost" size="icon-sm" aria-label={words} title={words} onClick={toggle}>
          {narrow ? <PanelLeftOpen aria-hidden /> : <PanelLeftClose aria-hidden />}
        </Button>
      </div>
    </aside>
  )
}

export function PlaceLinks({
  narrow = false,
  onChoose,
}: {
  narrow?: boolean
  onChoose?: () => void
}) {
  const pathname = usePathname()
  return (
    <nav aria-label="Main" className="flex flex-col gap-0.5 p-2">
      {places.map((place) => {
        const open = isOpen(place, pathname)
        return (
          <Link
            key={place.href}
            href={place.href}
            aria-current={open ? 'page' : undefined}
            aria-label={narrow ? place.label : undefined}
            title={narrow ? place.label : undefined}
            onClick={onChoose}
            className={cn(
              'relative flex h-9 items-center gap-3 rounded-md text-sm outline-offset-[-2px] [&_svg]:size-4.5',
              narrow ? 'justify-center' : 'px-2.5',
              open
                ? 'bg-accent text-foreground before:bg-primary dark:before:bg-link font-medium before:absolute before:inset-y-2 before:left-0 before:w-0.75 before:rounded-full'
                : 'text-muted-foreground hover:bg-accent hover:text-foreground',
            )}
          >
            <place.icon aria-hidden />
            {!narrow && place.label}
          </Link>
        )
      })}
    </nav>
  )
}
