'use client'
import { Upload } from 'lucide-react'
import { useRef, useState, type DragEvent, type ReactNode } from 'react'
import type { ContextFile } from '@/components/builds/context-file.ts'
import { failureText } from '@/components/engine/client.ts'
import { droppedFiles } from './dropped-files.ts'

/** All of a list takes files that are dropped on it, and says so while they hover. */
export function DropTarget(props: {
  directory: string
  disabled: boolean
  onFiles: (files: ContextFile[]) => void
  onFailure: (message: string) => void
  children: ReactNode
}) {
  const [over, setOver] = useState(false)
  /** Enters and leaves of elements within come in pairs. */
  const depth = useRef(0)
  const takes = (event: DragEvent): boolean =>
    !props.disabled && event.dataTransfer.types.includes('Files')
  return (
    <div
      className="relative flex min-h-0 flex-1 flex-col"
      onDragEnter={(event) => {
        if (!takes(event)) return
        depth.current++
        setOver(true)
      }}
      onDragLeave={(event) => {
        if (!takes(event)) return
        depth.current = Math.max(0, depth.current - 1)
        if (depth.current === 0) setOver(false)
      }}
      onDragOver={(event) => {
        // else the browser opens what is dropped in the place of the page
        if (event.dataTransfer.types.includes('Files')) event.preventDefault()
      }}
      onDrop={(event) => {
        event.preventDefault()
        depth.current = 0
        setOver(false)
        if (!takes(event)) return
        droppedFiles(event.dataTransfer).then(props.onFiles, (error: unknown) =>
          props.onFailure(`What was dropped cannot be read: ${failureText(error)}`),
        )
      }}
    >
      {props.children}
      {over && (
        <div className="border-link bg-surface/90 pointer-events-none absolute inset-2 z-20 flex items-center justify-center gap-2 rounded-lg border-2 border-dashed text-sm font-medium">
          <Upload className="text-link size-5" aria-hidden />
          <span className="break-all">Drop to upload to {props.directory}</span>
        </div>
      )}
    </div>
  )
}
