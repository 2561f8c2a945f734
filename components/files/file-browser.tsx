'use client'
import { usePathname, useRouter, useSearchParams } from 'next/navigation'
import { useState } from 'react'
import type { ContainerFile } from '@/engine/contract/files.ts'
import { failureText } from '@/components/engine/client.ts'
import { Button } from '@/components/ui/button.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { DirectoryView } from './directory-view.tsx'
import { FileEditor } from './file-editor.tsx'
import { adviceFor } from './file-words.ts'
import { download } from './files-api.ts'
import { cleanPath, parentOf } from './paths.ts'
import { UploadPanel } from './upload-panel.tsx'
import { useRefreshFiles, type Place } from './use-files.ts'
import { useUpload } from './use-upload.ts'

/** A container's files: one directory (`?path=`), or one file of it (`?file=`). */
export function FileBrowser({ place }: { place: Place }) {
  const { containerId, containerName } = place
  const search = useSearchParams()
  const pathname = usePathname()
  const router = useRouter()
  const refresh = useRefreshFiles(containerId)
  const upload = useUpload(containerId)
  const [failure, setFailure] = useState<string>()
  const file = search.get('file')
  const hrefOf = (query: { path?: string; file?: string }) =>
    `${pathname}?${new URLSearchParams(query).toString()}`
  const load = (path: string, kind: ContainerFile['kind']) => {
    setFailure(undefined)
    download(containerId, containerName, path, kind).catch((error: unknown) =>
      setFailure(failureText(error)),
    )
  }
  return (
    <>
      {failure !== undefined && (
        <Notice
          title={failure}
          className="mx-3 my-2 sm:mx-4"
          actions={
            <Button size="xs" variant="ghost" onClick={() => setFailure(undefined)}>
              Dismiss
            </Button>
          }
        >
          {adviceFor(failure)}
        </Notice>
      )}
      {upload.uploading !== undefined && (
        <UploadPanel uploading={upload.uploading} onSend={upload.send} onCancel={upload.cancel} />
      )}
      {file === null ? (
        <DirectoryView
          place={place}
          path={cleanPath(search.get('path') ?? '/')}
          hrefOf={hrefOf}
          upload={upload}
          onDownload={load}
          onFailure={setFailure}
        />
      ) : (
        <FileEditor
          key={file}
          place={place}
          path={cleanPath(file)}
          onDownload={() => load(cleanPath(file), 'file')}
          onClose={() => {
            void refresh()
            router.push(hrefOf({ path: parentOf(cleanPath(file)) }))
          }}
        />
      )}
    </>
  )
}
