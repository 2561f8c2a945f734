'use client'
import { Ellipsis } from 'lucide-react'
import dynamic from 'next/dynamic'
import { LazyMenu } from '@/components/ui/lazy-menu.tsx'
import type { FileMenuProps } from './file-dropdown.tsx'

const load = () => import('./file-dropdown.tsx')
const Menu = dynamic(() => load().then((module) => module.FileDropdown), { ssr: false })

/** What can be done to one file; nothing to what no path can mean. */
export function FileMenu(props: FileMenuProps) {
  if (!props.file.addressable) return null
  return (
    <LazyMenu
      label={`Actions for ${props.file.name}`}
      icon={<Ellipsis aria-hidden />}
      Menu={Menu}
      preload={load}
      menuProps={props}
    />
  )
}
