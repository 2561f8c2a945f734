'use client'
import { Download, Pencil, Trash2 } from 'lucide-react'
import type { ReactNode } from 'react'
import type { ContainerFile } from '@/engine/contract/files.ts'
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuSeparator,
  DropdownMenuTrigger,
} from '@/components/ui/dropdown-menu.tsx'
import type { FileAction } from './file-row.tsx'

export interface FileMenuProps {
  file: ContainerFile
  onAct: (action: FileAction, file: ContainerFile) => void
}

export function FileDropdown(props: FileMenuProps & { defaultOpen: boolean; trigger: ReactNode }) {
  const { file, onAct } = props
  const isLoadable = file.kind === 'directory' || file.kind === 'file' || file.link?.to === 'file'
  return (
    <DropdownMenu defaultOpen={props.defaultOpen}>
      <DropdownMenuTrigger asChild>{props.trigger}</DropdownMenuTrigger>
      <DropdownMenuContent>
        {isLoadable && (
          <>
            <DropdownMenuItem onSelect={() => onAct('download', file)}>
              <Download aria-hidden /> {file.kind === 'directory' ? 'Download as tar' : 'Download'}
            </DropdownMenuItem>
            <DropdownMenuSeparator />
          </>
        )}
        <DropdownMenuItem onSelect={() => onAct('rename', file)}>
          <Pencil aria-hidden /> Rename…
        </DropdownMenuItem>
        <DropdownMenuItem danger onSelect={() => onAct('remove', file)}>
          <Trash2 aria-hidden /> Delete…
        </DropdownMenuItem>
      </DropdownMenuContent>
    </DropdownMenu>
  )
}
