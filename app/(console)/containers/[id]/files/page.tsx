import type { Metadata } from 'next'
import { FilesTab } from '../_components/files-tab.tsx'

export const metadata: Metadata = { title: 'Files' }

export default function FilesPage() {
  return <FilesTab />
}
