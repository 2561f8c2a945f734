'use client'
import { Ellipsis } from 'lucide-react'
import dynamic from 'next/dynamic'
import { LazyMenu } from '@/components/ui/lazy-menu.tsx'
import { containerName } from './container-name.ts'
import type { RowMenuProps } from './row-dropdown.tsx'

const load = () => import('./row-dropdown.tsx')
const Menu = dynamic(() => load().then((module) => module.RowDropdown), { ssr: false })

/** What can be done to one row; a plain button until it is wanted, as there are many rows. */
export function RowMenu(props: RowMenuProps) {
  return (
    <LazyMenu
      label={`Actions for ${containerName(props.container)}`}
      icon={<Ellipsis aria-hidden />}
      Menu={Menu}
      preload={load}
      menuProps={props}
    />
  )
}
