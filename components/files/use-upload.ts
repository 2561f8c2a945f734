'use client'
import { useSyncExternalStore } from 'react'
import type { ContextFile } from '@/components/builds/context-file.ts'
import { uploads, type Uploading } from './uploads.ts'
import { useRefreshFiles } from './use-files.ts'

export interface Upload {
  /** What goes on, of this container. */
  uploading: Uploading | undefined
  begin: (files: ContextFile[], directory: string) => void
  /** Goes on after a question or a failure. */
  send: () => void
  cancel: () => void
}

/** The upload into a container; one at a time. */
export function useUpload(containerId: string): Upload {
  const uploading = useSyncExternalStore(
    uploads.watch,
    () => uploads.get(containerId),
    () => undefined,
  )
  const refresh = useRefreshFiles(containerId)
  const done = () => void refresh()
  return {
    uploading,
    begin: (files, directory) => void uploads.begin(containerId, files, directory, done),
    send: () => void uploads.send(containerId, done),
    cancel: () => uploads.cancel(containerId),
  }
}
