'use client'
import { useVirtualizer } from '@tanstack/react-virtual'
import {
  ChevronRight,
  File,
  FileSymlink,
  Folder,
  FileQuestion,
  type LucideIcon,
} from 'lucide-react'
import { useRef, useState, type KeyboardEvent } from 'react'
import type { LayerFile } from '@/engine/contract/image-layers.ts'
import { modeText } from '@/components/page/mode-text.ts'
import { cn } from '@/components/ui/cn.ts'
import { count, formatBytes, formatTime } from '@/components/ui/format.ts'
import { Counts, MarkLetter } from './marks.tsx'
import type { TreeRow } from './tree-rows.ts'
import type { LayerTree as Tree } from './use-layers.ts'

const ROW = 28

/** The files of one layer as a tree, of which only what is on the screen is drawn; arrow keys move in it. */
export function LayerTree({ tree }: { tree: Tree }) {
  const { rows } = tree
  const scroller = useRef<HTMLDivElement>(null)
  const [currentPath, setCurrentPath] = useState<string>()
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 12,
  })
  const index = rows.findIndex((row) => row.kind === 'file' && row.path === currentPath)
  const go = (to: number) => {
    const row = rows[Math.min(rows.length - 1, Math.max(0, to))]
    if (row === undefined) return
    setCurrentPath(row.path)
    virtual.scrollToIndex(Math.min(rows.length - 1, Math.max(0, to)))
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const row = rows[index]
    const folder = row?.kind === 'file' && row.file.kind === 'directory' ? row : undefined
    const act = {
      ArrowDown: () => go(index + 1),
      ArrowUp: () => go(index - 1),
      Home: () => go(0),
      End: () => go(rows.length - 1),
      ArrowRight: () => (folder?.open === false ? tree.toggle(folder.path) : go(index + 1)),
      ArrowLeft: () =>
        folder?.open === true ? tree.toggle(folder.path) : go(parentIndex(rows, index)),
      Enter: () => folder !== undefined && tree.toggle(folder.path),
      ' ': () => folder !== undefined && tree.toggle(folder.path),
    }[event.key]
    if (act === undefined) return
    event.preventDefault()
    act()
  }
  return (
    <div
      ref={scroller}
      role="tree"
      aria-label="Files of the layer"
      tabIndex={0}
      onKeyDown={onKeyDown}
      className="min-h-0 flex-1 overflow-auto text-[13px] outline-offset-[-2px]"
    >
      <div className="relative sm:min-w-[26rem]" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index]
          if (row === undefined) return null
          return (
            <div
              key={`${row.kind} ${row.path}`}
              className="absolute inset-x-0 top-0"
              style={{ transform: `translateY(${item.start}px)`, height: ROW }}
            >
              <Row
                row={row}
                current={item.index === index}
                onToggle={() => {
                  setCurrentPath(row.path)
                  if (row.kind === 'more') tree.more(row.path)
                  else tree.toggle(row.path)
                }}
                onSelect={() => setCurrentPath(row.path)}
              />
            </div>
          )
        })}
      </div>
    </div>
  )
}

function Row(props: {
  row: TreeRow
  current: boolean
  onToggle: () => void
  onSelect: () => void
}) {
  const { row } = props
  const indent = { paddingLeft: `${0.5 + row.depth * 1.1}rem` }
  if (row.kind === 'waiting')
    return (
      <div className="text-muted-foreground flex h-full items-center text-xs" style={indent}>
        Reading…
      </div>
    )
  if (row.kind === 'more')
    return (
      <button
        type="button"
        className="text-link flex h-full w-full items-center text-xs hover:underline"
        style={indent}
        onClick={props.onToggle}
      >
        Show more of {count(row.left, 'further entry', 'further entries')}
      </button>
    )
  const { file } = row
  const isDirectory = file.kind === 'directory'
  const Icon = icons[file.kind]
  return (
    <div
      role="treeitem"
      aria-level={row.depth + 1}
      aria-expanded={isDirectory ? row.open : undefined}
      aria-selected={props.current}
      title={titleOf(file)}
      onClick={isDirectory ? props.onToggle : props.onSelect}
      className={cn(
        'flex h-full items-center gap-1.5 pr-3',
        isDirectory && 'cursor-pointer',
        props.current ? 'bg-accent/70' : 'hover:bg-muted/60',
      )}
      style={indent}
    >
      <ChevronRight
        className={cn(
          'text-muted-foreground size-3.5 shrink-0 transition-transform',
          row.open && 'rotate-90',
          !isDirectory && 'invisible',
        )}
        aria-hidden
      />
      <MarkLetter mark={file.mark} />
      <Icon
        className={cn('size-4 shrink-0', isDirectory ? 'text-link' : 'text-muted-foreground')}
        aria-hidden
      />
      <span className="flex min-w-0 flex-1 items-baseline gap-2">
        <span
          className={cn(
            'truncate',
            file.mark === 'removed' && 'text-muted-foreground line-through',
          )}
        >
          {file.name}
        </span>
        {file.linkTarget !== undefined && (
          <span className="text-muted-foreground truncate text-xs">→ {file.linkTarget}</span>
        )}
      </span>
      {isDirectory && file.within !== undefined && (
        <span className="hidden sm:inline">
          <Counts {...file.within} />
        </span>
      )}
      <span className="tabular text-muted-foreground shrink-0 text-right text-xs sm:w-32">
        {sizeOf(file)}
      </span>
      <span className="text-muted-foreground hidden w-24 shrink-0 text-right font-mono text-xs lg:inline">
        {modeOf(file)}
      </span>
    </div>
  )
}

const icons: Record<LayerFile['kind'], LucideIcon> = {
  directory: Folder,
  file: File,
  link: FileSymlink,
  special: FileQuestion,
}

function parentIndex(rows: TreeRow[], index: number): number {
  const depth = rows[index]?.depth ?? 0
  for (let at = index - 1; at >= 0; at--) if ((rows[at]?.depth ?? 0) < depth) return at
  return index
}

/** Of what is added its bytes, of what is changed what it was and is, of what is removed what that hides. */
function sizeOf(file: LayerFile): string {
  if (file.kind === 'directory') {
    const { hiddenBytes = 0, sizeBytes = 0 } = file.within ?? {}
    if (file.mark === 'removed') return hiddenBytes > 0 ? `(${formatBytes(hiddenBytes)})` : ''
    return sizeBytes > 0 ? formatBytes(sizeBytes) : ''
  }
  if (file.kind !== 'file') return ''
  if (file.mark === 'removed') return `(${formatBytes(file.sizeBytes)})`
  const { previousBytes } = file
  return previousBytes !== undefined && previousBytes !== file.sizeBytes
    ? `${formatBytes(previousBytes)} → ${formatBytes(file.sizeBytes)}`
    : formatBytes(file.sizeBytes)
}

/** As ls shows it: `drwxr-xr-x`. */
function modeOf({ kind, mode }: LayerFile): string {
  return modeText({ directory: 'd', file: '-', link: 'l', special: 's' }[kind], mode)
}

function titleOf(file: LayerFile): string {
  return [
    `${modeOf(file)} ${file.uid}:${file.gid}`,
    file.modified > 0 ? formatTime(file.modified * 1000) : '',
    file.hardLinks > 1 ? `${file.hardLinks} hard links` : '',
  ]
    .filter(Boolean)
    .join(', ')
}
