import type { Metadata } from 'next'
import { TerminalTab } from '../_components/terminal-tab.tsx'

export const metadata: Metadata = { title: 'Terminal' }

export default function TerminalPage() {
  return <TerminalTab />
}
