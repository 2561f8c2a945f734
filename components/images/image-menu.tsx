'use client'
import { Ellipsis } from 'lucide-react'
import dynamic from 'next/dynamic'
import { LazyMenu } from '@/components/ui/lazy-menu.tsx'
import type { ImageMenuProps } from './image-dropdown.tsx'
import { imageName } from './image-name.ts'

const load = () => import('./image-dropdown.tsx')
const Menu = dynamic(() => load().then((module) => module.ImageDropdown), { ssr: false })

/** What can be done to one image; a plain button until it is wanted, as there are many rows. */
export function ImageMenu(props: ImageMenuProps) {
  return (
    <LazyMenu
      label={`Actions for ${imageName(props.image)}`}
      icon={<Ellipsis aria-hidden />}
      Menu={Menu}
      preload={load}
      menuProps={props}
    />
  )
}
