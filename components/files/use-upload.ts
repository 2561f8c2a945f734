'use client'
import { useEffect, useRef, useState } from 'react'
import type { ContextFile } from '@/components/builds/context-file.ts'
import { packContext } from '@/components/builds/pack-context.ts'
import { engineUrl, failureText } from '@/components/engine/client.ts'
import { upload } from '@/components/images/upload.ts'
import { toast } from '@/components/ui/toast.tsx'
import { count } from '@/components/ui/format.ts'
import { topNames } from './dropped-files.ts'
import { listFiles, PAGE } from './files-api.ts'
import { useRefreshFiles } from './use-files.ts'

/** Files on their way into a directory of a container. */
export interface Uploading {
  files: ContextFile[]
  directory: string
  step:
    | { kind: 'looking' }
    /** These are there already: it waits for a yes. */
    | { kind: 'asking'; taken: string[] }
    | { kind: 'sending'; sent: number; bytes: number }
    | { kind: 'failed'; message: string }
}

/** Sends files as one archive, as `docker cp` does; one upload at a time. It ends with the page. */
export function useUpload(containerId: string) {
  const [uploading, setUploading] = useState<Uploading>()
  const abort = useRef<AbortController>(undefined)
  useEffect(() => () => abort.current?.abort(), [])
  const refresh = useRefreshFiles(containerId)

  const send = async (files: ContextFile[], directory: string): Promise<void> => {
    const controller = new AbortController()
    abort.current = controller
    const tell = (step: Uploading['step']) => {
      if (!controller.signal.aborted) setUploading({ files, directory, step })
    }
    try {
      tell({ kind: 'sending', sent: 0, bytes: 0 })
      const archive = await packContext(files)
      await upload(
        engineUrl(`/containers/${containerId}/archive`, {
          path: directory,
          noOverwriteDirNonDir: true,
        }),
        archive,
        (sent) => tell({ kind: 'sending', sent, bytes: archive.size }),
        controller.signal,
        'PUT',
      )
      setUploading(undefined)
      toast.success(`Uploaded ${count(files.length, 'file')} to ${directory}`)
    } catch (error) {
      tell({ kind: 'failed', message: failureText(error) })
    }
    // also what came before it failed
    await refresh()
  }
  const begin = async (files: ContextFile[], directory: string): Promise<void> => {
    if (files.length === 0) return
    setUploading({ files, directory, step: { kind: 'looking' } })
    try {
      const taken = await takenNames(containerId, directory, topNames(files))
      if (taken.length === 0) await send(files, directory)
      else setUploading({ files, directory, step: { kind: 'asking', taken } })
    } catch (error) {
      setUploading({ files, directory, step: { kind: 'failed', message: failureText(error) } })
    }
  }
  return {
    uploading,
    begin: (files: ContextFile[], directory: string) => void begin(files, directory),
    /** Goes on after a question or a failure. */
    send: () => uploading && void send(uploading.files, uploading.directory),
    cancel: () => {
      abort.current?.abort()
      setUploading(undefined)
    },
  }
}

async function takenNames(id: string, directory: string, names: string[]): Promise<string[]> {
  const wanted = new Set(names)
  const taken: string[] = []
  for (let offset = 0; ; offset += PAGE) {
    const { files, total } = await listFiles(id, { path: directory, offset })
    taken.push(...files.map(({ name }) => name).filter((name) => wanted.has(name)))
    if (taken.length === wanted.size || offset + PAGE >= total) return taken
  }
}
