'use client'
import { useMemo } from 'react'
import { FileBrowser } from '@/components/files/file-browser.tsx'
import type { Place } from '@/components/files/use-files.ts'
import { useContainer } from './container-provider.tsx'
import { isUp, nameOf } from './summary.ts'

export function FilesTab() {
  const { container, id } = useContainer()
  const containerName = nameOf(container)
  const running = isUp(container)
  const place = useMemo<Place>(
    () => ({ containerId: id, containerName, running }),
    [id, containerName, running],
  )
  return <FileBrowser place={place} />
}
