'use client'
import { SquareTerminal } from 'lucide-react'
import dynamic from 'next/dynamic'
import { useVerbs } from '@/components/containers/use-verbs.ts'
import { Button } from '@/components/ui/button.tsx'
import { Empty } from '@/components/ui/empty.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { SkeletonRows } from '@/components/ui/skeleton.tsx'
import { useContainer } from './container-provider.tsx'
import { isUp, nameOf } from './summary.ts'

// xterm is 90 kB and needs a browser: only this page loads it.
const TerminalPanel = dynamic(
  () => import('@/components/terminal/terminal-panel.tsx').then((module) => module.TerminalPanel),
  { ssr: false, loading: () => <SkeletonRows rows={8} label="Loading the terminal" /> },
)

export function TerminalTab() {
  const { container, id, removed } = useContainer()
  const config = container.Config ?? {}
  return (
    <TerminalPanel
      key={id}
      containerId={id}
      running={isUp(container) && !removed}
      defaultUser={config.User ?? ''}
      defaultWorkdir={config.WorkingDir ?? ''}
      openStdin={config.OpenStdin === true}
      tty={config.Tty === true}
      notRunning={<NotRunning />}
    />
  )
}

function NotRunning() {
  const { container, id, removed } = useContainer()
  const verbs = useVerbs()
  const failure = verbs.failures.get(id)
  return (
    <div className="min-h-0 flex-1 overflow-y-auto">
      <Empty
        icon={SquareTerminal}
        title="The container does not run"
        actions={
          !removed && (
            <Button
              variant="primary"
              busy={verbs.pending.has(id)}
              onClick={() => void verbs.run('start', [{ id, name: nameOf(container) }])}
            >
              Start container
            </Button>
          )
        }
      >
        A terminal is a process inside the container, so it has to run first.
      </Empty>
      {failure !== undefined && <Notice title={failure} className="mx-auto max-w-lg" />}
    </div>
  )
}
