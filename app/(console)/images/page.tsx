import type { Metadata } from 'next'
import { ImageList } from '@/components/images/image-list.tsx'

export const metadata: Metadata = { title: 'Images' }

export default function ImagesPage() {
  return <ImageList />
}
