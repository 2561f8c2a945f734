'use client'
import type { ContainerFile, FileListing, RemovedFile } from '@/engine/contract/files.ts'
import { VirtualRows } from '@/components/page/virtual-rows.tsx'
import { Button } from '@/components/ui/button.tsx'
import { cn } from '@/components/ui/cn.ts'
import { count } from '@/components/ui/format.ts'
import { useIsNarrow } from '@/components/ui/use-is-narrow.ts'
import { COLUMNS, FileCard, FileRow, RemovedRow, type FileRowProps } from './file-row.tsx'

type Row = { isRemoved: false; file: ContainerFile } | { isRemoved: true; file: RemovedFile }

/** What is in a directory, of any number; only rows in view are in the page. */
export function FileRows(
  props: Omit<FileRowProps, 'file' | 'directory'> & {
    listing: FileListing
    stale: boolean
    more: { busy: boolean; read: () => void }
  },
) {
  const { listing, more } = props
  const narrow = useIsNarrow()
  const Each = narrow ? FileCard : FileRow
  const left = listing.total - listing.files.length
  const rows: Row[] = [
    ...listing.files.map((file) => ({ isRemoved: false as const, file })),
    ...listing.removed.map((file) => ({ isRemoved: true as const, file })),
  ]
  return (
    <>
      <VirtualRows
        label={`Files in ${listing.path}`}
        rows={rows}
        keyOf={({ file, isRemoved }, index) =>
          isRemoved ? `${file.name} removed` : file.addressable ? file.name : index
        }
        rowPx={narrow ? 57 : 41}
        minWidth={narrow ? undefined : '48rem'}
        stale={props.stale}
        head={narrow ? undefined : <Head />}
      >
        {({ file, isRemoved }) =>
          isRemoved ? (
            <RemovedRow file={file} />
          ) : (
            <Each file={file} directory={listing.path} hrefOf={props.hrefOf} onAct={props.onAct} />
          )
        }
      </VirtualRows>
      {(left > 0 || listing.cut) && (
        <footer className="bg-surface text-muted-foreground flex flex-wrap items-center gap-x-4 gap-y-1 border-t px-3 py-1.5 text-xs sm:px-4">
          <span>
            {listing.files.length.toLocaleString('en')} of {listing.total.toLocaleString('en')}{' '}
            shown
            {listing.cut && '; the directory has more than are looked at: filter for what you need'}
          </span>
          {left > 0 && (
            <Button size="xs" busy={more.busy} onClick={more.read}>
              Show {count(Math.min(1000, left), 'more', 'more')}
            </Button>
          )}
        </footer>
      )}
    </>
  )
}

function Head() {
  return (
    <div role="rowgroup" className="bg-surface sticky top-0 z-10 border-b">
      <div
        role="row"
        aria-rowindex={1}
        className={cn(COLUMNS, 'text-muted-foreground h-9 text-xs font-medium')}
      >
        <div role="columnheader" className="pl-9.5 sm:pl-10.5">
          Name
        </div>
        <div role="columnheader" className="pr-6 text-right">
          Size
        </div>
        <div role="columnheader">Mode</div>
        <div role="columnheader" title="User and group, by number as the container knows them">
          Owner
        </div>
        <div role="columnheader">Changed</div>
        <div role="columnheader">
          <span className="sr-only">Actions</span>
        </div>
      </div>
    </div>
  )
}
