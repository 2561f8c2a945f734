import type { Metadata } from 'next'
import { VolumeList } from '@/components/volumes/volume-list.tsx'

export const metadata: Metadata = { title: 'Volumes' }

export default function VolumesPage() {
  return <VolumeList />
}
