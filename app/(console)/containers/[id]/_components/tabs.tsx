'use client'
import {
  ActivitySquare,
  Braces,
  ChartLine,
  FolderTree,
  ScrollText,
  SquareTerminal,
} from 'lucide-react'
import { PageTabs, type PageTab } from '@/components/page/page-tabs.tsx'

const TABS: PageTab[] = [
  { path: '', label: 'Overview', icon: ActivitySquare },
  { path: '/logs', label: 'Logs', icon: ScrollText },
  { path: '/stats', label: 'Stats', icon: ChartLine },
  { path: '/terminal', label: 'Terminal', icon: SquareTerminal },
  { path: '/files', label: 'Files', icon: FolderTree },
  { path: '/inspect', label: 'Inspect', icon: Braces },
]

export function ContainerTabs({ nameOrId }: { nameOrId: string }) {
  return (
    <PageTabs
      base={`/containers/${encodeURIComponent(nameOrId)}`}
      label="Container pages"
      tabs={TABS}
    />
  )
}
