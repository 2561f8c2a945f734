'use client'
import { CircleUser } from 'lucide-react'
import dynamic from 'next/dynamic'
import { LazyMenu } from '@/components/ui/lazy-menu.tsx'

const load = () => import('./user-dropdown.tsx')
const Menu = dynamic(() => load().then((module) => module.UserDropdown), { ssr: false })

export function UserMenu({ name, onKeys }: { name: string; onKeys: () => void }) {
  return (
    <LazyMenu
      label={`Account: ${name}`}
      icon={<CircleUser aria-hidden />}
      Menu={Menu}
      preload={load}
      menuProps={{ name, onKeys }}
    />
  )
}
