import type { Metadata } from 'next'
import { ContainerList } from '@/components/containers/container-list.tsx'

export const metadata: Metadata = { title: 'Containers' }

export default function ContainersPage() {
  return <ContainerList />
}
