'use client'
import { Moon, Sun } from 'lucide-react'
import dynamic from 'next/dynamic'
import { LazyMenu } from '@/components/ui/lazy-menu.tsx'

const load = () => import('./theme-dropdown.tsx')
const Menu = dynamic(() => load().then((module) => module.ThemeDropdown), { ssr: false })

export function ThemeMenu() {
  return (
    <LazyMenu
      label="Theme"
      className="hidden sm:inline-flex"
      icon={
        <>
          <Sun className="dark:hidden" aria-hidden />
          <Moon className="hidden dark:block" aria-hidden />
        </>
      }
      Menu={Menu}
      preload={load}
      menuProps={{}}
    />
  )
}
