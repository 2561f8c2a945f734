'use client'
import { Ellipsis, FilePlus, FolderDown, FolderPlus, RotateCw, Upload } from 'lucide-react'
import { useRef } from 'react'
import { Button } from '@/components/ui/button.tsx'
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuTrigger,
} from '@/components/ui/dropdown-menu.tsx'

/** What can be done with the directory that is shown. */
export function DirectoryTools(props: {
  busy: boolean
  isWritable: boolean
  isUploading: boolean
  onRefresh: () => void
  onDownload: () => void
  onNew: (what: 'directory' | 'file') => void
  onFiles: (files: File[]) => void
}) {
  const input = useRef<HTMLInputElement>(null)
  return (
    <div className="ml-auto flex items-center gap-1.5">
      <Button
        size="icon-sm"
        variant="ghost"
        aria-label="Read the directory again"
        title="Read the directory again"
        busy={props.busy}
        onClick={props.onRefresh}
      >
        {!props.busy && <RotateCw aria-hidden />}
      </Button>
      <DropdownMenu>
        <DropdownMenuTrigger asChild>
          <Button size="icon-sm" aria-label="More for this directory">
            <Ellipsis aria-hidden />
          </Button>
        </DropdownMenuTrigger>
        <DropdownMenuContent>
          <DropdownMenuItem disabled={!props.isWritable} onSelect={() => props.onNew('directory')}>
            <FolderPlus aria-hidden /> New directory…
          </DropdownMenuItem>
          <DropdownMenuItem disabled={!props.isWritable} onSelect={() => props.onNew('file')}>
            <FilePlus aria-hidden /> New file…
          </DropdownMenuItem>
          <DropdownMenuItem onSelect={props.onDownload}>
            <FolderDown aria-hidden /> Download as tar
          </DropdownMenuItem>
        </DropdownMenuContent>
      </DropdownMenu>
      <Button
        size="sm"
        variant="primary"
        disabled={!props.isWritable || props.isUploading}
        onClick={() => input.current?.click()}
      >
        <Upload aria-hidden /> Upload
      </Button>
      <input
        ref={input}
        type="file"
        multiple
        aria-label="Files to upload"
        className="hidden"
        onChange={(event) => {
          const files = [...(event.target.files ?? [])]
          event.target.value = ''
          props.onFiles(files)
        }}
      />
    </div>
  )
}
