'use client'
import { Cable, Cpu, File, FileSymlink, Folder, FolderSymlink, type LucideIcon } from 'lucide-react'
import Link from 'next/link'
import { memo, type ReactNode } from 'react'
import type { ContainerFile, RemovedFile } from '@/engine/contract/files.ts'
import { MarkLetter, type Mark as MarkName } from '@/components/images/layers/marks.tsx'
import { Age } from '@/components/ui/age.tsx'
import { cn } from '@/components/ui/cn.ts'
import { formatTime } from '@/components/ui/format.ts'
import { FileMenu } from './file-menu.tsx'
import { kindWords, modeOf, sizeOf } from './file-words.ts'
import { joined } from './paths.ts'

export type FileAction = 'download' | 'rename' | 'remove'

export interface FileRowProps {
  file: ContainerFile
  /** the directory it is in */
  directory: string
  /** address of the page with these in its query */
  hrefOf: (query: { path?: string; file?: string }) => string
  onAct: (action: FileAction, file: ContainerFile) => void
}

export const COLUMNS =
  'grid grid-cols-[minmax(14rem,1fr)_6.5rem_7.5rem_7rem_10rem_3rem] items-center'

/** A row of the wide list. Memoised: of a thousand rows only those that changed are drawn again. */
export const FileRow = memo(function FileRow(props: FileRowProps) {
  const { file } = props
  return (
    <div className={cn(COLUMNS, 'min-h-10 text-[13px]')}>
      <div role="cell" className="min-w-0 py-1 pr-3 pl-3 sm:pl-4">
        <FileName {...props} />
      </div>
      <div role="cell" className="tabular pr-6 text-right whitespace-nowrap">
        {sizeOf(file)}
      </div>
      <div role="cell" className="text-muted-foreground pr-3 font-mono text-xs">
        {modeOf(file)}
      </div>
      <div role="cell" className="tabular text-muted-foreground truncate pr-3">
        {file.uid}:{file.gid}
      </div>
      <div role="cell" className="tabular text-muted-foreground pr-3 whitespace-nowrap">
        {formatTime(file.modified * 1000)}
      </div>
      <div role="cell" className="flex justify-end pr-2">
        <FileMenu file={file} onAct={props.onAct} />
      </div>
    </div>
  )
})

/** The same for a narrow window: what the columns said stands below the name. */
export const FileCard = memo(function FileCard(props: FileRowProps) {
  const { file } = props
  return (
    <div className="flex min-h-14 items-center gap-2 py-1.5 pr-1 pl-3 text-[13px]">
      <div role="cell" className="min-w-0 flex-1">
        <FileName {...props} />
        <div className="text-muted-foreground mt-0.5 flex flex-wrap gap-x-2 pl-13 text-xs">
          {file.kind === 'file' && <span className="tabular">{sizeOf(file)}</span>}
          <span className="font-mono">{modeOf(file)}</span>
          <span className="tabular">
            {file.uid}:{file.gid}
          </span>
          <Age since={file.modified * 1000} suffix=" ago" />
        </div>
      </div>
      <div role="cell">
        <FileMenu file={file} onAct={props.onAct} />
      </div>
    </div>
  )
})

/** The name, as the way to it where there is one, and what a link says. */
function FileName({ directory, file, hrefOf }: FileRowProps) {
  const leads = leadsTo(file)
  const Icon = icons[file.kind === 'link' && leads === 'directory' ? 'directory-link' : file.kind]
  const path = joined(directory, file.name)
  const href =
    leads === 'directory'
      ? hrefOf({ path })
      : leads === 'file'
        ? hrefOf({ path: directory, file: path })
        : undefined
  const name: ReactNode =
    href === undefined || !file.addressable ? (
      <span className="truncate" title={file.addressable ? undefined : 'Its name is no valid text'}>
        {file.name}
      </span>
    ) : (
      <Link
        href={href}
        prefetch={false}
        scroll={false}
        title={file.name}
        className={cn(
          'truncate rounded-sm underline-offset-4 hover:underline',
          leads === 'directory' && 'font-medium',
        )}
      >
        {file.name}
      </Link>
    )
  return (
    <div className="flex min-w-0 items-center gap-2.5">
      <Mark mark={file.mark} />
      <Icon
        className={cn(
          'size-4 shrink-0',
          leads === 'directory' ? 'text-link' : 'text-muted-foreground',
        )}
        aria-hidden
      />
      <span className="sr-only">{kindWords[file.kind]}</span>
      <span className="flex min-w-0 items-baseline gap-2">
        {name}
        {file.link !== undefined && (
          <span className="text-muted-foreground min-w-0 truncate text-xs" title={file.link.text}>
            <span aria-hidden>→</span>
            <span className="sr-only">leads to</span> {file.link.text}
            {file.link.to === undefined && <span className="text-warn"> (leads nowhere)</span>}
          </span>
        )}
      </span>
    </div>
  )
}

/** Whether it differs from the image; its room is kept, so that names stand below each other. */
function Mark({ mark }: { mark: MarkName | undefined }) {
  return mark === undefined ? <span className="w-4 shrink-0" /> : <MarkLetter mark={mark} />
}

/** What the image has and the container has removed: there is nothing to be done with it. */
export function RemovedRow({ file }: { file: RemovedFile }) {
  const Icon = file.kind === 'special' ? Cpu : icons[file.kind]
  return (
    <div role="cell" className="flex min-h-10 items-center gap-2.5 px-3 text-[13px] sm:px-4">
      <Mark mark="removed" />
      <Icon className="text-muted-foreground size-4 shrink-0" aria-hidden />
      <span className="text-muted-foreground truncate line-through">{file.name}</span>
      <span className="text-muted-foreground shrink-0 text-xs">of the image, removed here</span>
    </div>
  )
}

function leadsTo({ kind, link }: ContainerFile): string | undefined {
  return kind === 'link' ? link?.to : kind
}

const icons: Record<ContainerFile['kind'] | 'directory-link', LucideIcon> = {
  directory: Folder,
  'directory-link': FolderSymlink,
  file: File,
  link: FileSymlink,
  device: Cpu,
  pipe: Cable,
  socket: Cable,
}
