'use client'
import { Menu, Search } from 'lucide-react'
import dynamic from 'next/dynamic'
import { useState } from 'react'
import { Button } from '@/components/ui/button.tsx'
import { Kbd } from '@/components/ui/kbd.tsx'
import { ActivityCentre } from './activity-centre.tsx'
import { Breadcrumb } from './breadcrumb.tsx'
import { ConnectionDot } from './connection-dot.tsx'
import { ThemeMenu } from './theme-menu.tsx'
import { UserMenu } from './user-menu.tsx'

const PhoneMenu = dynamic(() => import('./phone-menu.tsx').then((module) => module.PhoneMenu), {
  ssr: false,
})

export function TopBar(props: {
  host: string
  userName: string
  onSearch: () => void
  onKeys: () => void
}) {
  const [menuOpen, setMenuOpen] = useState(false)
  return (
    <header className="bg-surface flex h-13 shrink-0 items-center gap-1 border-b px-2 md:px-4">
      <Button
        variant="ghost"
        size="icon"
        aria-label="Menu"
        aria-haspopup="dialog"
        className="md:hidden"
        onClick={() => setMenuOpen(true)}
      >
        <Menu aria-hidden />
      </Button>
      {menuOpen && <PhoneMenu onClose={() => setMenuOpen(false)} />}
      <Breadcrumb host={props.host} />
      <div className="ml-auto flex items-center gap-0.5">
        <button
          type="button"
          onClick={props.onSearch}
          aria-keyshortcuts="Control+K"
          className="text-muted-foreground hover:bg-accent md:bg-background mr-1 flex h-8 items-center gap-2 rounded-md px-2 text-[13px] md:w-52 md:border"
        >
          <Search className="size-4" aria-hidden />
          <span className="sr-only md:not-sr-only">Search…</span>
          <span className="ml-auto hidden md:inline">
            <Kbd>Ctrl K</Kbd>
          </span>
        </button>
        <ConnectionDot />
        <ActivityCentre />
        <ThemeMenu />
        <UserMenu name={props.userName} onKeys={props.onKeys} />
      </div>
    </header>
  )
}
