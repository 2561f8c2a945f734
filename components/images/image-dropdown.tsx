'use client'
import { CloudUpload, Copy, Download, Layers, Rocket, Tag, Trash2 } from 'lucide-react'
import { useRouter } from 'next/navigation'
import type { ReactNode } from 'react'
import { copyText } from '@/components/ui/copy-text.ts'
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuSeparator,
  DropdownMenuShortcut,
  DropdownMenuTrigger,
} from '@/components/ui/dropdown-menu.tsx'
import { toast } from '@/components/ui/toast.tsx'
import { deployHref } from './deploy-button.tsx'
import type { ImageAction } from './image-dialogs.tsx'
import { imageHref, imageReference } from './image-name.ts'
import { saveImage } from './save-image.ts'

export interface ImageMenuProps {
  image: { Id: string; RepoTags: string[] }
  onAct: (action: ImageAction) => void
}

export function ImageDropdown(
  props: ImageMenuProps & { defaultOpen: boolean; trigger: ReactNode },
) {
  const { image, onAct } = props
  const router = useRouter()
  return (
    <DropdownMenu defaultOpen={props.defaultOpen}>
      <DropdownMenuTrigger asChild>{props.trigger}</DropdownMenuTrigger>
      <DropdownMenuContent>
        <DropdownMenuItem onSelect={() => router.push(deployHref(imageReference(image)))}>
          <Rocket aria-hidden /> Deploy
        </DropdownMenuItem>
        <DropdownMenuItem onSelect={() => router.push(imageHref(image.Id, '/layers'))}>
          <Layers aria-hidden /> Layers
        </DropdownMenuItem>
        <DropdownMenuSeparator />
        <DropdownMenuItem onSelect={() => onAct('tag')}>
          <Tag aria-hidden /> Tag…
        </DropdownMenuItem>
        <DropdownMenuItem onSelect={() => onAct('push')}>
          <CloudUpload aria-hidden /> Push…
        </DropdownMenuItem>
        <DropdownMenuItem onSelect={() => saveImage(image)}>
          <Download aria-hidden /> Save as a file
        </DropdownMenuItem>
        <DropdownMenuItem
          onSelect={() =>
            void copyText(image.Id).then((done) =>
              done
                ? toast.success('Copied the ID')
                : toast.error('The browser did not let the ID be copied'),
            )
          }
        >
          <Copy aria-hidden /> Copy ID
        </DropdownMenuItem>
        <DropdownMenuSeparator />
        <DropdownMenuItem danger onSelect={() => onAct('remove')}>
          <Trash2 aria-hidden /> Remove… <DropdownMenuShortcut>d</DropdownMenuShortcut>
        </DropdownMenuItem>
      </DropdownMenuContent>
    </DropdownMenu>
  )
}
