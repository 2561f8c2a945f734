'use client'
import { FolderOpen } from 'lucide-react'
import { useRouter } from 'next/navigation'
import { useRef, useState } from 'react'
import type { ContainerFile } from '@/engine/contract/files.ts'
import { FilterBox } from '@/components/page/filter-box.tsx'
import { NoMatch } from '@/components/page/no-match.tsx'
import { QueryStates } from '@/components/page/query-states.tsx'
import { useListKeys } from '@/components/page/use-list-keys.ts'
import { Button } from '@/components/ui/button.tsx'
import { Empty } from '@/components/ui/empty.tsx'
import { useUrlState } from '@/components/ui/use-url-state.ts'
import { DirectoryTools } from './directory-tools.tsx'
import { DropTarget } from './drop-target.tsx'
import { chosenFiles } from './dropped-files.ts'
import { NewDialog, RemoveFileDialog, RenameFileDialog } from './file-dialogs.tsx'
import type { FileAction } from './file-row.tsx'
import { FileRows } from './file-rows.tsx'
import { PathBar } from './path-bar.tsx'
import { joined } from './paths.ts'
import { useFiles, useRefreshFiles, type Place } from './use-files.ts'
import type { Upload } from './use-upload.ts'

type Asking =
  { what: 'new'; kind: 'directory' | 'file' } | { what: 'rename' | 'remove'; file: ContainerFile }

/** What is in one directory, and what can be done there. */
export function DirectoryView(props: {
  place: Place
  path: string
  upload: Upload
  hrefOf: (query: { path?: string; file?: string }) => string
  onDownload: (path: string, kind: ContainerFile['kind']) => void
  onFailure: (message: string) => void
}) {
  const { hrefOf, path, place, upload } = props
  const { containerId } = place
  const router = useRouter()
  const [filter, setFilter] = useUrlState('q')
  const query = useFiles(place, path, filter)
  const refresh = useRefreshFiles(containerId)
  const [asking, setAsking] = useState<Asking>()
  const filterBox = useRef<HTMLInputElement>(null)
  useListKeys({ '/': () => filterBox.current?.focus() })
  // of a directory reached by a link it is where that led
  const directory = query.data?.path ?? path
  const isWritable = query.data !== undefined && !query.data.kernels

  const act = (action: FileAction, file: ContainerFile) => {
    if (action === 'download') props.onDownload(joined(directory, file.name), file.kind)
    else setAsking({ what: action, file })
  }
  const close = () => setAsking(undefined)
  const dialog = { containerId, directory, onClose: close }
  return (
    <DropTarget
      directory={directory}
      disabled={upload.uploading !== undefined || !isWritable}
      onFiles={(files) => upload.begin(files, directory)}
      onFailure={props.onFailure}
    >
      <div className="bg-surface flex flex-wrap items-center gap-x-3 gap-y-2 border-b px-3 py-2 sm:px-4">
        <PathBar
          path={path}
          hrefOf={(to) => hrefOf({ path: to })}
          onGo={(to) => router.push(hrefOf({ path: to }))}
        />
        <div className="flex w-full items-center gap-2 lg:w-auto">
          <FilterBox
            ref={filterBox}
            label="Filter files"
            placeholder="Filter by name"
            value={filter}
            onChange={setFilter}
          />
          <DirectoryTools
            busy={query.isFetching}
            isWritable={isWritable}
            isUploading={upload.uploading !== undefined}
            onRefresh={() => void refresh()}
            onDownload={() => props.onDownload(directory, 'directory')}
            onNew={(kind) => setAsking({ what: 'new', kind })}
            onFiles={(files) => upload.begin(chosenFiles(files), directory)}
          />
        </div>
      </div>
      <QueryStates query={query} what="directory">
        {(listing) =>
          listing.kernels ? (
            <Empty icon={FolderOpen} title="The kernel’s own state">
              What is shown at {listing.path} are no files of the container: look at it in a
              terminal.
            </Empty>
          ) : listing.files.length + listing.removed.length > 0 ? (
            <FileRows
              listing={listing}
              stale={query.isPlaceholderData || query.isRefetchError}
              hrefOf={hrefOf}
              onAct={act}
              more={{ busy: query.isFetchingNextPage, read: () => void query.fetchNextPage() }}
            />
          ) : filter !== '' ? (
            <NoMatch noun="file" clearWords="Clear the filter" onClear={() => setFilter('')}>
              In {listing.path} there is no name with “{filter}” in it.
            </NoMatch>
          ) : (
            <Empty
              icon={FolderOpen}
              title="An empty directory"
              actions={
                <Button onClick={() => setAsking({ what: 'new', kind: 'file' })}>
                  Make a file here
                </Button>
              }
            >
              Drop files here to upload them.
            </Empty>
          )
        }
      </QueryStates>
      {asking?.what === 'new' && (
        <NewDialog
          {...dialog}
          what={asking.kind}
          onMade={(made) => {
            close()
            void refresh()
            if (asking.kind === 'file') router.push(hrefOf({ path: directory, file: made }))
          }}
        />
      )}
      {asking?.what === 'rename' && (
        <RenameFileDialog
          {...dialog}
          file={asking.file}
          onDone={() => {
            close()
            void refresh()
          }}
        />
      )}
      {asking?.what === 'remove' && (
        <RemoveFileDialog {...dialog} file={asking.file} onDone={() => void refresh()} />
      )}
    </DropTarget>
  )
}
