'use client'
import { useEffect, useRef, useState } from 'react'
import type { BuildForm } from '@/server/api/schemas/build.ts'
import { api, failureText } from '@/components/engine/client.ts'
import { upload } from '@/components/images/upload.ts'
import type { BuildFormState } from './form-state.ts'
import { filesOfFolder } from './context-file.ts'
import { filesToSend } from './files-to-send.ts'
import { packContext } from './pack-context.ts'
import { isZip } from './to-build.ts'

/** Begins a build and sends its files; leaving the page before they are sent cancels it. */
export function useBegin() {
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string>()
  const [sending, setSending] = useState<{ sent: number; total: number }>()
  const abort = useRef<AbortController>(undefined)
  useEffect(() => () => abort.current?.abort(), [])

  /** @returns the build's ID, once nothing more is to be sent; undefined when it could not begin */
  const run = async (build: BuildForm, form: BuildFormState): Promise<string | undefined> => {
    setBusy(true)
    setFailure(undefined)
    const controller = new AbortController()
    abort.current = controller
    try {
      const files = await contextOf(form)
      controller.signal.throwIfAborted()
      const { jobId } = await api.post<{ jobId: string }>('/api/builds', build)
      if (files !== null) {
        const total = files.size
        setSending({ sent: 0, total })
        await upload(
          `/api/builds/${jobId}/context`,
          files,
          (sent) => setSending({ sent, total }),
          controller.signal,
          'PUT',
        ).catch((error: unknown) => {
          // what was not sent is not waited for
          void api.post(`/api/builds/${jobId}/cancel`).catch(() => undefined)
          throw error
        })
      }
      return jobId
    } catch (error) {
      if (!controller.signal.aborted) setFailure(failureText(error))
      return undefined
    } finally {
      setBusy(false)
      setSending(undefined)
    }
  }
  return { busy, failure, sending, run, stop: () => abort.current?.abort() }
}

async function contextOf({ archive, dockerfile, folder, source }: BuildFormState) {
  if (source === 'folder') return packContext(await filesToSend(filesOfFolder(folder), dockerfile))
  if (source !== 'archive' || archive === null) return null
  if (!isZip(archive.name)) return archive
  // the engine takes tars, as docker build sends them
  const { filesOfZip } = await import('./zip-files.ts')
  return packContext(await filesToSend(await filesOfZip(archive), dockerfile))
}
