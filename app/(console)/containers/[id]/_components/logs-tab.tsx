'use client'
import { LogViewer } from '@/components/logs/log-viewer.tsx'
import { useContainer } from './container-provider.tsx'
import { nameOf } from './summary.ts'

export function LogsTab() {
  const { container, id, removed } = useContainer()
  return (
    <LogViewer
      containerId={id}
      name={nameOf(container)}
      tty={container.Config?.Tty === true}
      removed={removed}
    />
  )
}
